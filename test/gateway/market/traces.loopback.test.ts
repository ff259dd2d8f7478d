import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { Changes } from '../../../src/gateway/market/changes.ts'
import { TRACE_RINGS } from '../../../src/gateway/market/passed-over.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'
import { type MarketRig, startMarket } from './rig.ts'

let dir: TestDir
let db: Database<unknown>
let rig: MarketRig
let folder: string

const RULES = `version: 1
rules:
  - id: cheap
    if: { all: [{ intent: sell }, { topic: laptops }, { price: { max: "400 USD" } }] }
    then: [{ tag: { add: [cheap], on: message } }]
  - id: words
    if: { all: [{ intent: sell }, { text: { any: [zweihander] } }] }
    then: [{ tag: { add: [words], on: message } }]
  - id: elsewhere
    when: { platforms: [discord] }
    if: { intent: sell }
    then: [{ tag: { add: [elsewhere], on: message } }]
`

beforeAll(async () => {
  dir = await embeddedDir()
  db = await openDatabase({ driver: 'embedded', dir: dir.dir })
  folder = await mkdtemp(join(tmpdir(), 'k2gw-traces-'))
  await writeFile(join(folder, 'rules.yaml'), RULES)
}, 60_000)
afterEach(async () => {
  await rig.stop()
  for (const table of ['intent', 'search', 'alert', 'notice', 'match', 'consent', 'person', 'profile', 'trace'])
    await db.pool.query(`delete from k2.market_${table}`)
  for (const table of ['rule_state', 'rule_set']) await db.pool.query(`delete from k2.${table}`)
})
afterAll(async () => {
  await db.close()
  await dir.remove()
  await rm(folder, { recursive: true, force: true })
})

const open = async (): Promise<void> => {
  rig = await startMarket(db, { rulesPath: join(folder, 'rules.yaml') })
  expect(rig.rules.problems.filter((p) => p.severity === 'error')).toEqual([])
}

/** Stored traces by hand: a class, the rule they fired or nearly fired, how many, and when the oldest was. */
async function stored(of: 'fired' | 'near' | 'dull', rule: string, many: number, from: number): Promise<void> {
  const entry = of === 'fired' ? { id: rule, result: 'fired' } : { id: rule, result: 'false', near: true }
  const trace = { fired: of === 'fired' ? [entry] : [], passed: of === 'near' ? [entry] : [] }
  await db.pool.query(
    `insert into k2.market_trace (message_id, class, trace, at)
     select $1 || n, $2, $3::jsonb, $4::bigint + n from generate_series(0, $5::int - 1) n`,
    [`${of}-${rule}-`, of, JSON.stringify(trace), from, many],
  )
}
const kept = async (prefix: string): Promise<string[]> =>
  (
    await rig.rows<{ message_id: string }>(
      `select message_id from k2.market_trace where message_id like '${prefix}%' order by at`,
    )
  ).map((r) => r.message_id)

describe('why a rule did or did not fire is kept', () => {
  it('with what it lacked, also where its trigger was too narrow, and without the words of the message', async () => {
    await open()
    const ref = await rig.say(rig.telegram, 'ann', 'WTS ThinkPad X1 Carbon, $700 shipped')
    const id = `telegram:${ref.channel}:${ref.id}`
    const trace = (await rig.market.store.traceOf(id)) as { passed: { id: string }[] }
    const of = (rule: string) => trace.passed.find((t) => t.id === rule)
    expect(of('cheap')).toMatchObject({ result: 'false', near: true, first_false: 'if.all[2].price', actual: '700 USD' })
    expect(of('elsewhere')).toMatchObject({ result: 'trigger', first_false: 'when.platforms', actual: 'telegram' })
    expect(of('words')).toMatchObject({ result: 'false', near: true, first_false: 'if.all[1].text' })
    expect(JSON.stringify(of('words'))).not.toMatch(/thinkpad/i)
    expect(await rig.market.store.nearMisses('cheap', 10)).toMatchObject([{ message: id, lacked: { actual: '700 USD' } }])
    expect(await rig.market.store.fires('cheap', 10)).toEqual([])
    const cheap = await rig.say(rig.telegram, 'bob', 'WTS ThinkPad X230, $90 shipped')
    expect(await rig.market.store.fires('cheap', 10)).toMatchObject([{ message: `telegram:${cheap.channel}:${cheap.id}` }])
  })

  it('in rings: 200 of every rule that fired, 50 near misses of every rule, 20 dull ones, the newest of each', async () => {
    await open()
    const now = rig.clock.now()
    expect(TRACE_RINGS).toEqual({ fired: 200, near: 50, dull: 20 })
    await stored('fired', 'busy', 230, now - 60_000)
    await stored('fired', 'rare', 3, now - 120_000)
    await stored('near', 'busy', 80, now - 50_000)
    await stored('near', 'rare', 2, now - 130_000)
    await stored('dull', 'none', 45, now - 1_000)
    await rig.market.store.trimTraces()
    const busy = await kept('fired-busy-')
    expect([busy.length, busy[0], busy.at(-1)]).toEqual([200, 'fired-busy-30', 'fired-busy-229'])
    const near = await kept('near-busy-')
    expect([near.length, near[0]]).toEqual([50, 'near-busy-30'])
    const dull = await kept('dull-')
    expect([dull.length, dull[0]]).toEqual([20, 'dull-none-25'])
    // What happens rarely outlives what happens often, however old it is.
    expect(await kept('fired-rare-')).toHaveLength(3)
    expect(await kept('near-rare-')).toHaveLength(2)
    expect(await rig.market.store.fires('busy', 200)).toHaveLength(200)
    // Seven days end them all.
    await rig.market.store.prune(now + 8 * 86_400_000)
    expect(await kept('')).toEqual([])
  })

  it('a message that more than one rule nearly took stays while one of their rings has room for it', async () => {
    await open()
    const now = rig.clock.now()
    const both = [
      { id: 'busy', result: 'false', near: true },
      { id: 'rare', result: 'false', near: true },
    ]
    await db.pool.query(`insert into k2.market_trace (message_id, class, trace, at) values ('both', 'near', $1::jsonb, $2)`, [
      JSON.stringify({ fired: [], passed: both }),
      now - 90_000,
    ])
    await stored('near', 'busy', 60, now - 50_000)
    await rig.market.store.trimTraces()
    expect(await kept('both')).toEqual(['both'])
    expect(await kept('near-busy-')).toHaveLength(50)
  })

  it('beyond them they go without waiting for the hour when many were written', async () => {
    await open()
    await rig.market.round()
    const now = rig.clock.now()
    const changes = new Changes()
    for (let n = 0; n < 2_000; n++)
      changes.traces.push({ messageId: `dull-${n}`, class: 'dull', trace: { fired: [], passed: [] }, at: now - 2_000 + n })
    await rig.market.store.flush(changes, now)
    expect(await kept('dull-')).toHaveLength(2_000)
    await rig.market.round()
    expect(await kept('dull-')).toEqual(Array.from({ length: 20 }, (_, n) => `dull-${1_980 + n}`))
  })
})
