import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { K2Error } from '../../../src/base/errors.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import type { Envelope } from '../../../src/bridges/model/message.ts'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { InboxReader } from '../../../src/gateway/market/inbox.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'
import { type Rig, startRig } from '../pipeline/rig.ts'
import { create } from '../pipeline/scripted.ts'

let dir: TestDir
let db: Database<unknown>
let rig: Rig

beforeAll(async () => {
  dir = await embeddedDir()
  db = await openDatabase({ driver: 'embedded', dir: dir.dir })
  rig = await startRig(db)
}, 60_000)
afterAll(async () => {
  await rig.stop()
  await db.close()
  await dir.remove()
})

function reader(owner: string, take: (events: readonly Envelope[], seq: number) => Promise<void>, instance = 'one'): InboxReader {
  return new InboxReader({
    pool: db.pool,
    shared: false,
    owner: `${instance}/${owner}`,
    instance,
    clock: systemClock,
    log: nullLogger,
    backlog: () => 0,
    take,
  })
}

let n = 0
async function write(count: number): Promise<string[]> {
  const texts = Array.from({ length: count }, () => `message ${++n}`)
  await rig.ingest(texts.map((text) => create(rig.from, String(10_000 + Number(text.slice(8))), text)))
  return texts
}
const textsOf = (events: readonly Envelope[]): string[] =>
  events.map((e) => (e.event.kind === 'message.create' ? e.event.body.rich.text : e.event.kind))

describe('reading stored messages', () => {
  it('gives every message in order, in batches, and again what was not stored before the process ended', async () => {
    const got: string[] = []
    const first = reader('1', async (events, seq) => {
      got.push(...textsOf(events))
      await db.pool.query("update k2.market_reader set seq = $1 where name = 'inbox'", [seq])
    })
    await first.settled()
    const early = await write(450)
    await first.settled()
    expect(got).toEqual(early)
    await first.stop()

    // This one dies in the middle: it takes a batch and stores nothing.
    const lost = await write(30)
    const taken: string[] = []
    const dying = reader('2', async (events) => {
      taken.push(...textsOf(events))
      throw new K2Error({ code: 'TEST', kind: 'bug', message: 'killed' })
    })
    await dying.settled()
    expect(taken).toEqual(lost)
    await dying.stop()

    // A new run of the same gateway begins where results were stored last.
    const again: string[] = []
    const next = reader('3', async (events) => void again.push(...textsOf(events)))
    await next.settled()
    expect(again).toEqual(lost)
    await next.stop()
  })

  it('is done by one gateway at a time', async () => {
    const got: string[] = []
    const one = reader('1', async (events) => void got.push(`one ${events.length}`), 'one')
    const two = reader('1', async (events) => void got.push(`two ${events.length}`), 'two')
    await one.settled()
    await two.settled()
    expect(two.position).toBeUndefined()
    got.length = 0
    await write(3)
    await two.settled()
    await one.settled()
    expect(got).toEqual(['one 3'])
    await one.stop()
    await write(2)
    await two.settled()
    // What the first one read but did not store is read again.
    expect(two.position).toBeDefined()
    await two.stop()
  })
})
