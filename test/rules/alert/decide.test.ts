import { describe, expect, it } from 'vitest'
import {
  type AlertCandidate,
  AlertState,
  alertCard,
  buildDigest,
  DEFAULT_RECIPIENT,
  decide,
  digestTime,
  Expansion,
  localTime,
  mergeCandidates,
  nextLocal,
  parseHours,
  type Recipient,
  reminderTime,
} from '../../../src/rules/alert/index.ts'
import type { StoredIntent } from '../../../src/rules/model.ts'
import { NOW, price, RATES, stored } from '../match/support.ts'

const hours = (text: string) => parseHours(text) as NonNullable<ReturnType<typeof parseHours>>
const recipient = (part: Partial<Recipient> = {}): Recipient => ({ ...DEFAULT_RECIPIENT, key: 'telegram:9', ...part })
const TEXT = 'WTS ThinkPad X1 Carbon gen 9, great shape, $700 shipped'
const offer = (part: Parameters<typeof stored>[2] = {}): StoredIntent =>
  stored('sell', 'ThinkPad X1 Carbon', {
    intent_id: 'i',
    owner: 'discord:1',
    text: TEXT,
    ...part,
    slots: {
      item: { text: 'ThinkPad X1 Carbon', head: 'thinkpad', model_tokens: ['x1'], brand: null },
      price: price(700, 700),
      ...part.slots,
    },
  })
const candidate = (part: Partial<AlertCandidate> = {}): AlertCandidate => ({
  recipient: recipient(),
  intent: offer(),
  visible: true,
  suspicious: false,
  change: 'same',
  causes: [{ kind: 'subscription', id: 's1', name: 'thinkpad', urgency: 'instant' }],
  ...part,
})
function run(state: AlertState, c: AlertCandidate, now = NOW) {
  const { decision, change } = decide(state, c, now)
  if (change !== undefined) state.apply(change)
  return decision
}
const local = (zone: string, y: number, m: number, d: number, h: number, min = 0): number => {
  for (let t = Date.UTC(y, m - 1, d, h, min) - 15 * 3_600_000; ; t += 60_000) {
    const at = localTime(t, zone)
    if (at.year === y && at.month === m && at.day === d && at.hour === h && at.minute === min) return t
  }
}

describe('decision chain', () => {
  it.each<[string, Partial<AlertCandidate>, string]>([
    ['no consent', { recipient: recipient({ consents: false }) }, 'consent'],
    ['cannot see the source', { visible: false }, 'consent'],
    ['own intent', { recipient: recipient({ key: 'discord:1' }) }, 'self'],
    ['linked account', { recipient: recipient({ own: new Set(['discord:1']) }) }, 'self'],
    ['blocked', { recipient: recipient({ blocked: new Set(['discord:1']) }) }, 'self'],
    ['muted author', { recipient: recipient({ muted_authors: new Set(['discord:1']) }) }, 'self'],
    ['muted search', { recipient: recipient({ muted_searches: new Set(['s1']) }) }, 'self'],
    ['low confidence', { intent: offer({ confidence: 0.79 }) }, 'quality'],
    ['low score', { causes: [{ kind: 'match', id: 'm', urgency: 'instant', score: 0.69 }] }, 'quality'],
    ['hidden suspicious price', { suspicious: true, recipient: recipient({ hide_suspicious: true }) }, 'quality'],
    ['closed meanwhile', { intent: offer({ status: 'closed' }) }, 'quality'],
  ])('%s', (_, part, step) => {
    expect(decide(new AlertState(), candidate(part), NOW).decision).toMatchObject({ result: 'drop', step })
  })

  it('sends once per recipient and intent, under a stable id', () => {
    const state = new AlertState()
    const first = run(state, candidate())
    expect(first).toMatchObject({ result: 'send', step: 'send' })
    expect(run(state, candidate())).toMatchObject({ result: 'drop', step: 'duplicate', alert_id: first.alert_id })
    expect(run(new AlertState(), candidate()).alert_id).toBe(first.alert_id)
  })

  it('drops reposts for seven days, by what is offered and by nearly the same text', () => {
    const state = new AlertState()
    run(state, candidate())
    expect(
      run(state, candidate({ intent: offer({ intent_id: 'again', text: 'other words entirely for the very same thing' }) })),
    ).toMatchObject({ step: 'repost' })
    const reworded = offer({
      intent_id: 'again2',
      slots: { item: { text: 'laptop', head: 'laptop', model_tokens: [], brand: null } },
    })
    expect(run(state, candidate({ intent: reworded }))).toMatchObject({ step: 'repost' })
    expect(run(state, candidate({ intent: offer({ intent_id: 'other', owner: 'discord:2' }) }))).toMatchObject({ result: 'send' })
    const late = NOW + 7 * 86_400_000
    expect(run(state, candidate({ intent: offer({ intent_id: 'late', expires_at: late + 1 }) }), late)).toMatchObject({
      result: 'send',
    })
  })

  it('a fall of five percent is told as a price drop, for reposts and revisions', () => {
    const state = new AlertState()
    run(state, candidate())
    const cheaper = (n: number, id: string) => offer({ intent_id: id, slots: { price: price(n, n) } })
    expect(run(state, candidate({ intent: cheaper(670, 'r1') }))).toMatchObject({ step: 'repost' })
    expect(run(state, candidate({ intent: cheaper(665, 'r2') }))).toMatchObject({ result: 'send', price_drop: true })
    expect(run(state, candidate({ intent: cheaper(600, 'i'), change: 'price_drop' }))).toMatchObject({
      result: 'send',
      price_drop: true,
    })
    expect(run(state, candidate({ intent: cheaper(600, 'i'), change: 'price_drop' }))).toMatchObject({ step: 'duplicate' })
  })

  it('merges causes to one alert', () => {
    const merged = mergeCandidates([
      candidate(),
      candidate({ causes: [{ kind: 'match', id: 'm', urgency: 'daily', score: 0.9 }] }),
      candidate(),
    ])
    expect(merged).toHaveLength(1)
    expect(merged[0]?.causes.map((c) => c.id)).toEqual(['s1', 'm'])
  })

  it('caps per hour, per source and per day go to the digest', () => {
    const many = (per: Partial<Recipient>, step: number, channel: (i: number) => string) => {
      const state = new AlertState()
      return Array.from({ length: 8 }, (_, i) => {
        const intent = offer({
          intent_id: `x${i}`,
          owner: `discord:${i + 10}`,
          channel: channel(i),
          text: `unique ${i} words ${i * 7} in ${i * 13} text`,
          expires_at: NOW + 10 * 86_400_000,
        })
        return run(state, candidate({ recipient: recipient(per), intent }), NOW + i * step).result
      }).filter((r) => r === 'send').length
    }
    expect(many({ per_hour: 3, per_source: 100 }, 1000, () => 'a')).toBe(3)
    expect(many({ per_hour: 3, per_source: 100 }, 3_600_000, () => 'a')).toBe(8)
    expect(many({}, 1000, () => 'a')).toBe(5)
    expect(many({}, 1000, (i) => `c${i}`)).toBe(8)
    expect(many({ per_day: 4 }, 3_600_000, () => 'a')).toBe(4)
  })
})

describe('quiet hours', () => {
  const zone = 'Europe/Berlin'
  const quiet = (now: number, part: Partial<Recipient> = {}) => {
    const who = recipient({ time_zone: zone, quiet: hours('22:00-07:00'), ...part })
    return decide(new AlertState(), candidate({ recipient: who, intent: offer({ expires_at: now + 1e9 }) }), now).decision
  }
  it.each([
    ['before midnight', local(zone, 2026, 1, 5, 23, 30), local(zone, 2026, 1, 6, 7)],
    ['after midnight', local(zone, 2026, 1, 6, 3), local(zone, 2026, 1, 6, 7)],
    ['the night the clock goes forward', local(zone, 2026, 3, 28, 23), local(zone, 2026, 3, 29, 7)],
    ['the night the clock goes back', local(zone, 2026, 10, 24, 23), local(zone, 2026, 10, 25, 7)],
    ['the second of the doubled hours', local(zone, 2026, 10, 25, 2, 30) + 3_600_000, local(zone, 2026, 10, 25, 7)],
  ])('%s: held until they end', (_, now, due) => {
    expect(quiet(now)).toMatchObject({ result: 'digest', step: 'quiet', due_at: due })
  })
  it('outside they do not matter', () => {
    expect(quiet(local(zone, 2026, 1, 6, 7))).toMatchObject({ result: 'send' })
    expect(quiet(local(zone, 2026, 1, 5, 21, 59))).toMatchObject({ result: 'send' })
    expect(quiet(local(zone, 2026, 1, 5, 23), { time_zone: 'America/New_York' })).toMatchObject({ result: 'send' })
  })
  it('a skipped wall time means the first moment after the gap, a doubled one the first', () => {
    const before = local(zone, 2026, 3, 28, 20)
    expect(nextLocal(before, zone, 150)).toBe(local(zone, 2026, 3, 29, 3))
    const autumn = local(zone, 2026, 10, 24, 20)
    expect(nextLocal(autumn, zone, 150)).toBe(local(zone, 2026, 10, 25, 2, 30))
    expect(nextLocal(local('Australia/Lord_Howe', 2026, 10, 3, 20), 'Australia/Lord_Howe', 135)).toBe(
      local('Australia/Lord_Howe', 2026, 10, 4, 2, 30),
    )
  })
})

describe('reminders', () => {
  it('are due a day later, or when the quiet hours around that time end', () => {
    expect(reminderTime(recipient(), NOW)).toBe(NOW + 86_400_000)
    expect(reminderTime(recipient({ quiet: hours('12:00-18:00') }), NOW)).toBe(Date.UTC(2026, 0, 6, 18))
  })
})

describe('digests', () => {
  it('are due at nine local time, hourly ones spread by recipient, never in quiet hours', () => {
    const zone = 'Asia/Ho_Chi_Minh'
    expect(digestTime(recipient({ time_zone: zone }), 'daily', NOW)).toBe(local(zone, 2026, 1, 6, 9))
    const minutes = new Set(
      Array.from({ length: 50 }, (_, i) => new Date(digestTime(recipient({ key: `u${i}` }), 'hourly', NOW)).getUTCMinutes()),
    )
    expect(minutes.size).toBeGreaterThan(20)
    const who = recipient({ quiet: hours('12:00-18:00') })
    expect(digestTime(who, 'hourly', NOW)).toBe(Date.UTC(2026, 0, 5, 18))
  })

  it('group by search, keep the best ten, leave out what closed, and say nothing when empty', () => {
    const state = new AlertState()
    for (let i = 0; i < 14; i++) {
      const causes = [
        { kind: 'match' as const, id: i % 2 === 0 ? 'even' : 'odd', urgency: 'daily' as const, score: 0.7 + i / 100 },
      ]
      const intent = offer({ intent_id: `d${i}`, owner: `o${i}`, text: `text ${i} of ${i * 3} quite ${i * 31} different` })
      expect(run(state, candidate({ intent, causes }))).toMatchObject({ result: 'digest', step: 'urgency' })
    }
    const due = digestTime(recipient(), 'daily', NOW)
    expect(state.due(due - 1)).toEqual([])
    expect(state.due(due)).toMatchObject([{ recipient: 'telegram:9' }])
    state.close('d13')
    const entries = state.takeDigest('telegram:9', due)
    const digest = buildDigest(entries, (id) => id !== 'd12')
    expect(digest?.groups.map((g) => [g.search, g.entries.map((e) => e.intent_id)])).toEqual([
      ['odd', ['d11', 'd9', 'd7', 'd5', 'd3']],
      ['even', ['d10', 'd8', 'd6', 'd4', 'd2']],
    ])
    expect(digest?.rest).toBe(2)
    expect(buildDigest(entries, () => false)).toBeNull()
    expect(state.takeDigest('telegram:9', due)).toEqual([])
  })

  it('closing answers what was delivered, so that it can be edited', () => {
    const state = new AlertState()
    const { alert_id } = run(state, candidate())
    expect(state.close('i').map((r) => r.alert_id)).toEqual([alert_id])
    state.erase('telegram:9')
    expect(state.close('i')).toEqual([])
  })
})

describe('what is shown', () => {
  it('says why, converts the price and holds no contact data', () => {
    const c = candidate({
      intent: offer({ slots: { contact: { kinds: ['phone'], masked: ['+84•••••123'] } } }),
      causes: [
        {
          kind: 'match',
          id: 'm',
          urgency: 'instant',
          score: 0.81,
          parts: { text: 0.9, topic: 1, price: 1, place: null, condition: 0.5, freshness: 1 },
        },
      ],
    })
    const card = alertCard(c, { now: NOW + 60_000, rates: RATES, currency: 'EUR' })
    expect(card).toMatchObject({
      price: '700 USD',
      converted: '≈ 630 EUR',
      age_ms: 60_000,
      why: ['match 0.81 (text 0.90, topic 1.00, price 1.00, condition 0.50, freshness 1.00)'],
    })
    expect(JSON.stringify(card)).not.toContain('123')
  })
})

describe('expansion', () => {
  it('gives every intent its turn', () => {
    const queue = new Expansion<number>()
    queue.add(
      'big',
      Array.from({ length: 1200 }, (_, i) => i),
    )
    queue.add('small', [1])
    expect([queue.next(), queue.next(), queue.next()].map((s) => `${s?.intent}:${s?.recipients.length}`)).toEqual([
      'big:500',
      'small:1',
      'big:500',
    ])
    queue.cancel('big')
    expect(queue.next()).toBeUndefined()
  })
})
