import { describe, expect, it } from 'vitest'
import type { Envelope } from '../../../src/bridges/model/message.ts'
import { ModerationGate } from '../../../src/gateway/moderation/gate.ts'
import type { Bar, RouteLimits } from '../../../src/gateway/moderation/model.ts'
import { type CompiledRoute, compileRoutes, type RouteModeration } from '../../../src/gateway/pipeline/index.ts'
import { create, discord, route, telegram } from '../pipeline/scripted.ts'

const FROM = telegram('-100')
const NOW = 1_000_000
const ann = 'telegram:1'

const routed = (id: string, moderation?: RouteModeration): CompiledRoute => {
  const definition = { ...route(id, [FROM, discord('520000000000000001')]), ...(moderation && { moderation }) }
  return compileRoutes([definition]).routes.get(id) as CompiledRoute
}
const message = (text: string, over: { id?: string; author?: string; at?: number; files?: number } = {}): Envelope => {
  const made = create(FROM, over.id ?? text, text)
  const event = made.event.kind === 'message.create' ? made.event : undefined
  const attachments = Array.from({ length: over.files ?? 0 }, (_, i) => ({
    id: `${i}`,
    kind: 'image' as const,
    name: `${i}.png`,
    source: { kind: 'blob' as const, hash: 'ab' },
  }))
  return {
    ...made,
    author: { ...made.author, key: over.author ?? ann },
    occurredAt: over.at ?? NOW,
    ...(event && { event: { ...event, body: { ...event.body, attachments } } }),
  }
}
const bar = (over: Partial<Bar>): Bar => ({ account: ann, kind: 'ban', by: 'op', at: 0, ...over })
const gate = (
  bars: readonly Bar[] = [],
  limits: readonly Omit<RouteLimits, 'by' | 'at'>[] = [],
  known: readonly string[] = [],
) => {
  const made = new ModerationGate({
    accountsOf: (a) => (a === ann || a === 'discord:1' ? [ann, 'discord:1'] : [a]),
    isKnown: (a) => known.includes(a),
    canHold: () => true,
  })
  made.use({ bars, limits: limits.map((l) => ({ ...l, by: 'op', at: 0 })) })
  return made
}
const reason = (g: ModerationGate, e: Envelope, r = routed('r'), now = NOW) => g.judge(e, r, now)?.reason

describe('moderation of single events', () => {
  it('stops a banned person on every network they are linked on, on the route or everywhere, until it ends', () => {
    const everywhere = gate([bar({ until: NOW + 10 })])
    expect(reason(everywhere, message('x'))).toBe('banned')
    expect(reason(everywhere, message('x', { author: 'discord:1' }))).toBe('banned')
    expect(reason(everywhere, message('x', { author: 'telegram:2' }))).toBeUndefined()
    expect(reason(everywhere, message('x'), routed('r'), NOW + 10)).toBeUndefined()
    const here = gate([bar({ kind: 'mute', route: 'r' })])
    expect(reason(here, message('x'))).toBe('muted')
    expect(reason(here, message('x'), routed('other'))).toBeUndefined()
  })

  it('holds in the threads of a route, too: what is said there counts with what is said in the channel', () => {
    const thread = { ...routed('room~abc'), parent: 'room' }
    expect(reason(gate([bar({ route: 'room' })]), message('x'), thread)).toBe('banned')
    expect(reason(gate([bar({ route: 'other' })]), message('x'), thread)).toBeUndefined()
    const raid = gate([], [{ route: 'room', raid: { since: NOW, until: NOW + 10 } }])
    expect(reason(raid, message('x'), thread)).toBe('raid')
    const slow = gate([], [{ route: 'room', slowMs: 1_000 }])
    expect(reason(slow, message('a'), routed('room'))).toBeUndefined()
    expect(reason(slow, message('b', { at: NOW + 999 }), thread)).toBe('slow-mode')
    expect(reason(slow, message('c', { at: NOW + 1_000 }), thread)).toBeUndefined()
    expect(slow.memoryMs([thread])).toBe(1_000)
    const own = gate(
      [],
      [
        { route: 'room', slowMs: 1_000 },
        { route: 'room~abc', slowMs: 0 },
      ],
    )
    expect(reason(own, message('a'), thread)).toBeUndefined()
    expect(reason(own, message('b'), thread)).toBeUndefined()
    const moderation = { rate: { messages: 1, per: 1_000 } }
    const limited = gate()
    expect(reason(limited, message('a'), routed('room', moderation))).toBeUndefined()
    expect(reason(limited, message('b'), { ...thread, moderation })).toBe('rate')
  })

  it('leaves the conversations of people who opted out alone, and nothing else of theirs', () => {
    const out = gate([bar({ kind: 'optout' })])
    expect(reason(out, message('x'))).toBe('optout')
    expect(reason(out, message('x'), routed('direct-abcdefghijkl'))).toBeUndefined()
  })

  it('holds what people under watch write, and what the route wants looked at', () => {
    expect(gate([bar({ kind: 'hold' })]).judge(message('x'), routed('r'), NOW)).toEqual({ action: 'hold', reason: 'quarantine' })
    const links = routed('r', { links: 'hold', invites: 'drop' })
    expect(gate().judge(message('see https://example.org'), links, NOW)).toEqual({ action: 'hold', reason: 'link' })
    expect(gate().judge(message('join discord.gg/abc'), links, NOW)).toEqual({ action: 'drop', reason: 'invite' })
    expect(reason(gate(), message('plain'), links)).toBeUndefined()
    expect(reason(gate(), message('two', { files: 2 }), routed('r', { maxAttachments: 1 }))).toBe('max-attachments')
  })

  it('stops a person who writes more than the limit in its time, and nobody else', () => {
    const flood = gate()
    const limited = routed('r', { rate: { messages: 3, per: 10_000 } })
    const at = (ms: number, id: string, author = ann) => reason(flood, message(id, { id, at: NOW + ms, author }), limited)
    expect([at(0, 'a'), at(1_000, 'b'), at(2_000, 'c')]).toEqual([undefined, undefined, undefined])
    expect(at(3_000, 'd', 'discord:1')).toBe('rate')
    expect(at(3_000, 'd')).toBe('rate')
    // The same messages again, as after an answer that was lost; other people; and later.
    expect([at(0, 'a'), at(2_000, 'c'), at(3_000, 'x', 'telegram:2')]).toEqual([undefined, undefined, undefined])
    expect(at(10_000, 'e')).toBeUndefined()
    expect(at(10_500, 'f')).toBe('rate')
    // What was written at its pace passes at its pace, however late it comes in.
    const late = gate()
    for (let n = 0; n < 20; n++)
      expect(reason(late, message(`late ${n}`, { id: `late ${n}`, at: NOW + n * 4_000 }), limited)).toBeUndefined()
  })

  it('slows people down by the time they wrote, with the same answer for the same message', () => {
    const slow = gate([], [{ route: 'r', slowMs: 10_000 }])
    const at = (ms: number, id: string, author = ann) => reason(slow, message(id, { id, at: NOW + ms, author }))
    expect(at(0, 'a')).toBeUndefined()
    expect(at(9_999, 'b')).toBe('slow-mode')
    expect(at(0, 'a')).toBeUndefined()
    expect(at(5_000, 'c', 'discord:1')).toBe('slow-mode')
    expect(at(5_000, 'd', 'telegram:2')).toBeUndefined()
    expect(at(10_000, 'e')).toBeUndefined()
    const off = gate([], [{ slowMs: 0 }])
    const strict = routed('r', { slow: 60_000 })
    expect(reason(off, message('1', { id: '1' }), strict) ?? reason(off, message('2', { id: '2' }), strict)).toBeUndefined()
  })

  it('goes on after a restart with what was let through before it', () => {
    const limited = routed('r', { slow: 10_000, rate: { messages: 2, per: 60_000 } })
    const routes = new Map([['r', limited]])
    const said = (id: string, at: number, account = ann) => ({ account, route: 'r', eventId: id, at: NOW + at })
    const anew = gate()
    expect(anew.memoryMs([limited])).toBe(60_000)
    expect(anew.memoryMs([routed('free')])).toBe(0)
    anew.remember([said('a', 0), { ...said('gone', 0), route: 'gone' }], routes)
    const at = (ms: number, id: string, author = ann) => reason(anew, message(id, { id, at: NOW + ms, author }), limited)
    expect(at(5_000, 'b', 'discord:1')).toBe('slow-mode')
    expect(at(5_000, 'c', 'telegram:2')).toBeUndefined()
    expect(at(10_000, 'd')).toBeUndefined()
    expect(at(20_000, 'e')).toBe('rate')
    // Offered once more, because the answer was lost with the process.
    const offered = gate()
    const first = message('a', { id: 'a', at: NOW })
    offered.remember([{ ...said('a', 0), eventId: first.eventId }], routes)
    expect(reason(offered, first, limited)).toBeUndefined()
  })

  it('does not hold against a message that waited what its author wrote meanwhile', () => {
    const slow = gate()
    const strict = routed('r', { slow: 10_000, rate: { messages: 1, per: 60_000 }, links: 'drop' })
    expect(reason(slow, message('later', { at: NOW + 5_000 }), strict)).toBeUndefined()
    expect(reason(slow, message('waited'), strict)).toBe('slow-mode')
    expect(slow.judge(message('waited'), strict, NOW, true)).toBeUndefined()
    expect(slow.judge(message('https://example.org'), strict, NOW, true)?.reason).toBe('link')
  })

  it('keeps newcomers and joins out during a raid, and nobody else', () => {
    const raid = gate([], [{ raid: { since: NOW, until: NOW + 1_000 } }], ['telegram:9'])
    expect(reason(raid, message('spam'))).toBe('raid')
    expect(reason(raid, message('hello', { author: 'telegram:9' }))).toBeUndefined()
    expect(reason(raid, message('late'), routed('r'), NOW + 1_000)).toBeUndefined()
    const join = { ...message('x'), event: { kind: 'notice' as const, notice: 'join' as const, text: 'joined' } }
    expect(reason(raid, join)).toBe('raid')
    expect(reason(gate(), join)).toBeUndefined()
  })
})
