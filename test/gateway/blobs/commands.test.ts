import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { parseTextArguments } from '../../../src/bridges/text-command.ts'
import { blobCommands, progressLine } from '../../../src/gateway/blobs/commands.ts'
import type { BlobJob } from '../../../src/gateway/blobs/model.ts'
import type { Asker, BlobService, FetchRequest } from '../../../src/gateway/blobs/service.ts'
import type { CommandContext } from '../../../src/gateway/commands/definition.ts'
import { CommandRegistry } from '../../../src/gateway/commands/registry.ts'
import { blobsSchema } from '../../../src/gateway/config/blobs.ts'

const job = (more: Partial<BlobJob> = {}): BlobJob => ({
  id: '01a202f0-27f1-7a94-b5ed-fbc2315afcea',
  kind: 'fetch',
  requester: 'telegram:1',
  name: 'a b.txt',
  hash: 'ab',
  format: 'raw',
  state: 'queued',
  size: undefined,
  bytes: 0,
  attempts: 0,
  error: undefined,
  result: undefined,
  createdAt: 0,
  updatedAt: 0,
  expiresAt: 0,
  ...more,
})

function rig(states: readonly Partial<BlobJob>[]) {
  const clock = new ManualClock()
  const asked: { request: FetchRequest; asker: Asker }[] = []
  const seen: (string | undefined)[] = []
  let n = 0
  const service = {
    async fetch(request: FetchRequest, asker: Asker) {
      asked.push({ request, asker })
      return job()
    },
    async job() {
      return job(states[Math.min(n++, states.length - 1)])
    },
    async jobs(requester: string | undefined) {
      seen.push(requester)
      return [job()]
    },
    async cancel(_id: string, requester: string | undefined) {
      seen.push(requester)
      return true
    },
  } as unknown as BlobService
  const commands = blobCommands({ service, routes: () => [], blobs: blobsSchema.parse({}), clock })
  const shown: string[] = []
  const context = (role: 'trader' | 'admin', surface: 'chat' | 'http' = 'chat'): CommandContext => ({
    origin:
      surface === 'chat'
        ? {
            surface,
            at: { network: 'telegram', account: 'main', channel: '-1' },
            interaction: { network: 'telegram', account: 'main', id: 'm:1' } as never,
          }
        : { surface },
    actor: { key: surface === 'chat' ? 'telegram:1' : 'operator', displayName: 'Ann' },
    role,
    async progress(notice) {
      shown.push(notice.rich.text)
      // The next look comes at once.
      setImmediate(() => clock.advance(1_000))
    },
    signal: new AbortController().signal,
  })
  const run = (path: string, context: CommandContext, args: object) =>
    commands.find((c) => c.path.join(' ') === path)?.run(context, args as never)
  return { commands, asked, seen, shown, context, run }
}

describe('file commands', () => {
  it('fit every surface: names, types and paths are free and valid', () => {
    const registry = new CommandRegistry(rig([]).commands)
    expect(registry.on('http').map((c) => `${c.definition.http.method} ${c.definition.http.path}`)).toEqual(
      expect.arrayContaining(['POST /jobs/blob-fetch', 'GET /jobs', 'GET /jobs/:id', 'DELETE /jobs/:id']),
    )
    const get = registry.specsFor('telegram').find((spec) => spec.telegram === 'k2_get')
    // Names in tickets may have blanks: the whole rest of the line is the ticket.
    expect(parseTextArguments(get?.arguments ?? [], 'my photo.jpg|blobabc')).toMatchObject({
      args: { ticket: 'my photo.jpg|blobabc' },
      missing: [],
      surplus: '',
    })
  })

  it('a fetch in a chat counts for its person, goes to its place once per interaction, and shows how far it is', async () => {
    const r = rig([{ state: 'fetching', size: 100, bytes: 40 }, { state: 'fetching', size: 100, bytes: 80 }, { state: 'done' }])
    const result = await r.run('file get', r.context('trader'), { ticket: 'x|blobabc' })
    expect(r.asked[0]).toMatchObject({
      request: { ticket: 'x|blobabc' },
      asker: {
        requester: 'telegram:1',
        exempt: false,
        target: { place: { channel: '-1' } },
        requestKey: 'telegram/main/m:1',
      },
    })
    expect(r.shown.map((text) => /\d+ %/.exec(text)?.[0])).toEqual([undefined, '40 %', '80 %'])
    expect(result).toMatchObject({ kind: 'answer', notice: { rich: { text: '📎 a b.txt: done' } } })
  })

  it('a failed fetch is an error with its own code; operators are not waited for', async () => {
    const r = rig([{ state: 'failed', error: { code: 'BLOB_UNAVAILABLE', message: 'nobody has it' } }])
    const failed = Promise.resolve(r.run('file get', r.context('trader'), { ticket: 'x' }))
    await expect(failed).rejects.toMatchObject({ code: 'BLOB_UNAVAILABLE', message: 'nobody has it' })
    const queued = await r.run('file fetch', r.context('admin', 'http'), { ticket: 'x', priority: 'high' })
    expect(queued).toMatchObject({ data: { state: 'queued' } })
    expect(r.asked.at(-1)?.asker).toEqual(expect.not.objectContaining({ target: expect.anything() }))
    expect(r.asked.at(-1)?.asker).toMatchObject({ requester: 'operator', exempt: true })
  })

  it('people see and cancel their own jobs, administrators all', async () => {
    const r = rig([{}])
    await r.run('file jobs', r.context('trader'), { limit: 5 })
    await r.run('file cancel', r.context('trader'), { id: ' x ' })
    await r.run('file jobs', r.context('admin'), { limit: 5 })
    expect(r.seen).toEqual(['telegram:1', 'telegram:1', undefined])
  })
})

describe('progress in words', () => {
  it.each([
    [{ state: 'queued' }, 'waits for its turn'],
    [{ state: 'queued', error: { code: 'X', message: 'nobody answers' } }, 'waits for another try (nobody answers)'],
    [{ state: 'fetching', bytes: 2048 }, '2.0 KiB so far'],
    [{ state: 'fetching', bytes: 1024, size: 4096 }, '▓▓▓▓▓░░░░░░░░░░░░░░░ 25 %, 1.0 KiB of 4.0 KiB'],
    [{ state: 'finishing' }, 'is being checked and sent'],
  ] as const)('%o', (state, wanted) => {
    expect(progressLine(job(state))).toBe(wanted)
  })
})
