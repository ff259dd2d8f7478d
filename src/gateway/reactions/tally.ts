import type { Emoji } from '../../bridges/model/message.ts'
import type { NativeRef } from '../../bridges/model/place.ts'
import type { RouteDefinition } from '../pipeline/route-definition.ts'
import { channelKey } from '../pipeline/scope.ts'
import { GATEWAY, type ReactionCopy, type StoredReaction } from './store.ts'

/** What each place should show, at the one native message that stands for the others there. */
export interface Wanted {
  readonly copy: ReactionCopy
  readonly emojis: readonly Emoji[]
}

/** Emojis people elsewhere used, most votes first, the newest first among equals (bridging 10.4). Pure. */
export function wantedOf(
  reactions: readonly StoredReaction[],
  copies: readonly ReactionCopy[],
  routes: readonly RouteDefinition[],
): readonly Wanted[] {
  return standing(copies).flatMap((copy) => {
    const remote = reactions.filter((r) => isFor(r, copy, routes))
    const votes = new Map<string, { emoji: Emoji; count: number; last: number }>()
    for (const { emoji, at } of remote) {
      const vote = votes.get(emoji.key) ?? { emoji, count: 0, last: 0 }
      votes.set(emoji.key, { emoji, count: vote.count + 1, last: Math.max(vote.last, at) })
    }
    const emojis = [...votes.values()].sort((a, b) => b.count - a.count || b.last - a.last).map((v) => v.emoji)
    // Nothing to show and nothing shown: nobody has to be asked.
    return emojis.length === 0 && copy.shown.length === 0 ? [] : [{ copy, emojis }]
  })
}

/** One native message per place: the last part of a copy, the first of an original (bridging 3). */
function standing(copies: readonly ReactionCopy[]): ReactionCopy[] {
  const places = new Map<string, ReactionCopy>()
  for (const copy of copies) {
    const key = `${channelKey(copy.ref)} ${copy.ref.thread ?? ''}`
    const other = places.get(key)
    const isBetter =
      other === undefined ||
      copy.shown.length > other.shown.length ||
      (!copy.isOrigin && copy.part > other.part && other.shown.length === 0)
    if (isBetter) places.set(key, copy)
  }
  return [...places.values()]
}

function isFor({ network, channel }: StoredReaction, copy: ReactionCopy, routes: readonly RouteDefinition[]): boolean {
  if (network === GATEWAY) return copy.isOrigin
  const from = { network, channel }
  return !isAt(from, copy.ref) && joined(from, copy.ref, routes)
}

function isAt(place: Pick<NativeRef, 'network' | 'channel'>, ref: NativeRef): boolean {
  return place.network === ref.network && place.channel === ref.channel
}

/** A route brings reactions from one place to the other. */
function joined(from: Pick<NativeRef, 'network' | 'channel'>, to: NativeRef, routes: readonly RouteDefinition[]): boolean {
  return routes.some(
    ({ members, reactions = 'native' }) =>
      reactions === 'native' &&
      members.some((m) => m.direction !== 'out' && m.place.network === from.network && m.place.channel === from.channel) &&
      members.some((m) => m.direction !== 'in' && isAt(m.place, to)),
  )
}
