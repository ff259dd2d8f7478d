import { sha256Hex } from '../language/hash.ts'
import { type Reading, sideOf } from '../model.ts'
import { replacePersonal } from '../personal.ts'
import type { TextEntity } from '../text/model.ts'
import { prepare } from '../text/prepare.ts'
import { type OpinionRequest, PROMPT_VERSION, SCHEMA_VERSION } from './model.ts'

const MAX_CHARS = 1_500
const MIN_WORDS = 3
/** Readings in between are doubtful. */
const DOUBT_FROM = 0.25
const DOUBT_TO = 0.8
const NOT_ASKED = new Set<string>(['quoted', 'forwarded', 'code', 'budget'])

export interface AskScope {
  /** The operator switched it on for the channel, or the person for their own direct messages. */
  readonly enabled: boolean
}

/** Why a model is not asked about a reading (section 15.2); null when it is. */
export function notAsked(reading: Reading, text: string, scope: AskScope): string | null {
  if (!scope.enabled) return 'not switched on'
  if (reading.source !== 'rules') return 'not read by rules'
  if (reading.flags.some((f) => NOT_ASKED.has(f))) return 'not the own words of the author'
  const doubtful = reading.confidence >= DOUBT_FROM && reading.confidence <= DOUBT_TO
  if (!doubtful && reading.secondary.length === 0) return 'no doubt'
  const guards = (reading.trace as { guards?: readonly { points?: unknown; applied?: boolean }[] }).guards ?? []
  if (guards.some((g) => g.points === 'veto' && g.applied === true)) return 'a veto stands'
  return (text.match(/[\p{L}\p{N}]+/gu) ?? []).length < MIN_WORDS ? 'too short' : null
}

/** The author's own words with everything that names or reaches people replaced. */
export function maskedText(text: string, entities: readonly TextEntity[] = []): string {
  const own = prepare({ text, entities }).clean.replaceAll('\u0001', '[link]')
  const masked = replacePersonal(own, (kind) => `[${kind}]`)
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, (c) => (c === '\n' ? c : ''))
    .replace(/[^\S\n]+/gu, ' ')
    .trim()
  return masked.length <= MAX_CHARS ? masked : masked.slice(0, MAX_CHARS)
}

export function buildRequest(
  reading: Reading,
  text: string,
  options: { readonly entities?: readonly TextEntity[]; readonly channelTopic?: string } = {},
): OpinionRequest {
  const { price } = reading.slots
  return {
    text: maskedText(text, options.entities),
    lang_guess: reading.lang,
    channel_topic: options.channelTopic ?? null,
    rules_reading: {
      intent: reading.intent,
      confidence: reading.confidence,
      price: price === null ? null : { min: price.min, max: price.max, currency: price.currency },
    },
    schema_version: SCHEMA_VERSION,
  }
}

/** Key of the answer: the same words asked of the same model need not be asked twice. */
export function cacheKey(model: string, request: OpinionRequest): string {
  const text = request.text.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ')
  const { intent } = request.rules_reading
  return sha256Hex(JSON.stringify([model, PROMPT_VERSION, SCHEMA_VERSION, sideOf(intent), text]))
}
