import { hashId } from '../../base/ids.ts'
import type { Body, BridgeEventKind, NativeRef } from './message.ts'

export type MessageKey = Pick<NativeRef, 'network' | 'channel' | 'thread' | 'id'>

/**
 * Deterministic id of an event (bridging 2): the same on every account that sees it, so the inbox takes it once.
 * `discriminator` is empty for creates and deletes, `editDiscriminator` for edits, `reactionDiscriminator` for reactions.
 */
export function eventIdOf(msg: MessageKey, kind: BridgeEventKind, discriminator = ''): string {
  return hashId([msg.network, msg.channel, msg.thread ?? '', msg.id, kind, discriminator])
}

/** Edit time alone is not enough: Telegram's has one second, two different edits often share it. */
export function editDiscriminator(editedAt: number, body: Body): string {
  return `${editedAt}:${bodyHash(body)}`
}

export interface ReactionKey {
  readonly actorKey: string
  readonly emojiKey: string
  readonly operation: 'add' | 'remove' | 'set' | 'clear'
  /** Telegram `update_id`, Discord gateway session id and `s`. */
  readonly sequence: string
}

export function reactionDiscriminator(key: ReactionKey): string {
  return [key.actorKey, key.emojiKey, key.operation, key.sequence].join('|')
}

/** Base32 SHA-256 of what people see of a body. Equal for the same content: signed URLs and picture versions do not count. */
export function bodyHash(body: Body): string {
  const { rich, attachments, ...rest } = body
  const files = attachments.map((a) => [a.id, a.kind, a.name, a.size ?? null, a.spoiler ?? false, a.alt ?? null])
  const sticker = rest.sticker && { name: rest.sticker.name, emoji: rest.sticker.emoji }
  return hashId([canonical({ ...rest, sticker, text: rich.text, spans: rich.spans, files })], 52)
}

/** JSON with sorted keys, without undefined values. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) =>
    typeof v === 'object' && v !== null && !Array.isArray(v)
      ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : v,
  )
}
