import { sanitizeName } from '../../bridges/format/sanitize.ts'
import type { Emoji } from '../../bridges/model/message.ts'
import type { NativeRef } from '../../bridges/model/place.ts'
import type { RouteDefinition } from '../pipeline/route-definition.ts'
import { channelKey } from '../pipeline/scope.ts'
import { GATEWAY, type ReactionCopy, type StoredReaction } from './store.ts'

/** What each place should show, at the one native message that stands for the others there. */
export interface Wanted {
  readonly copy: ReactionCopy
  /** To be shown as reactions of ours. */
  readonly emojis: readonly Emoji[]
  /** How many people used each of them. */
  readonly votes: readonly Vote[]
  /** Counted in the text, because the route says so. */
  readonly counted: readonly Vote[]
}

export interface Vote {
  readonly emoji: Emoji
  readonly count: number
}

/** Emojis of one line; further ones are left out. */
const MAX_COUNTED = 20
const MAX_NAME = 32
const VARIATION_OR_SKIN = /\ufe0f|[\u{1f3fb}-\u{1f3ff}]/gu

/** Emojis people elsewhere used, most votes first, the newest first among equals (bridging 10.4). Pure. */
export function wantedOf(
  reactions: readonly StoredReaction[],
  copies: readonly ReactionCopy[],
  routes: readonly RouteDefinition[],
): readonly Wanted[] {
  return standing(copies).flatMap((copy) => {
    const votes = votesOf(reactions.filter((r) => isFor(r, copy, routes, 'native')))
    const counted = votesOf(reactions.filter((r) => isFor(r, copy, routes, 'tally')))
    const emojis = votes.map((vote) => vote.emoji)
    // Nothing to show and nothing shown: nobody has to be asked.
    const isQuiet = emojis.length + counted.length === 0 && copy.shown.length === 0 && !copy.tally?.line
    return isQuiet ? [] : [{ copy, emojis, votes, counted }]
  })
}

function votesOf(reactions: readonly StoredReaction[]): readonly Vote[] {
  const votes = new Map<string, { emoji: Emoji; count: number; last: number }>()
  for (const { emoji, at } of reactions) {
    const vote = votes.get(emoji.key) ?? { emoji, count: 0, last: 0 }
    votes.set(emoji.key, { emoji, count: vote.count + 1, last: Math.max(vote.last, at) })
  }
  return [...votes.values()].sort((a, b) => b.count - a.count || b.last - a.last)
}

/** The line below a copy: what the route counts, and what the platform did not show as a reaction. Empty for nothing. Pure. */
export function tallyLine({ votes, counted }: Pick<Wanted, 'votes' | 'counted'>, shown: readonly string[]): string {
  const hidden = votes.filter(({ emoji }) => !shown.some((key) => isSame(emoji.key, key)))
  const lines = [...counted, ...hidden].slice(0, MAX_COUNTED).map(({ emoji, count }) => `${nameOf(emoji)} ${count}`)
  return lines.join(' · ')
}

/** Platforms name what they show in their own way: without skin tones, custom emojis as `name:id`. */
function isSame(wanted: string, shown: string): boolean {
  if (wanted.startsWith('custom:')) return shown === wanted || shown.endsWith(wanted.slice('custom'.length))
  return wanted.replace(VARIATION_OR_SKIN, '') === shown.replace(VARIATION_OR_SKIN, '')
}

function nameOf({ key, name }: Emoji): string {
  const shown = sanitizeName(name, MAX_NAME)
  return key.startsWith('custom:') ? `:${shown || 'emoji'}:` : shown || key
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

/** An original has no text of ours where something could be counted: there all reactions are shown as such. */
function isFor(
  { network, channel }: StoredReaction,
  copy: ReactionCopy,
  routes: readonly RouteDefinition[],
  mode: 'native' | 'tally',
): boolean {
  if (network === GATEWAY) return copy.isOrigin && mode === 'native'
  const from = { network, channel }
  if (isAt(from, copy.ref)) return false
  const isNative = joined(from, copy.ref, routes, 'native')
  const isCounted = !isNative && joined(from, copy.ref, routes, 'tally')
  return mode === 'native' ? isNative || (isCounted && copy.isOrigin) : isCounted && !copy.isOrigin
}

function isAt(place: Pick<NativeRef, 'network' | 'channel'>, ref: NativeRef): boolean {
  return place.network === ref.network && place.channel === ref.channel
}

/** A route brings reactions from one place to the other. */
function joined(
  from: Pick<NativeRef, 'network' | 'channel'>,
  to: NativeRef,
  routes: readonly RouteDefinition[],
  mode: 'native' | 'tally',
): boolean {
  return routes.some(
    ({ members, reactions = 'native' }) =>
      reactions === mode &&
      members.some((m) => m.direction !== 'out' && m.place.network === from.network && m.place.channel === from.channel) &&
      members.some((m) => m.direction !== 'in' && isAt(m.place, to)),
  )
}
