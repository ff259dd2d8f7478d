import { BoundedMap } from '../../base/bounded-map.ts'
import { type ChannelState, EMPTY_CHANNEL, ENTRY_LIFE_MS, MAX_CHANNELS, MAX_ENTRIES, type ThreadEntry } from './model.ts'

/** Drops what is older than fifteen minutes and all but the last fifty. */
export function pruned(state: ChannelState, now: number): ChannelState {
  const { entries } = state
  const young = entries.filter((e) => now - e.message.sent_at <= ENTRY_LIFE_MS)
  if (young.length === entries.length && young.length <= MAX_ENTRIES) return state
  return { entries: young.slice(-MAX_ENTRIES) }
}

/** Remembers a message; one that is remembered already is replaced in its place. */
export function remembered(state: ChannelState, entry: ThreadEntry): ChannelState {
  const at = state.entries.findIndex((e) => e.message.id === entry.message.id)
  if (at >= 0) return { entries: state.entries.with(at, entry) }
  const entries = [...state.entries, entry]
  return { entries: entries.length > MAX_ENTRIES ? entries.slice(-MAX_ENTRIES) : entries }
}

export function forgotten(state: ChannelState, messageId: string): ChannelState {
  const entries = state.entries.filter((e) => e.message.id !== messageId)
  return entries.length === state.entries.length ? state : { entries }
}

/** States of all channels, bounded: the least recently used goes first, and one without messages for a while is as good as empty. */
export class ChannelTable {
  readonly #states: BoundedMap<string, ChannelState>

  constructor(max = MAX_CHANNELS) {
    this.#states = new BoundedMap({ max, ttlMs: ENTRY_LIFE_MS })
  }

  get size(): number {
    return this.#states.size
  }
  get(place: string, now: number): ChannelState {
    return this.#states.get(place, now) ?? EMPTY_CHANNEL
  }
  set(place: string, state: ChannelState, now: number): void {
    if (state.entries.length === 0) this.#states.delete(place)
    else this.#states.set(place, state, now)
  }
  sweep(now: number): void {
    this.#states.sweep(now)
  }
}
