import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { hashId } from '../../base/ids.ts'
import type { NativeRef } from '../model/place.ts'
import type { NativePart } from '../port.ts'
import { type DiscordCall, uploadsOf } from './outbound.ts'
import type { Run } from './run.ts'

const MAX_RECENT = 10_000

/** What is known of messages of ours beyond their ids: who sent them, and what they say. Lost with the process, harmlessly. */
export class SentMemory {
  readonly #account: string
  readonly #clock: Clock
  /** Who sent a message: the webhook's id, or `bot`. */
  readonly #senders = new BoundedMap<string, string>({ max: MAX_RECENT })
  /** Hash of what a message says and of its button, so that an edit leaves unchanged parts alone (8.7). */
  readonly #contents = new BoundedMap<string, string>({ max: MAX_RECENT })

  constructor(account: string, clock: Clock) {
    this.#account = account
    this.#clock = clock
  }

  senderOf(messageId: string): string | undefined {
    return this.#senders.get(messageId, this.#clock.now())
  }

  /** Whether an edit would change nothing. */
  looksLike(messageId: string, call: DiscordCall & { op: 'edit' }): boolean {
    return this.#contents.get(messageId, this.#clock.now()) === lookOf(call)
  }

  /** Remembers a message of ours; answers it as the part of its logical message. */
  note(run: Run, call: DiscordCall & { op: 'create' | 'edit' }, id: string, sender: string): NativePart {
    const now = this.#clock.now()
    this.#senders.set(id, sender, now)
    this.#contents.set(id, lookOf(call), now)
    const { channel, thread = run.post } = run.request.place
    const ref: NativeRef = { network: 'discord', account: this.#account, channel, id, ...(thread !== undefined && { thread }) }
    const carries = call.op === 'create' ? call.carries : undefined
    const shows = uploadsOf(call).map((upload) => upload.attachment.id)
    return { part: call.part, ref, ...(carries !== undefined && { carries }), ...(shows.length > 0 && { shows }) }
  }
}

const lookOf = ({ content, button }: DiscordCall & { op: 'create' | 'edit' }): string =>
  hashId([content, button ? JSON.stringify([button.id, button.label]) : ''])
