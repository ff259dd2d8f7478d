import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Place } from '../../../src/bridges/model/place.ts'
import { placeKey } from '../../../src/bridges/model/place.ts'
import { openDatabase } from '../../../src/gateway/db/database.ts'
import { embeddedDir } from '../../support/embedded.ts'
import { type Rig, ShiftedClock, startRig } from './rig.ts'
import { create, discord, edit, person, refOf, remove, route, ScriptedBridge, telegram } from './scripted.ts'

/** A group that takes few messages: texts may be sent together there. */
class JoiningBridge extends ScriptedBridge {
  joinsTexts(place: Place): boolean {
    return place.channel.startsWith('-')
  }
}

const AGE_MS = 11_000
const limited = { kind: 'rate-limited', afterMs: 50, scope: 'lane' } as const
const bob = { ...person, key: 'discord:7002', displayName: 'Bob' }

describe('texts that wait long for a limited place (bridging 16)', () => {
  let database: Awaited<ReturnType<typeof openDatabase>>
  let folder: Awaited<ReturnType<typeof embeddedDir>>
  let rig: Rig
  let tg: JoiningBridge
  const from = discord('520000000000000001')
  const to = telegram('-1009', 'slow')
  const lane = placeKey(to)

  beforeAll(async () => {
    folder = await embeddedDir()
    database = await openDatabase({ driver: 'embedded', dir: folder.dir })
  })
  afterEach(() => rig?.stop())
  afterAll(async () => {
    await database?.close()
    await folder?.remove()
  })

  /** A gateway whose place takes nothing until `open`, with everything offered waiting for longer than ten seconds. */
  const waiting = async (events: (n: number) => Parameters<Rig['ingest']>[0]): Promise<() => Promise<void>> => {
    const clock = new ShiftedClock()
    rig = await startRig(database, { clock, routes: [route('r', [from, to])] })
    await rig.db.pool.query('delete from k2.inbox', [])
    await rig.db.pool.query('delete from k2.copy', [])
    await rig.db.pool.query('delete from k2.delivery', [])
    await rig.db.pool.query('delete from k2.composite', [])
    tg = new JoiningBridge('telegram', 'slow')
    rig.bridges.add(tg)
    tg.script = () => limited
    await rig.ingest(events(clock.now()))
    return async () => {
      clock.shift(AGE_MS)
      tg.script = () => 'ok'
      await rig.pipeline.laneReady(lane)
    }
  }
  const done = async (count: number): Promise<void> => {
    const open = async () =>
      (await rig.rows<{ n: number }>('select count(*)::int as n from k2.delivery where lane = $1 and done_at is null', [lane]))[0]
        ?.n
    await expect.poll(open, { timeout: 20_000 }).toBe(0)
    expect(tg.shown(to.channel)).toHaveLength(count)
  }

  it('are one message, a line each, in order; copies are found from each', async () => {
    const open = await waiting((at) =>
      Array.from({ length: 12 }, (_, n) => create(from, `j${n}`, `text ${n}`, { at, author: n % 3 === 0 ? bob : person })),
    )
    await open()
    await done(1)
    const [message] = tg.shown(to.channel)
    expect(message?.author).toBe('Bob')
    expect(message?.text).toBe(
      ['text 0', ...Array.from({ length: 11 }, (_, i) => `${(i + 1) % 3 === 0 ? 'Bob' : 'Ann'}: text ${i + 1}`)].join('\n'),
    )
    expect(rig.pipeline.counters.total('bridge_coalesced_total', { route: 'r' })).toBe(11)
    expect(rig.pipeline.counters.total('bridge_deliveries_total', { outcome: 'done', route: 'r' })).toBe(12)

    // A reply to one of the lines answers the message that shows it.
    await rig.ingest([create(from, 'reply', 'an answer', { replyTo: refOf(from, 'j7') })])
    await done(2)
    expect(tg.shown(to.channel)[1]).toMatchObject({ text: 'an answer', replyTo: message?.id })
  })

  it('take later edits and deletes line by line, and go with the last of them', async () => {
    const open = await waiting((at) => Array.from({ length: 5 }, (_, n) => create(from, `e${n}`, `text ${n}`, { at })))
    await open()
    await done(1)
    const text = (): string | undefined => tg.texts(to.channel)[0]
    await rig.ingest([edit(from, 'e2', 'changed'), edit(from, 'e0', 'begun anew'), remove(from, 'e3')])
    await done(1)
    expect(text()).toBe('begun anew\nAnn: text 1\nAnn: changed\nAnn: text 4')
    await rig.ingest([remove(from, 'e0')])
    await done(1)
    expect(text()).toBe('text 1\nAnn: changed\nAnn: text 4')
    await rig.ingest(['e1', 'e2', 'e4'].map((id) => remove(from, id)))
    await done(0)
  })

  it('leave messages of another kind alone, and what does not wait long', async () => {
    const open = await waiting((at) => [
      ...Array.from({ length: 4 }, (_, n) => create(from, `k${n}`, `before ${n}`, { at })),
      create(from, 'answer', 'an answer', { at, replyTo: refOf(from, 'k1') }),
      ...Array.from({ length: 4 }, (_, n) => create(from, `l${n}`, `after ${n}`, { at })),
    ])
    await open()
    await done(3)
    expect(tg.texts(to.channel)).toEqual([
      'before 0\nAnn: before 1\nAnn: before 2\nAnn: before 3',
      'an answer',
      'after 0\nAnn: after 1\nAnn: after 2\nAnn: after 3',
    ])
    expect(tg.shown(to.channel)[1]?.replyTo).toBe(tg.shown(to.channel)[0]?.id)
    await rig.ingest(Array.from({ length: 6 }, (_, n) => create(from, `f${n}`, `fresh ${n}`, { at: rig.clock.now() })))
    await done(9)
  })

  it('are as many as fit, however long, and stay apart where only a few wait', async () => {
    const long = 'x'.repeat(400)
    const open = await waiting((at) => Array.from({ length: 20 }, (_, n) => create(from, `x${n}`, `${long} ${n}`, { at })))
    await open()
    await expect
      .poll(
        () =>
          tg
            .texts(to.channel)
            .join('\n')
            .match(/x{400} \d+/g)?.length,
        { timeout: 20_000 },
      )
      .toBe(20)
    const numbers = [
      ...tg
        .texts(to.channel)
        .join('\n')
        .matchAll(/x{400} (\d+)/g),
    ].map((m) => Number(m[1]))
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, n) => n))
    for (const text of tg.texts(to.channel)) expect(text.length).toBeLessThan(2_000)
    expect(tg.shown(to.channel).length).toBeLessThan(20)
  })

  it('are in doubt together when an answer is lost, and nothing of them is missing', async () => {
    const open = await waiting((at) => Array.from({ length: 8 }, (_, n) => create(from, `d${n}`, `text ${n}`, { at })))
    await open()
    let lost = 0
    tg.script = (request) => (request.body?.rich.text.includes('\n') && lost++ === 0 ? 'lost' : 'ok')
    await expect
      .poll(
        () =>
          new Set(
            tg
              .texts(to.channel)
              .join('\n')
              .match(/text \d/g),
          ).size,
        { timeout: 20_000 },
      )
      .toBe(8)
    const open2 = async () =>
      (await rig.rows<{ n: number }>('select count(*)::int as n from k2.delivery where lane = $1 and done_at is null', [lane]))[0]
        ?.n
    await expect.poll(open2, { timeout: 20_000 }).toBe(0)
  })
})
