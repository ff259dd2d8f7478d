import { hashId } from '../../base/ids.ts'
import type { PeerMarketMessage } from './port.ts'

/** An offer is repeated every 5 s by K2 applications, every 30 s at most by gateways; silence beyond this ends it (bridging 6.1). */
const SILENCE_MS = 60_000
/** An intent that comes back within this time continues its message; later it is news again. */
const REVIVE_MS = 3600_000
/** Restarts within one of these give an intent the same native id, so that it is not shown twice. */
const ID_PERIOD_MS = 3600_000
/** Intents remembered at once; the ones heard least recently are let go, as expired. */
const MAX_INTENTS = 2000

export interface Intent {
  /** Native id of the bridged message. */
  readonly nativeId: string
  /** The latest copy. */
  readonly message: PeerMarketMessage
  readonly state: 'active' | 'expired'
  /** Our clock, ms: when it was heard last. */
  readonly heardAt: number
}

export interface IntentChange {
  readonly op: 'create' | 'edit'
  readonly intent: Intent
  /** ms; the same for the same change after a restart. */
  readonly at: number
}

/**
 * Turns the repeated offers, interests and requests of peers into messages: one per intent, edited when its form changes, when
 * its sender is proven, when it falls silent, and when it comes back soon. Pure; `now` in ms.
 */
export class IntentBook {
  /** By slot, least recently heard first. */
  readonly #intents = new Map<string, Intent>()

  get size(): number {
    return this.#intents.size
  }

  /** One more copy of an intent arrived; answers what people should see of it. */
  observe(message: PeerMarketMessage, now: number): IntentChange[] {
    const slot = slotOf(message)
    const known = this.#intents.get(slot)
    this.#intents.delete(slot)
    if (known === undefined || (known.state === 'expired' && now - known.heardAt > REVIVE_MS)) {
      const nativeId = hashId([slot, Math.floor(now / ID_PERIOD_MS)])
      const intent: Intent = { nativeId, message, state: 'active', heardAt: now }
      this.#intents.set(slot, intent)
      return [{ op: 'create', intent, at: message.sentAt }, ...this.#shed(now)]
    }
    const proven = known.message.senderClass === 'verified' && message.senderClass !== 'verified'
    const sameForm = known.message.intentKey === message.intentKey
    if (proven && !sameForm) {
      // Anybody can write in this sender's name; what it proved itself stands.
      this.#intents.set(slot, known)
      return []
    }
    const latest = proven ? verifiedCopy(message) : message
    const intent: Intent = { nativeId: known.nativeId, message: latest, state: 'active', heardAt: now }
    this.#intents.set(slot, intent)
    return isNews(known, intent) ? [{ op: 'edit', intent, at: message.sentAt }] : []
  }

  /** A later copy proved the sender of one message. */
  verified(messageId: string, now: number): IntentChange[] {
    for (const [slot, known] of this.#intents) {
      if (known.message.messageId !== messageId || known.message.senderClass === 'verified') continue
      const intent: Intent = { ...known, message: verifiedCopy(known.message) }
      this.#intents.set(slot, intent)
      return [{ op: 'edit', intent, at: now }]
    }
    return []
  }

  /** Marks what has been silent for too long. */
  sweep(now: number): IntentChange[] {
    const changes: IntentChange[] = []
    for (const [slot, known] of this.#intents) {
      if (now - known.heardAt < SILENCE_MS) break
      if (known.state === 'expired') continue
      const intent: Intent = { ...known, state: 'expired' }
      this.#intents.set(slot, intent)
      changes.push({ op: 'edit', intent, at: known.heardAt + SILENCE_MS })
    }
    return changes
  }

  /** When `sweep` has something to do next; undefined when nothing is active. */
  nextSweepAt(): number | undefined {
    for (const intent of this.#intents.values()) if (intent.state === 'active') return intent.heardAt + SILENCE_MS
    return undefined
  }

  /** Everything remembered, least recently heard first. */
  snapshot(): Intent[] {
    return [...this.#intents.values()]
  }

  /** Takes what an earlier process remembered; its silence counts from when each was heard. */
  restore(intents: readonly Intent[]): void {
    for (const intent of [...intents].sort((a, b) => a.heardAt - b.heardAt).slice(-MAX_INTENTS)) {
      this.#intents.set(slotOf(intent.message), intent)
    }
  }

  #shed(now: number): IntentChange[] {
    if (this.#intents.size <= MAX_INTENTS) return []
    const [slot, oldest] = this.#intents.entries().next().value as [string, Intent]
    this.#intents.delete(slot)
    return oldest.state === 'expired' ? [] : [{ op: 'edit', intent: { ...oldest, state: 'expired' }, at: now }]
  }
}

/**
 * What stays the same when the form of an intent changes: the id a gateway gave it, else its title. K2 has no ids of its own
 * for offers.
 */
function slotOf({ kind, topic, senderId, hostId, targetId, form }: PeerMarketMessage): string {
  const mark = form.x_gateway as { intent_id?: unknown } | undefined
  const id = typeof mark?.intent_id === 'string' ? `id:${mark.intent_id}` : `title:${fold(form.title)}:${fold(form.action)}`
  return [kind, topic, senderId, hostId ?? '', targetId ?? '', id].join('\n')
}

const fold = (text: unknown): string =>
  typeof text === 'string' ? text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim() : ''

const verifiedCopy = (message: PeerMarketMessage): PeerMarketMessage => ({ ...message, senderClass: 'verified' })

const isNews = (before: Intent, after: Intent): boolean =>
  before.state !== after.state ||
  before.message.intentKey !== after.message.intentKey ||
  (before.message.senderClass !== 'verified' && after.message.senderClass === 'verified')
