import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Author } from '../../../src/bridges/model/message.ts'
import type { Place } from '../../../src/bridges/model/place.ts'
import type { AuthorRate } from '../../../src/gateway/pipeline/index.ts'
import { type Rig, ShiftedClock, startRig, type TestDatabase } from './rig.ts'
import { create, discord, edit, person, remove, route, telegram } from './scripted.ts'

const calm: Author = { ...person, key: 'telegram:7002', displayName: 'Bea' }
/** Nothing waits for less than the test; what waits goes on when the clock is moved. */
const RATE: AuthorRate = { burst: 2, everyMs: 3_600_000, waiting: 4 }
const HOUR = 3_600_000
/** A bound for hanging, not a measure of speed. */
const PATIENCE = { timeout: 30_000 }

/** Messages that wait for their author's turn (bridging 16), run unchanged on every database. */
export function pacingSuite(name: string, open: () => Promise<{ readonly db: TestDatabase; close(): Promise<void> }>): void {
  describe(name, () => {
    let opened: Awaited<ReturnType<typeof open>>
    let rig: Rig
    let clock: ShiftedClock
    let nth = 0
    const crowded: string[] = []

    beforeAll(async () => {
      opened = await open()
    }, 120_000)
    afterAll(() => opened?.close())
    afterEach(() => rig?.stop())

    const start = async (over: Parameters<typeof startRig>[1] = {}): Promise<void> => {
      rig = await startRig(opened.db, { clock, ...over, limits: { authorRate: RATE, ...over.limits } })
      rig.pipeline.onCrowded(({ author }) => crowded.push(author.key))
      await rig.pipeline.pacing.start()
    }
    const fresh = async (over: Parameters<typeof startRig>[1] = {}): Promise<void> => {
      clock = new ShiftedClock()
      crowded.length = 0
      await start(over)
    }
    const say = (text: string, author = person) => create(rig.from, `${++nth}`, text, { author, at: clock.now() })
    const texts = () => rig.dc.texts(rig.to.channel)
    const arrives = (...expected: string[]) => expect.poll(texts, PATIENCE).toEqual(expected)
    const waiting = async () =>
      (await rig.rows<{ id: string }>(`select event_id as id from k2.inbox where reason = 'wait:pace' and envelope is not null`))
        .length
    /** What is due then goes on with the next look, which timers of real time make. */
    const hours = (n: number) => clock.shift(n * HOUR)

    it('holds what an author writes beyond the burst, and lets others pass in the same lane', async () => {
      await fresh()
      const flood = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((text) => say(text))
      await rig.ingest([...flood, say('calm', calm)])
      await arrives('a', 'b', 'calm')
      expect(await waiting()).toBe(4)
      // The sixth that waits is too much; the same event again changes nothing and tells nobody again.
      expect(crowded).toEqual([person.key])
      await rig.ingest(flood)
      await rig.ingest([say('still calm', calm)])
      await arrives('a', 'b', 'calm', 'still calm')
      expect(crowded).toEqual([person.key])
      expect(await waiting()).toBe(4)
      expect(await rig.pipeline.quarantine.count()).toBe(0)
      expect(rig.pipeline.counters.total('bridge_filtered_total', { rule: 'author-rate' })).toBe(2)
      expect(rig.pipeline.counters.total('bridge_paced_total', {})).toBe(4)
      hours(1)
      await arrives('a', 'b', 'calm', 'still calm', 'c')
      hours(3)
      await arrives('a', 'b', 'calm', 'still calm', 'c', 'd', 'e', 'f')
      expect(await waiting()).toBe(0)
    })

    it('sends the newest text, and nothing that was taken back; what went on is a message like any other', async () => {
      await fresh()
      const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((text) => say(text))
      await rig.ingest([a, b, c, d].flatMap((e) => e ?? []))
      await arrives('a', 'b')
      const changed = edit(rig.from, c?.msg.id as string, 'c, changed', { at: clock.now() + 1_000 })
      await rig.ingest([changed, remove(rig.from, d?.msg.id as string, { at: clock.now() + 1_000 })])
      hours(2)
      await arrives('a', 'b', 'c, changed')
      await expect.poll(waiting, PATIENCE).toBe(0)
      await rig.ingest([edit(rig.from, c?.msg.id as string, 'c, again', { at: clock.now() })])
      await arrives('a', 'b', 'c, again')
      await rig.ingest([remove(rig.from, c?.msg.id as string, { at: clock.now() })])
      await arrives('a', 'b')
      const why = await rig.rows<{ reason: string }>('select reason from k2.inbox where event_id = $1', [d?.eventId])
      expect(why).toEqual([{ reason: 'deleted' }])
    })

    it('keeps the order and the rate over a restart, and lets nothing new overtake', async () => {
      await fresh()
      const routes = [route('r', [telegram('-9001'), discord('590000000000000001')])]
      await rig.stop()
      await start({ routes })
      const at = telegram('-9001')
      const to = discord('590000000000000001')
      const here = (text: string) => create(at, `${++nth}`, text, { at: clock.now() })
      await rig.ingest(['a', 'b', 'c', 'd'].map(here))
      await expect.poll(() => rig.dc.texts(to.channel), PATIENCE).toEqual(['a', 'b'])
      await rig.stop()
      // All turns pass while nothing runs.
      clock.shift(10 * HOUR)
      await start({ routes })
      await rig.ingest([here('e')])
      await expect.poll(() => rig.dc.texts(to.channel), PATIENCE).toEqual(['c'])
      expect(await waiting()).toBe(2)
      hours(2)
      await expect.poll(() => rig.dc.texts(to.channel), PATIENCE).toEqual(['c', 'd', 'e'])
    })

    it('counts what Discord and Telegram bring late from when it was written', async () => {
      await fresh()
      const late = Array.from({ length: 30 }, (_, n) => ({
        ...create(rig.from, `${++nth}`, `${n}`, { at: clock.now() - (40 - n) * HOUR }),
        receivedAt: clock.now(),
      }))
      await rig.ingest(late)
      await arrives(...late.map((_, n) => `${n}`))
      expect(await waiting()).toBe(0)
    })

    it('keeps much more of what another gateway carried, each of its people in a line of their own', async () => {
      const topic: Place = { network: 'p2p', account: 'self', channel: 'Room' }
      const to = discord('590000000000000003')
      await fresh({ routes: [route('r', [topic, to])] })
      const peer = (displayName: string): Author => ({ key: 'p2p:abc', displayName, isBot: false, kind: 'peer' })
      const line = (text: string, name: string) =>
        create(topic, `${++nth}`, text, { author: peer(name), via: ['other'], at: clock.now() - HOUR })
      await rig.ingest([...Array.from({ length: 30 }, (_, n) => line(`a${n}`, 'Ann')), line('b', 'Ben')])
      await expect.poll(() => rig.dc.texts(to.channel), PATIENCE).toEqual(['a0', 'a1', 'b'])
      expect(await waiting()).toBe(28)
      expect(crowded).toEqual([])
    })

    it('keeps every offer of a peer that begins with many', async () => {
      const topic: Place = { network: 'p2p', account: 'self', channel: 'Goods' }
      const to = discord('590000000000000004')
      await fresh({ routes: [route('r', [topic, to])] })
      const author: Author = { key: 'p2p:def', displayName: 'Shop', isBot: false, kind: 'peer' }
      const offer = (n: number) => {
        const made = create(topic, `${++nth}`, `offer ${n}`, { author, at: clock.now() })
        if (made.event.kind !== 'message.create') throw new Error('not a message')
        const card = { kind: 'offer', topic: 'Goods', title: `${n}`, lines: [`offer ${n}`], intentKey: `${n}` } as const
        return { ...made, event: { ...made.event, body: { ...made.event.body, card } } }
      }
      await rig.ingest(Array.from({ length: 30 }, (_, n) => offer(n)))
      await expect.poll(() => rig.dc.texts(to.channel).length, PATIENCE).toBe(2)
      expect(rig.pipeline.counters.total('bridge_paced_total', {})).toBe(28)
      expect(crowded).toEqual([])
    })

    it('judges again what waited: who was stopped meanwhile is not carried', async () => {
      let isBanned = false
      const again: (boolean | undefined)[] = []
      await fresh({
        moderate: (_envelope, _route, before) => {
          again.push(before)
          return isBanned ? { action: 'drop', reason: 'banned' } : undefined
        },
      })
      await rig.ingest(['a', 'b', 'c'].map((text) => say(text)))
      await arrives('a', 'b')
      isBanned = true
      hours(1)
      await expect.poll(() => rig.pipeline.counters.total('bridge_filtered_total', { rule: 'banned' }), PATIENCE).toBe(1)
      expect(texts()).toEqual(['a', 'b'])
      expect(again.at(-1)).toBe(true)
    })

    it('gives all accounts of a person one pace, also in the threads of a route', async () => {
      const other: Author = { ...person, key: 'telegram:7009', displayName: 'Ann at work' }
      const from = telegram('-9003')
      const thread = { ...from, thread: '5' }
      const place = discord('590000000000000003')
      const both = [
        route('room', [from, place]),
        { ...route('room~1', [thread, { ...place, thread: '590000000000000004' }]), parent: 'room' },
      ]
      await fresh({ routes: both, personOf: (author) => (author === other.key ? person.key : author) })
      const before = await waiting()
      const write = (at: Place, text: string, author: Author) => create(at, text, text, { author, at: clock.now() })
      await rig.ingest([
        write(from, 'one', person),
        write(thread, 'two', other),
        write(from, 'three', other),
        write(thread, 'four', person),
        write(from, 'calm', calm),
      ])
      await expect.poll(() => rig.dc.texts(place.channel).toSorted(), PATIENCE).toEqual(['calm', 'one', 'two'])
      expect(await waiting()).toBe(before + 2)
    })

    it('can be switched off, everywhere or on a route', async () => {
      await fresh({ limits: { authorRate: undefined } })
      await rig.ingest(Array.from({ length: 80 }, (_, n) => say(`${n}`)))
      await expect.poll(() => texts().length, PATIENCE).toBe(80)
      await rig.stop()
      await fresh({ routes: [route('r', [telegram('-9002'), discord('590000000000000002')], { authorRate: 'off' })] })
      await rig.ingest(Array.from({ length: 80 }, (_, n) => create(telegram('-9002'), `${n}`, `${n}`, { at: clock.now() })))
      await expect.poll(() => rig.dc.texts('590000000000000002').length, PATIENCE).toBe(80)
    })
  })
}
