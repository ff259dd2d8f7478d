import { describe, expect, it } from 'vitest'
import { seededRng } from '../../../src/base/random.ts'
import type { NativePart } from '../../../src/bridges/port.ts'
import type { Claimed } from '../../../src/gateway/pipeline/claimed.ts'
import { noticeText } from '../../../src/gateway/pipeline/expiry.ts'
import { storable, toJsonb } from '../../../src/gateway/pipeline/json.ts'
import { PartLog } from '../../../src/gateway/pipeline/part-log.ts'
import { amendRows, messageRows, runsOf } from '../../../src/gateway/pipeline/prepare.ts'
import { type Existing, planSend, type RequestContext, sendRequest } from '../../../src/gateway/pipeline/request.ts'
import type { RouteDecision } from '../../../src/gateway/pipeline/route.ts'
import { Counters } from '../../../src/gateway/pipeline/stats.ts'
import { CAPABLE, create, discord, edit, refOf, remove, telegram } from './scripted.ts'

const NOW = 1_750_000_000_000
const part = (n: number): NativePart => ({ part: n, ref: refOf(discord(), `n${n}`) })

const item = (over: Partial<Claimed> = {}): Claimed => ({
  id: 'd',
  seq: 1,
  barrier: false,
  attempt: 0,
  sentAt: NOW,
  ambiguousSince: null,
  failedSince: null,
  parkedAt: null,
  cid: 'c',
  eventId: 'e',
  route: 'r',
  op: 'create',
  revision: 0,
  firstSentAt: NOW,
  cutOff: false,
  render: { identity: 'webhook' },
  parts: [],
  occurredAt: NOW,
  expiresAt: NOW + 1e6,
  createdAt: NOW,
  envelope: create(telegram(), '1', 'hello'),
  reply: undefined,
  ...over,
})
const existing = (over: Partial<Existing> = {}): Existing => ({
  parts: [part(0)],
  createState: 'done',
  createFirstSentAt: NOW,
  createParkedAt: undefined,
  ...over,
})
const context = (over: Partial<RequestContext> = {}): RequestContext => ({
  place: discord(),
  plan: { kind: 'send', op: 'create' },
  existing: undefined,
  showTimeAfterMs: 300_000,
  via: ['me'],
  onPart: async () => {},
  ...over,
})

describe('planSend', () => {
  it.each<[string, Partial<Claimed>, Partial<typeof CAPABLE>, Existing | undefined, object]>([
    ['a create', {}, {}, undefined, { kind: 'send', op: 'create' }],
    ['an edit of a copy', { op: 'edit' }, {}, existing(), { kind: 'send', op: 'edit' }],
    ['a delete of a copy', { op: 'delete' }, {}, existing(), { kind: 'send', op: 'delete' }],
    ['an edit while the create is parked', { op: 'edit' }, {}, existing({ createState: 'parked', parts: [] }), { kind: 'wait' }],
    [
      'an edit of what never arrived',
      { op: 'edit' },
      {},
      existing({ createState: 'dead', parts: [] }),
      { kind: 'skip', reason: 'create-dead' },
    ],
    [
      'a delete of the rest of a dead create',
      { op: 'delete' },
      {},
      existing({ createState: 'dead' }),
      { kind: 'send', op: 'delete' },
    ],
    ['a delete of the original', { op: 'delete' }, {}, existing({ createState: undefined }), { kind: 'send', op: 'delete' }],
    [
      'a delete where there are none',
      { op: 'delete' },
      { delete: false },
      existing(),
      { kind: 'skip', reason: 'delete-unsupported' },
    ],
    ['an edit where there are none', { op: 'edit' }, { edit: false }, existing(), { kind: 'send', op: 'create', mark: 'edited' }],
    [
      'the same, not wanted',
      { op: 'edit', render: { identity: 'bot', noEdits: 'ignore' } },
      { edit: false },
      existing(),
      { kind: 'skip', reason: 'edit-unsupported' },
    ],
    [
      'the same, too late',
      { op: 'edit', occurredAt: NOW - 700_000 },
      { edit: false },
      existing(),
      { kind: 'skip', reason: 'edit-too-late' },
    ],
  ])('%s', (_name, over, can, found, expected) => {
    expect(planSend(item(over), { ...CAPABLE, ...can }, found, NOW)).toEqual(expected)
  })
})

describe('sendRequest', () => {
  it('is the same for every attempt, so that a bridge can recognise its own', () => {
    const first = sendRequest(item(), context())
    const later = sendRequest(item({ attempt: 3, ambiguousSince: NOW, sentAt: NOW + 900_000 }), context())
    expect(later).toEqual({ ...first, attempt: 3, ambiguousSince: NOW, onPart: later.onPart })
    expect(first.idemKey).not.toBe(sendRequest(item({ revision: 1 }), context()).idemKey)
    expect(first.idemKey).not.toBe(sendRequest(item(), context({ place: discord('2') })).idemKey)
  })

  it('puts marks before the text and names around the author, without breaking spans', () => {
    const envelope = create(telegram(), '1', 'bold')
    const rich = { text: 'bold', spans: [{ kind: 'bold' as const, start: 0, end: 4 }] }
    const event = { kind: 'message.create' as const, body: { rich, attachments: [] } }
    const request = sendRequest(
      item({
        envelope: { ...envelope, event },
        parkedAt: NOW,
        render: { identity: 'bot', text: '[x] ', namePrefix: '~', nameSuffix: ' (tg)' },
      }),
      context(),
    )
    expect(request.body?.rich).toEqual({ text: '(delayed) [x] bold', spans: [{ kind: 'bold', start: 14, end: 18 }] })
    expect(request.author.displayName).toBe('~Ann (tg)')
  })

  it('does not mark as delayed what may have arrived unmarked', () => {
    expect(sendRequest(item({ parkedAt: NOW, ambiguousSince: NOW }), context()).body?.rich.text).toBe('hello')
  })

  it('shows the time of late messages, and of their edits', () => {
    const late = { firstSentAt: NOW + 301_000 }
    expect(sendRequest(item(late), context()).showTime).toBe(true)
    expect(sendRequest(item(), context()).showTime).toBeUndefined()
    const found = existing({ createFirstSentAt: NOW + 301_000 })
    expect(sendRequest(item({ op: 'edit' }), context({ plan: { kind: 'send', op: 'edit' }, existing: found })).showTime).toBe(
      true,
    )
    const soon = existing()
    expect(
      sendRequest(item({ op: 'edit', ...late }), context({ plan: { kind: 'send', op: 'edit' }, existing: soon })).showTime,
    ).toBeUndefined()
  })

  it('gives edits and deletes the parts there are, and replies what is known', () => {
    const found = existing({ parts: [part(0), part(1)] })
    expect(
      sendRequest(
        item({ op: 'delete', envelope: undefined }),
        context({ plan: { kind: 'send', op: 'delete' }, existing: found }),
      ),
    ).toMatchObject({
      op: 'delete',
      parts: [part(0), part(1)],
    })
    const reply = { network: 'telegram', scope: '', channel: '-1', id: '5' }
    const target = { ref: refOf(discord(), '9'), authorName: 'Bob', excerpt: 'before' }
    const answered = (more: object) => sendRequest(item({ reply: { ...reply, ...more }, replyTarget: target }), context()).reply
    expect(answered({ excerpt: 'quoted', isQuote: true })).toEqual({ ...target, excerpt: 'quoted' })
    // The platform shows a copy as a message of our bot, with the name of its author in the text.
    expect(answered({ authorName: 'Bridge', excerpt: 'Bob: before' })).toEqual(target)
    expect(sendRequest(item({ reply }), context()).reply).toEqual({})
  })
})

describe('part log', () => {
  const log = (expectSingle: boolean, existingParts: NativePart[] = []): { log: PartLog; saved: string[] } => {
    const saved: string[] = []
    const persist = async (_all: readonly NativePart[], fresh: readonly NativePart[]): Promise<void> => {
      saved.push(fresh.map((p) => p.ref.id).join('+'))
    }
    return { log: new PartLog({ existing: existingParts, expectSingle, persist }), saved }
  }

  it('saves every part before the next may be sent', async () => {
    const { log: parts, saved } = log(false)
    await parts.onPart(part(0))
    await parts.onPart(part(1))
    await parts.onPart(part(1))
    expect(saved).toEqual(['n0', 'n1'])
    expect(parts.all([part(2), part(0)]).map((p) => p.ref.id)).toEqual(['n0', 'n1', 'n2'])
  })

  it('leaves the only part of a short message to the outcome, unless there is a second one', async () => {
    const { log: parts, saved } = log(true)
    await parts.onPart(part(0))
    expect(saved).toEqual([])
    await parts.onPart(part(1))
    expect(saved).toEqual(['n0+n1'])
  })

  it('does not save what is known', async () => {
    const { log: parts, saved } = log(false, [part(0)])
    await parts.onPart(part(0))
    expect(saved).toEqual([])
  })
})

describe('rows of a batch', () => {
  const routed: RouteDecision = { status: 'routed', destinations: [], trace: { routes: [] } }
  const decided = (...events: ReturnType<typeof create>[]) => events.map((envelope) => ({ envelope, decision: routed }))

  it('keeps the order where messages, edits and deletes mix', () => {
    const runs = runsOf(
      decided(
        create(telegram(), '1', 'a'),
        create(telegram(), '2', 'b'),
        edit(telegram(), '1', 'c'),
        create(telegram(), '3', 'd'),
        remove(telegram(), '1'),
      ),
    )
    expect(runs.map((r) => [r.kind, r.items.length])).toEqual([
      ['messages', 2],
      ['edits', 1],
      ['messages', 1],
      ['deletes', 1],
    ])
  })

  it('takes only the newest of several edits of one message', () => {
    const rows = amendRows(decided(edit(telegram(), '1', 'a'), edit(telegram(), '2', 'x'), edit(telegram(), '1', 'b')), NOW, {
      holdMs: 1,
    })
    expect(rows.map((r) => [r.status, r.reason])).toEqual([
      ['dropped', 'superseded'],
      ['routed', null],
      ['routed', null],
    ])
  })

  it('stores no content of what is not forwarded', () => {
    const filtered: RouteDecision = { ...routed, status: 'filtered', reason: 'f' }
    const rows = messageRows([{ envelope: create(telegram(), '1', 'secret'), decision: filtered }], NOW, seededRng(1))
    expect(rows.events[0]).toMatchObject({ status: 'filtered', reason: 'f', envelope: null })
  })
})

describe('small things', () => {
  it('makes any text storable', () => {
    expect(storable('a\u0000b\ud800c\udc00d😀')).toBe('ab\ufffdc\ufffdd😀')
    expect(toJsonb({ t: 'a\u0000', u: '\\u0000' })).toBe(JSON.stringify({ t: 'a', u: '\\u0000' }))
    expect(JSON.parse(toJsonb({ t: '\ud800' }))).toEqual({ t: '\ufffd' })
  })

  it('says what was not delivered', () => {
    const at = Date.UTC(2026, 0, 2, 10, 3)
    expect(noticeText(3, at, at + 60_000)).toBe('3 messages from 10:03–10:04 UTC were not delivered')
    expect(noticeText(1, at, at + 86_400_000)).toBe('1 message from 2026-01-02 10:03 – 2026-01-03 10:03 UTC was not delivered')
  })

  it('counts by labels', () => {
    const counters = new Counters()
    counters.add('a_total', { network: 'web' })
    counters.add('a_total', { network: 'web' }, 2)
    counters.add('a_total', { network: 'p2p' })
    counters.observe('b_seconds', {}, 0.02)
    counters.observe('b_seconds', {}, 1e6)
    expect(counters.total('a_total')).toBe(4)
    expect(counters.total('a_total', { network: 'web' })).toBe(3)
    expect(counters.samples()).toContainEqual({ name: 'a_total', labels: { network: 'p2p' }, value: 1 })
    const [histogram] = counters.histograms()
    expect(histogram).toMatchObject({ count: 2, sum: 1_000_000.02 })
    expect(histogram?.buckets.find((b) => b.le === 0.025)?.count).toBe(1)
    expect(histogram?.buckets.at(-1)?.count).toBe(1)
  })
})
