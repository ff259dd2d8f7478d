import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { marketActions } from '../../../src/gateway/market/actions.ts'
import { SearchDesk } from '../../../src/gateway/market/commands-alerts.ts'
import { Desk } from '../../../src/gateway/market/desk.ts'
import { formatPlace } from '../../../src/gateway/market/places.ts'
import { Reactions } from '../../../src/gateway/reactions/service.ts'
import { ReactionStore } from '../../../src/gateway/reactions/store.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'
import { ShiftedClock } from '../pipeline/rig.ts'
import { telegram } from '../pipeline/scripted.ts'
import { contextOf } from './context.ts'
import { type MarketRig, nextDiscord, startMarket } from './rig.ts'

let dir: TestDir
let db: Database<unknown>
let rig: MarketRig
let folder: string
const HOUR = 3_600_000
const DAY = 24 * HOUR

beforeAll(async () => {
  dir = await embeddedDir()
  db = await openDatabase({ driver: 'embedded', dir: dir.dir })
  folder = await mkdtemp(join(tmpdir(), 'k2gw-market-rules-'))
}, 60_000)
afterEach(async () => {
  await rig.stop()
  for (const table of ['intent', 'search', 'alert', 'notice', 'match', 'consent', 'person', 'profile', 'trace'])
    await db.pool.query(`delete from k2.market_${table}`)
  for (const table of ['rule_state', 'rule_set', 'reaction', 'reaction_due', 'reaction_shown'])
    await db.pool.query(`delete from k2.${table}`)
})
afterAll(async () => {
  await db.close()
  await dir.remove()
  await rm(folder, { recursive: true, force: true })
})

const SELL = 'WTS ThinkPad X1 Carbon, $700 shipped'
const texts = (said: MarketRig['tg']['said']): string[] => said.map((s) => s.notice.rich.text)

/** A market with these rules and no others. */
async function start(rules: string, over: Parameters<typeof startMarket>[1] = {}): Promise<MarketRig> {
  const path = join(folder, 'rules.yaml')
  const head = 'version: 1\ntemplates: { say: "{{ item.text }} by rule" , plain: "said by rule" }\nrules:\n'
  await writeFile(path, head + rules)
  rig = await startMarket(db, { rulesPath: path, ...over })
  expect(rig.rules.problems.filter((p) => p.severity === 'error')).toEqual([])
  return rig
}

async function press(id: string, at: MarketRig['telegram'], name: string) {
  const desk = new Desk(rig.market)
  const colon = id.indexOf(':')
  const action = marketActions(desk, new SearchDesk(desk)).find((a) => a.name === id.slice(0, colon))
  if (action === undefined) throw new Error(`no action ${id}`)
  return action.run(contextOf(at, name), id.slice(colon + 1))
}

const statusesOf = async (action: string): Promise<string[]> =>
  (
    await rig.rows<{ trace: { plan: { effects: { id: string; action: string }[] }; status: Record<string, string> } }>(
      'select trace from k2.market_trace',
    )
  ).flatMap(({ trace }) => trace.plan.effects.filter((e) => e.action === action).map((e) => trace.status[e.id] ?? 'nothing'))

describe('route', () => {
  it('copies go with the other deliveries, drops are never sent, and what rules only try changes nothing', async () => {
    const other = telegram('-100987654')
    await start(`
  - id: gpus
    if: { text: { any: [rtx] } }
    then: [{ route: { to: ["telegram/tg/-100987654", Goods], as: copy } }]
  - id: secret
    if: { text: { any: [secret] } }
    then: [{ route: { to: ["${formatPlace(nextDiscord())}"], drop: true } }]
  - id: tried
    mode: dry_run
    if: { intent: any }
    then: [{ route: { to: ["telegram/tg/-100987654"], as: copy } }]
`)
    await rig.say(rig.telegram, 'ann', 'an RTX 4070 for everybody')
    await rig.tg.until(() => rig.tg.texts(other.channel).length === 1)
    await rig.k2.until(() => rig.k2.texts('Goods').length === 1)
    await rig.dc.until(() => rig.dc.texts(rig.discord.channel).length === 1)
    const quiet = await rig.say(rig.telegram, 'ann', 'a secret')
    await rig.say(rig.telegram, 'ann', SELL)
    await rig.dc.until(() => rig.dc.texts(rig.discord.channel).length === 2)
    expect(rig.dc.texts(rig.discord.channel)).toEqual(['an RTX 4070 for everybody', SELL])
    expect(rig.tg.texts(other.channel)).toEqual(['an RTX 4070 for everybody'])
    const why = await rig.pipeline.admin.why(quiet)
    expect(JSON.stringify(why?.events[0]?.trace)).toContain('rule:secret')
    const [tried] = await rig.rows<{ trace: { plan: { dry: { rule: string }[] } } }>(
      `select trace from k2.market_trace where trace #>> '{plan,dry,0,rule}' = 'tried'`,
    )
    expect(tried?.trace.plan.dry).toHaveLength(1)
  })

  it('cards and links go to channels, and as text to K2 topics', async () => {
    await start(`
  - id: cards
    when: { events: [intent.opened] }
    if: { intent: sell }
    then: [{ route: { to: ["telegram/tg/-100987654"], as: card } }, { route: { to: [Goods], as: link } }]
`)
    await rig.say(rig.telegram, 'ann', SELL)
    const card = rig.tg.said.find((s) => s.target.kind === 'place' && s.target.place.channel === '-100987654')
    expect(card?.notice.rich.text).toMatch(/^Offer: ThinkPad X1 Carbon, 700 USD.*\nfrom ann/)
    expect(card?.notice.actions?.flat().map((a) => a.label)).toContain('Interested')
    await rig.k2.until(() => rig.k2.texts('Goods').length === 1)
    expect(rig.k2.texts('Goods')[0]).toMatch(/^Offer: ThinkPad X1 Carbon/)
    expect(rig.k2.requests[0]?.author).toMatchObject({ key: 'telegram:ann', displayName: 'ann' })
    expect(await statusesOf('route')).toEqual(['done', 'done'])
  })
})

describe('react, tag, alert', () => {
  it('the account reacts to the message; the place where it was written shows it once', async () => {
    await start(`
  - id: sign
    if: { intent: sell }
    then: [{ react: { emoji: "👀" } }]
`)
    const shown: [string, string[]][] = []
    Object.assign(rig.tg, {
      react: async (change: { ref: { id: string }; wanted: { key: string }[] }) => {
        shown.push([change.ref.id, change.wanted.map((e) => e.key)])
        return { kind: 'done', shown: change.wanted.map((e) => e.key) }
      },
    })
    const reactions = new Reactions({
      store: new ReactionStore(db.pool),
      bridges: { find: (network: string) => (network === 'telegram' ? rig.tg : undefined) } as never,
      routes: () => [],
      clock: rig.clock,
      log: nullLogger,
    })
    await reactions.start()
    const ref = await rig.say(rig.telegram, 'ann', SELL)
    for (let i = 0; shown.length === 0 && i < 3_000; i++) await new Promise((r) => setTimeout(r, 20))
    await reactions.stop()
    expect(shown).toEqual([[ref.id, ['👀']]])
    expect(await statusesOf('react')).toEqual(['done'])
  })

  it('tags stay on authors, threads and intents, for later rules and over a restart, until their time is over', async () => {
    const clock = new ShiftedClock()
    const rules = `
  - id: mark
    priority: 10
    if: { text: { any: [scammer] } }
    then: [{ tag: { add: [watched], on: author, for: 2h } }]
  - id: mark-intent
    when: { events: [intent.opened] }
    then: [{ tag: { add: [fresh], on: intent } }]
  - id: hear
    if: { all: [{ tag: { any: [watched] } }, { text: { any: [hello] } }] }
    then: [{ reply: { template: plain, visibility: channel } }]
  - id: closing
    when: { events: [intent.closed] }
    if: { tag: { any: [fresh] } }
    then: [{ reply: { template: say, visibility: channel } }]
`
    await start(rules, { clock, instance: 'tags' })
    await rig.say(rig.telegram, 'ann', 'I am a scammer')
    await rig.say(rig.telegram, 'bob', 'hello')
    expect(texts(rig.tg.said)).toEqual([])
    await rig.stop()
    rig = await startMarket(db, { rulesPath: join(folder, 'rules.yaml'), clock, instance: 'tags' })
    await rig.say(rig.telegram, 'ann', 'hello')
    expect(texts(rig.tg.said)).toEqual(['said by rule'])
    clock.shift(3 * HOUR)
    await rig.say(rig.telegram, 'ann', 'hello')
    expect(texts(rig.tg.said)).toHaveLength(1)
    const offer = await rig.say(rig.telegram, 'cid', SELL)
    await rig.say(rig.telegram, 'cid', 'sold', { replyTo: offer })
    expect(texts(rig.tg.said).filter((t) => t.endsWith('by rule'))).toHaveLength(2)
  })

  it('alerts to a role reach who was seen with it, and administrators of the gateway', async () => {
    await start(`
  - id: gpus
    when: { events: [intent.opened] }
    if: { intent: sell }
    then: [{ alert: { to: ["role:424242424242", "role:admin"] } }]
`)
    await db.pool.query(
      `insert into k2.access_grant (account, role, granted_by, at) values ('telegram:root', 'admin', 'test', 1)`,
    )
    await rig.market.round()
    await rig.say(rig.discord, 'bob', 'hello there', { roles: ['424242424242'] })
    await rig.say(rig.discord, 'cid', 'hello there', { roles: ['111'] })
    await rig.say(rig.telegram, 'ann', SELL)
    const people = [...rig.dc.said, ...rig.tg.said].filter((s) => s.notice.rich.text.startsWith('🔔')).map((s) => s.target)
    expect(people).toEqual([
      { kind: 'person', authorKey: 'discord:bob' },
      { kind: 'person', authorKey: 'telegram:root' },
    ])
    // The role was taken away again.
    await rig.say(rig.discord, 'bob', 'hello again', { roles: [] })
    await rig.say(rig.telegram, 'dan', 'WTS Nikon D750 camera body, $500')
    expect(texts(rig.dc.said).filter((t) => t.startsWith('🔔'))).toHaveLength(1)
    await db.pool.query('delete from k2.access_grant')
  })
})

describe('ask', () => {
  it('the author is asked for what is missing, the answer becomes part of the offer, and rules hear of it', async () => {
    const clock = new ShiftedClock()
    await start(
      `
  - id: price
    when: { events: [intent.opened] }
    if: { intent: sell, price: { missing: true } }
    then: [{ ask: { for: price, timeout: 1h } }]
  - id: thanks
    when: { events: [intent.updated] }
    if: { price: { max: "900 USD" } }
    then: [{ reply: { template: say, visibility: channel } }]
`,
      { clock },
    )
    await rig.say(rig.telegram, 'ann', 'WTS ThinkPad X1 Carbon')
    expect(texts(rig.tg.said)).toEqual([expect.stringMatching(/^What should it cost\?\nOffer: ThinkPad X1 Carbon/)])
    const button = rig.tg.said[0]?.notice.actions?.flat()[0]
    if (button === undefined || !('id' in button)) throw new Error('no button')
    const form = await press(button.id, rig.telegram, 'ann')
    if (form.kind !== 'form') throw new Error('no form')
    expect(form.form.fields).toEqual([{ name: 'price', label: 'Price, such as 700 USD', required: true, maxLength: 60 }])
    await expect(form.submit(contextOf(rig.telegram, 'ann'), { price: 'cheap' })).rejects.toMatchObject({
      code: 'MARKET_NOT_UNDERSTOOD',
    })
    await expect(form.submit(contextOf(rig.telegram, 'bob'), { price: '1 USD' })).rejects.toMatchObject({
      code: 'MARKET_NOT_YOURS',
    })
    const card = await form.submit(contextOf(rig.telegram, 'ann'), { price: '700 USD' })
    await rig.settled()
    expect(card.kind === 'answer' && card.notice.rich.text).toMatch(/700 USD/)
    expect(texts(rig.tg.said).at(-1)).toBe('thinkpad x1 carbon by rule')
    clock.shift(2 * HOUR)
    await expect(press(button.id, rig.telegram, 'ann')).rejects.toMatchObject({ code: 'MARKET_TOO_LATE' })
  })
})

describe('job', () => {
  let server: Server
  afterEach(() => void server?.close())

  it('is posted to the endpoint of its queue once, and rules hear how it went', async () => {
    const got: { body: Record<string, unknown>; key: string | undefined }[] = []
    let status = 200
    server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', (d: Buffer) => chunks.push(d))
      request.on('end', () => {
        got.push({ body: JSON.parse(Buffer.concat(chunks).toString('utf8')), key: request.headers.authorization })
        response.writeHead(status).end('x'.repeat(100_000))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
    await start(
      `
  - id: lead
    when: { events: [intent.opened] }
    if: { intent: sell }
    then: [{ job: { queue: crm, name: lead, data: { kind: laptop }, attempts: 2 } }, { job: { queue: nobody, name: x } }]
  - id: done
    when: { events: [job.done] }
    then: [{ reply: { template: say, visibility: channel } }]
  - id: failed
    when: { events: [job.failed] }
    then: [{ notify_admin: { template: say } }]
`,
      { config: { operator: 'telegram/tg/-100555', jobs: { crm: { url, key: 'hush' } } } },
    )
    await rig.say(rig.telegram, 'ann', SELL)
    expect(rig.queued).toEqual([
      expect.objectContaining({ queue: 'crm', name: 'lead', rule: 'lead', data: { kind: 'laptop' }, attempts: 2 }),
    ])
    expect(await statusesOf('job')).toEqual(['done', 'unconfigured'])
    const job = rig.queued[0] as MarketRig['queued'][number]
    const signal = new AbortController().signal
    const run = (attempt: number) =>
      rig.jobs.run({ ...job, data: { ...job.data } }, { id: 'x', attempt, signal, progress: async () => {} })
    status = 503
    await expect(run(1)).rejects.toMatchObject({ code: 'RULE_JOB_REFUSED', kind: 'network' })
    expect(texts(rig.tg.said)).toEqual([])
    await expect(run(2)).rejects.toMatchObject({ code: 'RULE_JOB_REFUSED' })
    await rig.settled()
    expect(texts(rig.tg.said)).toEqual(['warn: thinkpad x1 carbon by rule (rule failed)'])
    status = 200
    await run(1)
    await rig.settled()
    expect(texts(rig.tg.said).at(-1)).toBe('thinkpad x1 carbon by rule')
    expect(got).toHaveLength(3)
    expect(got[0]).toMatchObject({
      key: 'Bearer hush',
      body: { queue: 'crm', name: 'lead', rule: 'lead', data: { kind: 'laptop' } },
    })
  })
})

describe('events that come by themselves', () => {
  it('the end of an intent, hits of saved searches, and every minute of a schedule once, also over a restart', async () => {
    const clock = new ShiftedClock()
    const rules = `
  - id: ending
    when: { events: [intent.expiring] }
    then: [{ reply: { template: say, visibility: channel } }]
  - id: hit
    when: { events: [subscription.hit] }
    if: { match: { score: ">= 0.5", side: offer } }
    then: [{ tag: { add: [wanted], on: intent } }]
  - id: minute
    when: { events: [schedule], cron: "* * * * *" }
    then: [{ alert: { to: "channel:telegram/tg/-100555", template: plain } }]
`
    await start(rules, { clock, instance: 'events' })
    const onTheMinute = (): string[] =>
      rig.tg.said.filter((s) => s.target.kind === 'place' && s.target.place.channel === '-100555').map((s) => s.notice.rich.text)
    await new SearchDesk(new Desk(rig.market)).add(contextOf(rig.discord, 'bob'), 'thinkpad under 800 usd')
    await rig.say(rig.telegram, 'ann', SELL)
    const [intent] = [...rig.parts.memory.all()]
    expect(rig.parts.memory.tags.of('intent', intent?.record.intent.intent_id ?? '', clock.now())).toEqual(['wanted'])
    await rig.market.round()
    await rig.settled()
    await rig.market.round()
    await rig.settled()
    const before = onTheMinute().length
    expect(before).toBeGreaterThanOrEqual(1)
    clock.shift(3 * 60_000)
    await rig.market.round()
    await rig.settled()
    expect(onTheMinute().length - before).toBeGreaterThanOrEqual(3)
    clock.shift(13 * DAY + HOUR)
    await rig.market.round()
    await rig.settled()
    const ended = (): string[] => texts(rig.tg.said).filter((t) => t === 'thinkpad x1 carbon by rule')
    expect(ended()).toHaveLength(1)
    await rig.stop()
    const said = rig.tg.said.length
    rig = await startMarket(db, { rulesPath: join(folder, 'rules.yaml'), clock, instance: 'events' })
    clock.shift(20 * 60_000)
    await rig.market.round()
    await rig.settled()
    expect(said).toBeGreaterThan(0)
    expect(ended()).toHaveLength(0)
    // What was missed while nobody was there is bounded.
    expect(onTheMinute().length).toBeLessThanOrEqual(11)
  })
})

describe('what rules know of authors', () => {
  it('open intents, messages so far, and the age of Discord accounts', async () => {
    await start(`
  - id: newcomer
    if: { author: { messages: "<= 1" }, text: { any: [first] } }
    then: [{ reply: { template: plain, visibility: channel } }]
  - id: busy
    if: { author: { intents_open: ">= 1" }, text: { any: [second] } }
    then: [{ reply: { template: plain, visibility: channel } }]
  - id: old
    if: { author: { account_age: "> 30d" }, text: { any: [third] } }
    then: [{ reply: { template: plain, visibility: channel } }]
`)
    await rig.say(rig.telegram, 'ann', 'my first words')
    await rig.say(rig.telegram, 'ann', 'my first words once more')
    expect(rig.tg.said).toHaveLength(1)
    await rig.say(rig.telegram, 'bob', 'a second word')
    expect(rig.tg.said).toHaveLength(1)
    await rig.say(rig.telegram, 'ann', SELL)
    await rig.say(rig.telegram, 'ann', 'a second word')
    expect(rig.tg.said).toHaveLength(2)
    // An account of 2015, and one nobody knows the age of.
    await rig.say(rig.discord, '80351110224678912', 'a third word')
    await rig.say(rig.discord, 'bob', 'a third word')
    expect(rig.dc.said).toHaveLength(1)
  })
})
