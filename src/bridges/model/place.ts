/** Networks a message can come from or go to. `p2p` is K2, `web` the built-in web chat. */
export const NETWORKS = ['discord', 'telegram', 'p2p', 'web'] as const
export type Network = (typeof NETWORKS)[number]

/** A chat location messages are read from and written to (bridging 2, there called Endpoint). All ids are strings. */
export interface Place {
  readonly network: Network
  /** Configured account name: one bot token, one node identity. */
  readonly account: string
  /** Guild id, chat id or topic namespace. */
  readonly space?: string
  /** Channel id, chat id, K2 topic string, `dm:<peer id>`, or web room. */
  readonly channel: string
  /** Discord thread id or Telegram message_thread_id. */
  readonly thread?: string
}

/** One native message. */
export interface NativeRef {
  readonly network: Network
  readonly account: string
  readonly channel: string
  readonly thread?: string
  readonly id: string
}

/** Stable text key of a place without its space: lane name, map key. */
export function placeKey(place: Pick<Place, 'network' | 'account' | 'channel' | 'thread'>): string {
  return [place.network, place.account, place.channel, place.thread ?? ''].map(encodeURIComponent).join('/')
}

export function samePlace(a: Place, b: Place): boolean {
  return placeKey(a) === placeKey(b)
}
