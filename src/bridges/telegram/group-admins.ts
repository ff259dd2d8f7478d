import { z } from 'zod'
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import type { DeskCalls } from './desk-calls.ts'
import type { TgMessage } from './schema.ts'

const Member = z.looseObject({ status: z.string() })
/** Rights are looked up again after this, ms. */
const KNOWN_MS = 60_000
const MAX_KNOWN = 10_000

/** Who administrates which group. */
export class GroupAdmins {
  readonly #calls: DeskCalls
  readonly #clock: Clock
  readonly #known = new BoundedMap<string, boolean>({ max: MAX_KNOWN, ttlMs: KNOWN_MS })

  constructor(calls: DeskCalls, clock: Clock) {
    this.#calls = calls
    this.#clock = clock
  }

  async isAdmin({ chat, from, sender_chat }: TgMessage): Promise<boolean> {
    if (chat.type !== 'group' && chat.type !== 'supergroup') return false
    // Anonymous administrators speak as the group itself.
    if (sender_chat !== undefined) return sender_chat.id === chat.id
    if (from === undefined) return false
    const now = this.#clock.monotonic()
    const key = `${chat.id}/${from.id}`
    const known = this.#known.get(key, now)
    if (known !== undefined) return known
    try {
      const { status } = Member.parse(await this.#calls.call('getChatMember', { chat_id: chat.id, user_id: from.id }))
      const isAdmin = status === 'administrator' || status === 'creator'
      this.#known.set(key, isAdmin, now)
      return isAdmin
    } catch {
      // Whoever cannot be looked up has no more rights than others.
      return false
    }
  }
}
