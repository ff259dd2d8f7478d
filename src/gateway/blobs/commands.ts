import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import type { RichText } from '../../bridges/model/rich-text.ts'
import { attachment } from '../commands/arguments.ts'
import { type CommandContext, type CommandDefinition, defineCommand } from '../commands/definition.ts'
import { answer, bold, code, line, lines, notice } from '../commands/notices.ts'
import type { BlobsConfig } from '../config/blobs.ts'
import type { RouteDefinition } from '../pipeline/index.ts'
import { humanSize } from './errors.ts'
import type { BlobJob, Target } from './model.ts'
import { basePolicy, policyFor } from './policy.ts'
import type { Asker, BlobService } from './service.ts'

/** How long an answer follows its job; the job goes on by itself. */
const FOLLOW_MS = 10 * 60_000
const LOOK_MS = 1_000
const SHOWN = 15
const BAR = 20

export interface BlobCommandParts {
  readonly service: BlobService
  readonly routes: () => readonly RouteDefinition[]
  readonly blobs: BlobsConfig
  readonly clock: Clock
}

const ticket = z.string().min(5).max(20_000)

const isOperator = ({ origin }: CommandContext): boolean => origin.surface !== 'chat'

/** `▓▓▓░░░ 40 %, 12 MiB of 30 MiB` */
export function progressLine(job: Pick<BlobJob, 'state' | 'bytes' | 'size' | 'attempts' | 'error'>): string {
  if (job.state === 'queued' && job.error) return `waits for another try (${job.error.message || job.error.code})`
  if (job.state === 'queued') return 'waits for its turn'
  if (job.state === 'finishing') return 'is being checked and sent'
  if (job.state !== 'fetching') return job.state
  if (!job.size) return `${humanSize(job.bytes)} so far`
  const part = Math.min(1, job.bytes / job.size)
  const full = Math.floor(part * BAR)
  return `${'▓'.repeat(full)}${'░'.repeat(BAR - full)} ${Math.floor(part * 100)} %, ${humanSize(job.bytes)} of ${humanSize(job.size)}`
}

const jobLine = (job: BlobJob): RichText =>
  line(
    code(job.id),
    ' ',
    bold(job.name),
    ` ${job.state === 'failed' ? `failed: ${job.error?.message ?? ''}` : progressLine(job)}`,
  )

/** Commands for files (k2-application 4.2, rows 14 to 17). */
export function blobCommands(parts: BlobCommandParts): CommandDefinition[] {
  const { service, routes, blobs } = parts
  const askerOf = (context: CommandContext, requestKey?: string): Asker => {
    if (context.origin.surface !== 'chat') {
      return { requester: 'operator', exempt: true, policy: basePolicy(blobs), requestKey }
    }
    const { at, interaction } = context.origin
    const target: Target = { place: at }
    return {
      requester: context.actor.key,
      exempt: context.role === 'admin',
      target,
      policy: policyFor(at, routes(), blobs),
      requestKey: `${interaction.network}/${interaction.account}/${interaction.id}`,
    }
  }
  /** Own jobs; administrators see all. */
  const owner = (context: CommandContext): string | undefined =>
    isOperator(context) || context.role === 'admin' ? undefined : context.actor.key

  /** Shows progress until the job has ended, the person's wait is over, or the gateway stops. */
  const follow = async (context: CommandContext, job: BlobJob): Promise<BlobJob> => {
    let now = job
    let shown = ''
    const until = parts.clock.now() + FOLLOW_MS
    while (!ended(now) && parts.clock.now() < until && !context.signal.aborted) {
      const text = progressLine(now)
      if (text !== shown) await context.progress(notice(line('📎 ', bold(now.name), ` ${text}`)))
      shown = text
      await new Promise<void>((go) => parts.clock.after(LOOK_MS, go))
      now = await service.job(job.id)
    }
    return now
  }

  return [
    defineCommand({
      path: ['file', 'share'],
      telegram: 'k2_share',
      http: { method: 'POST', path: '/jobs/blob-share' },
      summary: 'make a K2 ticket of a file',
      role: 'trader',
      private: false,
      timeoutMs: FOLLOW_MS + 30_000,
      notOn: ['cli', 'http'],
      arguments: z.object({ file: attachment() }),
      argumentHelp: { file: { summary: 'the file' } },
      async run(context, { file }) {
        const job = await service.share(file, file.name, askerOf(context))
        const done = await follow(context, job)
        return finished(done, 'The ticket is here as soon as the file is.')
      },
    }),
    defineCommand({
      path: ['file', 'get'],
      telegram: 'k2_get',
      http: { method: 'POST', path: '/jobs/file-get' },
      summary: 'fetch a file by its K2 ticket',
      help: 'The ticket is a text such as photo.jpg|blobac… or blobac…. The file comes to this chat when it is here.',
      role: 'trader',
      private: false,
      timeoutMs: FOLLOW_MS + 30_000,
      notOn: ['cli', 'http'],
      arguments: z.object({ ticket }),
      argumentHelp: { ticket: { summary: 'the ticket, as name|blob… or blob…', rest: true } },
      async run(context, args) {
        const job = await service.fetch({ ticket: args.ticket }, askerOf(context))
        return finished(await follow(context, job), 'It goes on; the file comes here when it is done.')
      },
    }),
    defineCommand({
      path: ['file', 'fetch'],
      http: { method: 'POST', path: '/jobs/blob-fetch' },
      summary: 'queue the fetch of a file by its K2 ticket',
      role: 'admin',
      notOn: ['discord', 'telegram', 'web'],
      arguments: z.object({
        ticket,
        name: z.string().min(1).max(200).optional(),
        priority: z.enum(['high', 'normal', 'low']).default('normal'),
        key: z.string().min(1).max(200).optional(),
      }),
      argumentHelp: {
        ticket: { summary: 'the ticket, as name|blob… or blob…' },
        name: { summary: 'file name instead of the one in the ticket' },
        priority: { summary: 'what goes first when many wait' },
        key: { summary: 'the same key twice is one job' },
      },
      async run(context, { ticket: text, name, priority, key }) {
        const job = await service.fetch({ ticket: text, name, priority }, askerOf(context, key))
        return answer(jobLine(job), job)
      },
    }),
    defineCommand({
      path: ['file', 'jobs'],
      telegram: 'k2_jobs',
      http: { method: 'GET', path: '/jobs' },
      summary: 'your file jobs',
      role: 'trader',
      arguments: z.object({ limit: z.int().min(1).max(1000).default(SHOWN) }),
      argumentHelp: { limit: { summary: 'how many at most' } },
      async run(context, { limit }) {
        const jobs = await service.jobs(owner(context), limit)
        return answer(jobs.length === 0 ? 'No file jobs.' : lines(...jobs.slice(0, SHOWN).map(jobLine)), jobs, {
          title: 'File jobs',
        })
      },
    }),
    defineCommand({
      path: ['file', 'job'],
      telegram: 'k2_job',
      http: { method: 'GET', path: '/jobs/:id' },
      summary: 'one file job and where its file is',
      role: 'trader',
      arguments: z.object({ id: z.string().max(64) }),
      argumentHelp: { id: { summary: 'id of the job' } },
      async run(context, { id }) {
        const job = await service.job(id.trim(), owner(context))
        const files = await service.resultFiles(job)
        const shown = files.slice(0, SHOWN).map((file) => line(bold(file.name), ` ${humanSize(file.size)} ${file.url ?? ''}`))
        return answer(lines(jobLine(job), ...shown), { ...job, files })
      },
    }),
    defineCommand({
      path: ['file', 'cancel'],
      telegram: 'k2_cancel',
      http: { method: 'DELETE', path: '/jobs/:id' },
      summary: 'cancel one of your file jobs',
      role: 'trader',
      arguments: z.object({ id: z.string().max(64) }),
      argumentHelp: {
        id: {
          summary: 'id of the job',
          async suggest(context, typed) {
            const jobs = await service.jobs(owner(context), 100)
            const open = jobs.filter((job) => !ended(job) && (job.name.includes(typed) || job.id.startsWith(typed)))
            return open.map((job) => ({ name: `${job.name} (${job.state})`, value: job.id }))
          },
        },
      },
      async run(context, { id }) {
        const cancelled = await service.cancel(id.trim(), owner(context))
        return answer(cancelled ? 'Cancelled.' : 'It had ended already.', { cancelled })
      },
    }),
  ]
}

const ended = (job: BlobJob): boolean => job.state === 'done' || job.state === 'failed' || job.state === 'cancelled'

function finished(job: BlobJob, unfinished: string): ReturnType<typeof answer> {
  if (job.state === 'failed') {
    throw new K2Error({
      code: job.error?.code ?? 'BLOB_JOB_FAILED',
      kind: 'platform',
      message: job.error?.message ?? 'it failed',
    })
  }
  const text = job.state === 'done' ? 'done' : job.state === 'cancelled' ? 'cancelled' : unfinished
  return answer(line('📎 ', bold(job.name), `: ${text}`), job)
}
