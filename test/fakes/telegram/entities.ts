import type { MessageEntity } from 'grammy/types'
import { badRequest } from './errors.ts'

const MAX_ENTITIES = 100

const STYLES = new Set([
  'bold',
  'italic',
  'underline',
  'strikethrough',
  'spoiler',
  'blockquote',
  'expandable_blockquote',
  'code',
  'pre',
  'text_link',
  'text_mention',
  'custom_emoji',
  'date_time',
])
/** Kinds the server finds by itself; accepted in requests and recomputed by the real one. */
const FOUND = new Set(['mention', 'hashtag', 'cashtag', 'bot_command', 'url', 'email', 'phone_number'])

export interface CheckedText {
  readonly text: string
  readonly entities: MessageEntity[]
  /** What a careful client would not have sent, although the server copes. */
  readonly remarks: string[]
}

const middleOfPair = (text: string, at: number): boolean =>
  at > 0 && at < text.length && text.charCodeAt(at) >= 0xdc00 && text.charCodeAt(at) <= 0xdfff

/** Validates and normalises a text with explicit entities as the server does: bounds, nesting, trimming. Throws ApiError. */
export function checkText(text: string, raw: unknown): CheckedText {
  const remarks: string[] = []
  const entities = parseEntities(text, raw, remarks)
  const start = text.length - text.trimStart().length
  const trimmed = text.trim()
  const kept: MessageEntity[] = []
  for (const e of entities) {
    const from = Math.max(0, e.offset - start)
    const to = Math.min(trimmed.length, e.offset + e.length - start)
    if (to > from) kept.push({ ...e, offset: from, length: to - from })
  }
  return { text: trimmed, entities: kept, remarks }
}

function parseEntities(text: string, raw: unknown, remarks: string[]): MessageEntity[] {
  if (raw === undefined || raw === null) return []
  if (!Array.isArray(raw)) throw badRequest("can't parse entities: expected an Array of MessageEntity")
  if (raw.length > MAX_ENTITIES) remarks.push(`${raw.length} entities, only ${MAX_ENTITIES} are used`)
  const out = raw.slice(0, MAX_ENTITIES).map((e) => parseEntity(text, e, remarks))
  checkNesting(out, remarks)
  return out
}

function parseEntity(text: string, raw: unknown, remarks: string[]): MessageEntity {
  const e = raw as Record<string, unknown>
  if (typeof raw !== 'object' || raw === null) throw badRequest("can't parse entities: MessageEntity must be an Object")
  const { type, offset, length } = e
  if (typeof type !== 'string' || !(STYLES.has(type) || FOUND.has(type))) throw badRequest('ENTITY_TYPE_INVALID')
  if (!Number.isInteger(offset) || !Number.isInteger(length))
    throw badRequest("can't parse entities: offset and length are integers")
  const from = offset as number
  const to = from + (length as number)
  if (from < 0 || to <= from || to > text.length) throw badRequest('ENTITY_BOUNDS_INVALID')
  if (middleOfPair(text, from) || middleOfPair(text, to)) throw badRequest('ENTITY_BOUNDS_INVALID')
  if (type === 'text_link' && (typeof e.url !== 'string' || !/^(https?|tg|mailto|tel):/i.test(e.url))) {
    throw badRequest('ENTITY_URL_INVALID')
  }
  if (type === 'text_mention' && !Number.isInteger((e.user as { id?: unknown } | undefined)?.id)) {
    throw badRequest('ENTITY_MENTION_USER_INVALID')
  }
  const covered = text.slice(from, to)
  if (covered.trimEnd() !== covered || (type !== 'pre' && covered.trimStart() !== covered))
    remarks.push(`entity ${type} begins or ends with white space`)
  return e as unknown as MessageEntity
}

function checkNesting(entities: readonly MessageEntity[], remarks: string[]): void {
  const end = (e: MessageEntity): number => e.offset + e.length
  for (let i = 0; i < entities.length; i++) {
    for (let j = i + 1; j < entities.length; j++) {
      const [a, b] = [entities[i] as MessageEntity, entities[j] as MessageEntity]
      const apart = end(a) <= b.offset || end(b) <= a.offset
      if (apart) continue
      const nested = (a.offset <= b.offset && end(b) <= end(a)) || (b.offset <= a.offset && end(a) <= end(b))
      if (!nested) remarks.push(`entities ${a.type} and ${b.type} cross`)
      const mono = [a, b].find((e) => e.type === 'code' || e.type === 'pre')
      const other = mono === a ? b : a
      if (mono && !other.type.endsWith('blockquote')) remarks.push(`entity ${mono.type} combined with ${other.type}`)
      const quotes = [a, b].every((e) => e.type.endsWith('blockquote'))
      if (quotes) throw badRequest("can't parse entities: quotes can't be nested")
    }
  }
}
