import { describe, expect, it } from 'vitest'
import type { Network } from '../../../src/bridges/model/place.ts'
import type { RouteDefinition, RouteMember } from '../../../src/gateway/pipeline/route-definition.ts'
import type { ReactionCopy, StoredReaction } from '../../../src/gateway/reactions/store.ts'
import { tallyLine, wantedOf } from '../../../src/gateway/reactions/tally.ts'

const member = (network: Network, channel: string, direction: RouteMember['direction'] = 'both'): RouteMember => ({
  place: { network, account: 'main', channel },
  direction,
  identity: 'webhook',
})
const route = (members: RouteMember[], more: Partial<RouteDefinition> = {}): RouteDefinition => ({
  id: 'r',
  members,
  bots: 'none',
  maxAge: 1,
  p2pEdits: 'ignore',
  allowChain: false,
  ...more,
})
const copy = (network: Network, channel: string, more: Partial<ReactionCopy> = {}): ReactionCopy => ({
  ref: { network, account: 'main', channel, id: '1' },
  isOrigin: false,
  part: 0,
  shown: [],
  lane: `${network}/${channel}`,
  isJoined: false,
  ...more,
})
const reacted = (network: Network, channel: string, key: string, at = 1): StoredReaction => ({
  network,
  channel,
  emoji: { key, name: key },
  at,
})
const both = [member('discord', 'd'), member('telegram', '-1')]
const shown = (wanted: ReturnType<typeof wantedOf>) =>
  wanted.map((w) => [w.copy.ref.network, w.copy.part, w.emojis.map((e) => e.key).join(' ')])

describe('wantedOf', () => {
  it('shows elsewhere what people did here, most votes first and the newest among equals', () => {
    const reactions = [
      reacted('discord', 'd', '👍', 1),
      reacted('discord', 'd', '🔥', 2),
      reacted('discord', 'd', '🔥', 3),
      reacted('discord', 'd', '🎉', 4),
    ]
    expect(shown(wantedOf(reactions, [copy('discord', 'd', { isOrigin: true }), copy('telegram', '-1')], [route(both)]))).toEqual(
      [['telegram', 0, '🔥 🎉 👍']],
    )
  })

  it('takes back what nobody shows any more', () => {
    expect(
      shown(wantedOf([], [copy('discord', 'd', { isOrigin: true }), copy('telegram', '-1', { shown: ['🔥'] })], [route(both)])),
    ).toEqual([['telegram', 0, '']])
  })

  it('goes to the last part of a copy, and stays where it is shown', () => {
    const copies = [copy('discord', 'd', { isOrigin: true }), copy('telegram', '-1'), copy('telegram', '-1', { part: 2 })]
    expect(shown(wantedOf([reacted('discord', 'd', '👍')], copies, [route(both)]))).toEqual([['telegram', 2, '👍']])
    const there = copies.map((c) => (c.ref.network === 'telegram' && c.part === 0 ? { ...c, shown: ['👍'] } : c))
    expect(shown(wantedOf([reacted('discord', 'd', '👍')], there, [route(both)]))).toEqual([['telegram', 0, '👍']])
  })

  it('follows directions and modes of routes', () => {
    const copies = [copy('discord', 'd', { isOrigin: true }), copy('telegram', '-1')]
    const here = [reacted('discord', 'd', '👍')]
    expect(wantedOf(here, copies, [route(both, { reactions: 'off' })])).toEqual([])
    expect(wantedOf(here, copies, [route(both, { reactions: 'line' })])).toEqual([])
    expect(wantedOf(here, copies, [route([member('discord', 'd', 'out'), member('telegram', '-1')])])).toEqual([])
    expect(wantedOf(here, copies, [route([member('discord', 'd'), member('telegram', '-1', 'in')])])).toEqual([])
    expect(wantedOf(here, copies, [route([member('discord', 'x'), member('telegram', '-1')])])).toEqual([])
  })
})

describe('tallyLine', () => {
  const votes = [
    { emoji: { key: '👍🏽', name: '👍🏽' }, count: 3 },
    { emoji: { key: 'custom:77', name: 'party' }, count: 2 },
    { emoji: { key: '🦀', name: '🦀' }, count: 1 },
  ]

  it('counts what the platform does not show, under the names platforms use', () => {
    expect(tallyLine({ votes, counted: [] }, [])).toBe('👍🏽 3 · :party: 2 · 🦀 1')
    expect(tallyLine({ votes, counted: [] }, ['👍'])).toBe(':party: 2 · 🦀 1')
    expect(tallyLine({ votes, counted: [] }, ['👍', 'party:77', '🦀'])).toBe('')
  })

  it('counts all of what a route counts, at copies alone', () => {
    const copies = [copy('discord', 'd', { isOrigin: true }), copy('telegram', '-1')]
    const counted = [route(both, { reactions: 'tally' })]
    const [there] = wantedOf([reacted('discord', 'd', '👍'), reacted('discord', 'd', '👍')], copies, counted)
    expect([there?.emojis, tallyLine(there as never, [])]).toEqual([[], '👍 2'])
    const [here] = wantedOf([reacted('telegram', '-1', '🔥')], copies, counted)
    expect([here?.copy.isOrigin, here?.emojis.map((e) => e.key), here?.counted]).toEqual([true, ['🔥'], []])
  })

  it('takes a line away when nobody reacts any more', () => {
    const copies = [copy('discord', 'd', { isOrigin: true }), copy('telegram', '-1', { tally: { line: '🦀 1', at: 1 } })]
    expect(wantedOf([], copies, [route(both)]).map((w) => tallyLine(w, []))).toEqual([''])
  })
})
