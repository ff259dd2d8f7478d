// A gateway's pipeline that is killed again and again. argv: database (folder or postgres:// URL), journal file, source file,
// number of messages per source. The journal is the outside world: what stands in it was sent, whatever the process knows.
import { appendFileSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { nullLogger } from '../../../src/base/logger.ts'
import type { Network } from '../../../src/bridges/model/place.ts'
import type { Bridge, SendOutcome, SendRequest } from '../../../src/bridges/port.ts'
import { openDatabase } from '../../../src/gateway/db/database.ts'
import { BridgeSet, bootName, createPipeline, openSentLog } from '../../../src/gateway/pipeline/index.ts'
import { type Journaled, KILL_ROUTES, KILL_SOURCES } from './kill-plan.ts'
import { CAPABLE, create, refOf } from './scripted.ts'

const [target, journalPath, sourcePath, total] = process.argv.slice(2) as [string, string, string, string]
const journal = openSync(journalPath, 'a')
const known = new Map<string, string>()
for (const line of existsSync(journalPath) ? readFileSync(journalPath, 'utf8').split('\n') : []) {
  if (line === '') continue
  const entry = JSON.parse(line) as Journaled
  known.set(`${entry.channel} ${entry.idemKey}`, entry.id)
}

/** Writes the journal. `remembers`: finds what an earlier attempt sent, as Discord does; Telegram cannot. */
function platform(network: Network, account: string, remembers: boolean): Bridge {
  return {
    name: account,
    network,
    account,
    capabilities: { ...CAPABLE, settlesDoubt: remembers },
    health: () => ({ status: 'ok' }),
    async send(request: SendRequest): Promise<SendOutcome> {
      const { channel } = request.place
      const key = `${channel} ${request.idemKey}`
      const before = known.get(key)
      let id = remembers && request.ambiguousSince !== undefined ? before : undefined
      if (id === undefined) {
        id = `${process.pid}-${known.size}`
        const entry: Journaled = {
          channel,
          id,
          idemKey: request.idemKey,
          text: request.body?.rich.text ?? '',
          doubtful: request.ambiguousSince !== undefined,
        }
        // Half of the time passes before the platform has it, half after: both are moments to die.
        await delay(Math.random() * 2)
        writeSync(journal, `${JSON.stringify(entry)}\n`)
        known.set(key, id)
        await delay(Math.random() * 2)
      }
      return { kind: 'done', parts: [{ part: 0, ref: refOf(request.place, id) }] }
    },
  }
}

const db = await openDatabase(
  target.startsWith('postgres:') ? { driver: 'postgres', url: target } : { driver: 'embedded', dir: target },
)
const bridges = new BridgeSet()
bridges.add(platform('discord', 'dc', true))
bridges.add(platform('telegram', 'out', false))
const sent = target.startsWith('postgres:') ? undefined : openSentLog(dirname(journalPath), bootName(), nullLogger)
const pipeline = createPipeline({ db, bridges, routes: KILL_ROUTES, rules: [], instance: 'killed', sent })
await pipeline.start(new AbortController().signal)
process.stdout.write('ready\n')

/** As a platform with an offset: events count as taken when the offset is written, everything after it comes again. */
async function feed(source: number): Promise<void> {
  const at = KILL_SOURCES[source]
  if (at === undefined) return
  const offsetFile = `${sourcePath}.${source}`
  let next = existsSync(offsetFile) ? Number(readFileSync(offsetFile, 'utf8')) : 0
  const sink = pipeline.sink(at.account)
  while (next < Number(total)) {
    const size = Math.min(Number(total) - next, 1 + Math.floor(Math.random() * 12))
    const events = Array.from({ length: size }, (_, i) => create(at, String(next + i), `${source}:${next + i}`))
    await sink.ingest(events)
    next += size
    writeFileSync(`${offsetFile}.new`, String(next))
    renameSync(`${offsetFile}.new`, offsetFile)
    appendFileSync(`${sourcePath}.log`, `${source} ${next}\n`)
    process.stdout.write(`taken ${source} ${next}\n`)
    await delay(Math.random() * 10)
  }
}
await Promise.all(KILL_SOURCES.map((_, source) => feed(source)))
const idle = async (): Promise<boolean> => {
  const { rows } = await db.pool.query<{ n: number }>('select count(*)::int as n from k2.delivery where done_at is null')
  return rows[0]?.n === 0
}
while (!(await idle())) await delay(20)
await pipeline.drain(AbortSignal.timeout(5_000))
await pipeline.stop()
await db.close()
process.stdout.write('finished\n')
