import { errorMessage, K2Error } from '../../base/errors.ts'
import { hashId } from '../../base/ids.ts'
import type { Logger } from '../../base/logger.ts'
import type { MarketConfig } from '../config/market.ts'
import { type JobData, type JobQueues, RULE_JOB } from '../jobs/queues.ts'
import type { JobContext } from '../jobs/workers.ts'
import { carryOut } from './effects.ts'
import { subjectOf } from './intents.ts'
import type { RuleJob } from './model.ts'
import { causeOf } from './rounds.ts'
import { judge, type Subject } from './rules-pass.ts'
import type { Cause, Step } from './step.ts'

/** Bytes of an answer that are read; what it says does not matter. */
const MAX_ANSWER = 65_536

type Data = JobData<typeof RULE_JOB, 'run'>

export interface RuleJobsOptions {
  readonly jobs: MarketConfig['jobs']
  readonly queues: Pick<JobQueues, 'add'>
  readonly log: Logger
  /** Does one thing in the market. */
  readonly act: (work: (step: Step) => void) => Promise<void>
}

/** Jobs ordered by rules (rules 10.5): kept by the job queues, done by posting them to an endpoint, and rules hear how it went. */
export class RuleJobs {
  readonly #options: RuleJobsOptions

  constructor(options: RuleJobsOptions) {
    this.#options = options
  }

  /** Takes an order over; the same id again is the same job. Rejects `JOB_UNAVAILABLE`. */
  async order(job: RuleJob): Promise<void> {
    const { queues } = this.#options
    await queues.add(RULE_JOB, 'run', { ...job, data: { ...job.data } }, { jobId: hashId([job.id]), attempts: job.attempts })
  }

  readonly run = async (job: Data, { attempt, signal }: JobContext): Promise<void> => {
    try {
      await this.#post(job, signal)
    } catch (error) {
      this.#options.log.warn(
        { ev: 'rule-job-failed', queue: job.queue, rule: job.rule, attempt, reason: errorMessage(error) },
        'a job of a rule failed',
      )
      const last = attempt >= job.attempts || isFinal(error)
      if (last && !signal.aborted) await this.#tell('job.failed', job)
      throw error
    }
    await this.#tell('job.done', job)
  }

  async #post({ queue, id, name, rule, data, message, intent }: Data, signal: AbortSignal): Promise<void> {
    const target = this.#options.jobs[queue]
    if (target === undefined)
      throw new K2Error({ code: 'RULE_JOB_UNKNOWN', kind: 'input', message: `no queue "${queue}" is configured any more` })
    const response = await fetch(target.url, {
      method: 'POST',
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(target.timeout)]),
      headers: {
        'content-type': 'application/json',
        'idempotency-key': hashId([id]),
        ...(target.key !== undefined && { authorization: `Bearer ${target.key.reveal()}` }),
      },
      body: JSON.stringify({ id, queue, name, rule, message, intent, data }),
    })
    await drained(response)
    if (response.ok) return
    // What is wrong with the order stays wrong; everything else may pass.
    const final = response.status >= 400 && response.status < 500 && response.status !== 408 && response.status !== 429
    throw new K2Error({
      code: 'RULE_JOB_REFUSED',
      kind: final ? 'input' : 'network',
      message: `the endpoint of queue ${queue} answered ${response.status}`,
    })
  }

  /** Rules that wait for the end of jobs hear of it, with the intent or message the job was about. */
  #tell(event: 'job.done' | 'job.failed', job: Data): Promise<void> {
    return this.#options.act((step) => {
      const { parts, changes, now } = step
      const entry = job.intent === null ? undefined : parts.memory.get(job.intent)
      const messageId = `${job.message}#${job.id}`
      const cause: Cause = entry === undefined ? nowhere(step, job) : { ...causeOf(step, entry), message: job.message }
      const subject: Subject =
        entry === undefined
          ? { event, messageId, revision: 1, ...cause, text: '', sentAt: now, reading: null }
          : { ...subjectOf(event, entry, cause), messageId }
      carryOut(step, judge(parts, subject, changes, now).effects, { entry, cause, mayAsk: false })
    })
  }
}

/** What is wrong with the order itself. */
export const isFinal = (error: unknown): boolean => error instanceof K2Error && error.kind === 'input'

function nowhere({ parts }: Step, { message, queue }: Data): Cause {
  const place = { network: 'web', account: 'main', channel: 'jobs' } as const
  return {
    origin: { place, authorName: queue },
    profile: parts.profiles.of(place),
    author: { key: 'system:job', kind: 'system', trust: 'trusted', roles: [] },
    message,
  }
}

async function drained(response: Response): Promise<void> {
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += (chunk as Uint8Array).length
    if (size > MAX_ANSWER) break
  }
}
