import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type AlertCandidate,
  AlertState,
  buildDigest,
  DEFAULT_RECIPIENT,
  decide,
  digestTime,
  localTime,
  nextLocal,
  parseHours,
  type Recipient,
} from '../../../src/rules/alert/index.ts'
import { inHours } from '../../../src/rules/alert/local-time.ts'
import type { StoredIntent } from '../../../src/rules/model.ts'
import { NOW, price, stored } from '../match/support.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const hours = (text: string) => parseHours(text) as NonNullable<ReturnType<typeof parseHours>>

/** One recipient on a simulated clock: every decision is applied, as the caller does. */
class Inbox {
  readonly state = new AlertState()
  now: number
  readonly recipient: Recipient
  #count = 0

  constructor(part: Partial<Recipient> = {}, now = NOW) {
    this.recipient = { ...DEFAULT_RECIPIENT, key: 'telegram:9', ...part }
    this.now = now
  }

  offer(part: Parameters<typeof stored>[2] = {}): StoredIntent {
    const n = this.#count++
    return stored('sell', `thing ${n} made of ${n * 7} parts`, {
      intent_id: `i${n}`,
      owner: `discord:${n}`,
      expires_at: this.now + 30 * DAY,
      ...part,
    })
  }

  hear(intent: StoredIntent, part: Partial<AlertCandidate> = {}) {
    const candidate: AlertCandidate = {
      recipient: this.recipient,
      intent,
      visible: true,
      suspicious: false,
      change: 'same',
      causes: [{ kind: 'subscription', id: 's1', urgency: 'instant' }],
      ...part,
    }
    const { decision, change } = decide(this.state, candidate, this.now)
    if (change !== undefined) this.state.apply(change)
    return decision
  }
}

/** UTC moment of a wall time, the first of two. */
function local(zone: string, y: number, m: number, d: number, h: number, min = 0): number {
  for (let t = Date.UTC(y, m - 1, d, h, min) - 15 * HOUR; ; t += 60_000) {
    const at = localTime(t, zone)
    if (at.year === y && at.month === m && at.day === d && at.hour === h && at.minute === min) return t
  }
}

describe('acceptance 10: alerts on a simulated clock', () => {
  it('duplicate: one alert per recipient and intent, whatever finds it again', () => {
    const inbox = new Inbox()
    const intent = inbox.offer()
    expect(inbox.hear(intent).result).toBe('send')
    inbox.now += 3 * DAY
    expect(inbox.hear(intent, { causes: [{ kind: 'match', id: 'm', urgency: 'instant', score: 0.9 }] }).step).toBe('duplicate')
  })

  it('repost: the same thing of the same owner is news again after seven days', () => {
    const inbox = new Inbox()
    inbox.hear(inbox.offer({ owner: 'discord:x', slots: { price: price(700, 700) } }))
    const again = () =>
      inbox.hear(
        inbox.offer({
          owner: 'discord:x',
          slots: { item: { text: 'thing 0 made of 0 parts', head: null, model_tokens: [], brand: null }, price: price(700, 700) },
        }),
      )
    inbox.now += 7 * DAY - 1
    expect(again().step).toBe('repost')
    inbox.now += 1
    expect(again().result).toBe('send')
  })

  it('price drop: from five percent on, once per step', () => {
    const inbox = new Inbox()
    const at = (n: number) => inbox.offer({ intent_id: 'i', slots: { price: price(n, n) } })
    inbox.hear(at(1_000))
    expect(inbox.hear(at(960)).step).toBe('duplicate')
    const dropped = inbox.hear(at(900), { change: 'price_drop' })
    expect(dropped).toMatchObject({ result: 'send', price_drop: true })
    expect(inbox.hear(at(900), { change: 'price_drop' }).step).toBe('duplicate')
    expect(inbox.hear(at(800), { change: 'price_drop' })).toMatchObject({ result: 'send', price_drop: true })
  })

  it('quiet hours over midnight hold until they end, then one digest tells', () => {
    const zone = 'America/New_York'
    const inbox = new Inbox({ time_zone: zone, quiet: hours('22:30-06:30') }, local(zone, 2026, 1, 5, 22, 30))
    const end = local(zone, 2026, 1, 6, 6, 30)
    for (const wait of [0, 2 * HOUR, 5 * HOUR]) {
      inbox.now += wait
      expect(inbox.hear(inbox.offer())).toMatchObject({ result: 'digest', step: 'quiet', due_at: end })
    }
    expect(inbox.state.due(end - 1)).toEqual([])
    expect(inbox.state.due(end)).toMatchObject([{ recipient: 'telegram:9', due_at: end }])
    expect(inbox.state.takeDigest('telegram:9', end)).toHaveLength(3)
    inbox.now = end
    expect(inbox.hear(inbox.offer()).result).toBe('send')
  })

  it.each([
    ['forward in New York', 'America/New_York', [2026, 3, 7], [2026, 3, 8], 7.5],
    ['back in New York', 'America/New_York', [2026, 10, 31], [2026, 11, 1], 9.5],
    ['forward in Sydney', 'Australia/Sydney', [2026, 10, 3], [2026, 10, 4], 7.5],
    ['back in Sydney', 'Australia/Sydney', [2026, 4, 4], [2026, 4, 5], 9.5],
    ['forward by half an hour on Lord Howe', 'Australia/Lord_Howe', [2026, 10, 3], [2026, 10, 4], 8],
    ['nowhere in Ho Chi Minh City', 'Asia/Ho_Chi_Minh', [2026, 3, 28], [2026, 3, 29], 8.5],
  ] as const)('quiet hours the night the clock goes %s', (_, zone, [y, m, d], [ey, em, ed], length) => {
    const from = local(zone, y, m, d, 22, 30)
    const end = local(zone, ey, em, ed, 7)
    expect((end - from) / HOUR).toBe(length)
    for (let now = from; now < end; now += 15 * 60_000) {
      const inbox = new Inbox({ time_zone: zone, quiet: hours('22:30-07:00') }, now)
      expect(inbox.hear(inbox.offer())).toMatchObject({ result: 'digest', step: 'quiet', due_at: end })
    }
    for (const now of [from - 60_000, end]) {
      const awake = new Inbox({ time_zone: zone, quiet: hours('22:30-07:00') }, now)
      expect(awake.hear(awake.offer()).result).toBe('send')
    }
  })

  it('caps: an hour, a source and a day; the rest waits for the digest', () => {
    const inbox = new Inbox({ per_hour: 4, per_day: 6, per_source: 2 })
    const results = (channel: (i: number) => string, n: number) =>
      Array.from({ length: n }, (_, i) => inbox.hear(inbox.offer({ channel: channel(i) })).step)
    expect(results(() => 'one', 3)).toEqual(['send', 'send', 'cap'])
    expect(results((i) => `c${i}`, 3)).toEqual(['send', 'send', 'cap'])
    inbox.now += HOUR
    expect(results((i) => `d${i}`, 3)).toEqual(['send', 'send', 'cap'])
    inbox.now += DAY
    expect(results((i) => `e${i}`, 1)).toEqual(['send'])
  })

  it('digest: grouped by search, the best first, without what closed meanwhile', () => {
    const inbox = new Inbox()
    const daily = (id: string, score: number) => ({ causes: [{ kind: 'match' as const, id, urgency: 'daily' as const, score }] })
    const [a, b, c] = [inbox.offer(), inbox.offer(), inbox.offer()]
    inbox.hear(a, daily('bikes', 0.8))
    inbox.hear(b, daily('lamps', 0.9))
    inbox.hear(c, daily('bikes', 0.95))
    const due = digestTime(inbox.recipient, 'daily', inbox.now)
    expect(inbox.state.close(b.intent_id)).toEqual([])
    const digest = buildDigest(inbox.state.takeDigest('telegram:9', due), () => true)
    expect(digest?.groups.map((g) => [g.search, g.entries.map((e) => e.intent_id)])).toEqual([
      ['bikes', [c.intent_id, a.intent_id]],
    ])
  })

  it('cancellation on close: nothing waits any more, what was delivered can be edited', () => {
    const inbox = new Inbox()
    const sent = inbox.offer()
    const waiting = inbox.offer()
    const { alert_id } = inbox.hear(sent)
    inbox.hear(waiting, { causes: [{ kind: 'subscription', id: 's', urgency: 'daily' }] })
    expect(inbox.state.close(waiting.intent_id)).toEqual([])
    expect(inbox.state.takeDigest('telegram:9', inbox.now + 2 * DAY)).toEqual([])
    expect(inbox.state.close(sent.intent_id)).toMatchObject([{ alert_id, sent: true }])
    expect(inbox.hear({ ...inbox.offer(), status: 'closed' })).toMatchObject({ result: 'drop', step: 'quality' })
  })

  it('consent and opt-out: nothing without, nothing after, all again when it returns', () => {
    const inbox = new Inbox()
    const none = { recipient: { ...inbox.recipient, consents: false } }
    expect(inbox.hear(inbox.offer(), none)).toMatchObject({ result: 'drop', step: 'consent' })
    expect(inbox.hear(inbox.offer(), { visible: false })).toMatchObject({ result: 'drop', step: 'consent' })
    expect(inbox.hear(inbox.offer()).result).toBe('send')
    // A dropped candidate leaves no trace: after opting in the same intent is told.
    const later = inbox.offer()
    inbox.hear(later, none)
    expect(inbox.hear(later).result).toBe('send')
  })
})

describe('local time, whatever the zone', () => {
  const zones = fc.constantFrom(
    'UTC',
    'Europe/Berlin',
    'Europe/London',
    'America/New_York',
    'America/Sao_Paulo',
    'America/St_Johns',
    'Asia/Kolkata',
    'Asia/Kathmandu',
    'Asia/Ho_Chi_Minh',
    'Australia/Lord_Howe',
    'Pacific/Apia',
    'Africa/Casablanca',
    'America/Santiago',
  )
  const moments = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2030, 0, 1) })
  const minutes = fc.integer({ min: 0, max: 1_439 })

  it('the next wall time comes within 49 hours and is that time, or the end of the gap over it', () => {
    fc.assert(
      fc.property(zones, moments, minutes, (zone, now, at) => {
        const next = nextLocal(now, zone, at)
        expect(next).toBeGreaterThan(now)
        expect(next - now).toBeLessThanOrEqual(49 * HOUR)
        const reached = localTime(next, zone)
        if (reached.minutes === at) return
        expect(reached.minutes).toBeGreaterThan(at)
        const before = localTime(next - 60_000, zone)
        if (before.day === reached.day) expect(before.minutes).toBeLessThan(at)
      }),
      // In Chile the clock goes forward at midnight: the gap begins with the day.
      { numRuns: 300, examples: [['America/Santiago', Date.UTC(2025, 8, 6, 4), 0]] },
    )
  })

  it('where the clock skips midnight, the end of the gap counts as midnight', () => {
    expect(nextLocal(Date.UTC(2025, 8, 6, 4), 'America/Santiago', 0)).toBe(Date.UTC(2025, 8, 7, 4))
  })

  it('nothing is sent in quiet hours and no digest falls into them', () => {
    const range = fc.tuple(minutes, minutes).filter(([a, b]) => a !== b)
    fc.assert(
      fc.property(zones, moments, range, fc.constantFrom('instant', 'hourly', 'daily'), (zone, now, [from, until], urgency) => {
        const quiet = { from, until }
        const inbox = new Inbox({ time_zone: zone, quiet }, now)
        const decision = inbox.hear(inbox.offer(), { causes: [{ kind: 'subscription', id: 's', urgency }] })
        if (decision.result === 'send') expect(inHours(localTime(now, zone).minutes, quiet)).toBe(false)
        if (decision.due_at === undefined) return
        expect(decision.due_at).toBeGreaterThan(now)
        expect(inHours(localTime(decision.due_at, zone).minutes, quiet)).toBe(false)
      }),
      { numRuns: 300 },
    )
  })
})
