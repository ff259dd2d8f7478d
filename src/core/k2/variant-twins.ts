import { blake3 } from '@noble/hashes/blake3.js'
import { BoundedMap } from '../../base/bounded-map.ts'
import { toHex, utf8 } from '../../base/bytes.ts'

/** Two texts of one peer this close together by its own clock are one message sent both ways (k2-application 6.2). */
const WINDOW_MS = 2_000
const MEMORY_MS = 10 * 60_000
const MEMORY_MESSAGES = 4096

export type DirectVariant = 'gossip' | 'stream'

interface Seen {
  readonly variant: DirectVariant
  readonly sentAt: number
  readonly messageId: string
}

/**
 * Finds the other copy of a direct message that a K2 application sent over gossip and over a connection of its own. Gateways
 * mark their lines and need no guess. The same text twice over one way is two messages. Pure; `now` in ms.
 */
export class VariantTwins {
  readonly #seen = new BoundedMap<string, readonly Seen[]>({ max: MEMORY_MESSAGES, ttlMs: MEMORY_MS })

  /** The id under which the other way has brought the message already; each copy has one twin. */
  twinOf(message: { readonly peer: string; readonly text: string } & Seen, now: number): string | undefined {
    const { peer, text, variant, sentAt, messageId } = message
    const key = `${peer}/${toHex(blake3(utf8(text)))}`
    const known = this.#seen.get(key, now) ?? []
    if (known.some((one) => one.variant === variant && one.messageId === messageId)) return undefined
    const twin = known.find((one) => one.variant !== variant && Math.abs(one.sentAt - sentAt) <= WINDOW_MS)
    const rest = known.filter((one) => one !== twin)
    this.#seen.set(key, twin === undefined ? [...rest.slice(-7), { variant, sentAt, messageId }] : rest, now)
    return twin?.messageId
  }
}
