import { charKind, LETTERS, MARKS } from './chars.ts'
import { looksLikeCode } from './code-test.ts'
import type { Prepared, PrepareFlag, TextEntity, Token } from './model.ts'
import { ownText } from './own-text.ts'
import { segment } from './segments.ts'
import { HAS, signsOfText } from './signs.ts'
import { MAX_TOKENS, tokenize } from './tokens.ts'

export const MAX_TEXT = 4096
const MAX_MARKS = 8
const MAX_ENTITIES = 200
const FORWARDED =
  /^\s{0,8}(?:forwarded (?:message )?from\b|fwd?:|fwd? (?:from|by)\b|forward(?:ed)? (?:from|by)\b|\[?forwarded\b|переслано от|пересланное сообщение|reenviado|encaminhada|encaminhado|mensagem encaminhada|mensaje reenviado|chuyển tiếp từ|tin nhắn chuyển tiếp|переслано)/iu

/** Letters and brackets that begin the words above. */
const FORWARD_LETTERS = new Set('fFrReEmMcCtTпП['.split('').map((c) => c.charCodeAt(0)))

function forwardedBySign(raw: string): boolean {
  const first = raw.charCodeAt(0)
  // Most texts begin with a letter that begins none of them.
  if (charKind(first) === LETTERS && !FORWARD_LETTERS.has(first)) return false
  return FORWARDED.test(raw)
}

export interface TextInput {
  readonly text: string
  /** Read as a line of its own above the text. */
  readonly title?: string | undefined
  readonly entities?: readonly TextEntity[] | undefined
  readonly forwarded?: boolean | undefined
}

/** Views, own statement and tokens of one message. Bounded by 4,096 units and 512 tokens. */
export function prepare(input: TextInput, forwardsCount = false): Prepared {
  const flags: PrepareFlag[] = []
  const head = input.title === undefined || input.title === '' ? 0 : input.title.length + 1
  const text = head === 0 ? input.text : `${input.title}\n${input.text}`
  const { raw, signs } = bounded(text, flags)
  const forwarded = !forwardsCount && (input.forwarded === true || forwardedBySign(raw))
  if (forwarded) flags.push('forwarded')
  const own = ownText(raw, moved(input, head, raw.length), signs)
  const removed = own.removed.length > 0
  if (removed && own.removed.some((r) => r.kind === 'quote') && own.clean.trim() === '') flags.push('quoted')
  const onlyCode = removed && own.removed.some((r) => r.kind === 'code') && own.clean.trim() === ''
  if (!forwarded && (onlyCode || looksLikeCode(own.clean, signs))) flags.push('code')
  if ((signs & (HAS.quote | HAS.typographic)) !== 0 && isQuotedWhole(own.clean)) flags.push('quoted')
  const tokens = tokenize(own.clean)
  if (tokens.length >= MAX_TOKENS) flags.push('token_limit')
  const { questions, sentences } = segment(tokens)
  return { raw, clean: own.clean, tokens, removed: own.removed, flags, struck: own.struck, questions, sentences }
}

/** Tokens of a text that is known to be somebody's own statement. Bounded as above. */
export function ownTokens(text: string): readonly Token[] {
  const { raw, signs } = bounded(text, [])
  const tokens = tokenize(ownText(raw, [], signs).clean)
  segment(tokens)
  return tokens
}

/** Entities where they stand in the composed text below the title. */
function moved({ text, entities }: TextInput, head: number, limit: number): readonly TextEntity[] {
  if (entities === undefined || entities.length === 0) return []
  const composed = text.length > MAX_TEXT * 2 || text.normalize('NFC') === text
  const place = (at: number): number => head + (composed ? at : text.slice(0, at).normalize('NFC').length)
  return entities
    .slice(0, MAX_ENTITIES)
    .filter((e) => e.start >= 0 && e.end > e.start)
    .map((e) => ({ kind: e.kind, start: place(e.start), end: place(e.end) }))
    .filter((e) => e.start < limit)
}

/** NFC, at most 8 marks per base, cut at a border between code points without splitting a marked letter; and what it is made of. */
function bounded(text: string, flags: PrepareFlag[]): { readonly raw: string; readonly signs: number } {
  let signs = signsOfText(text.length > MAX_TEXT * 2 ? text.slice(0, MAX_TEXT * 2) : text)
  // Without marks and letters of high numbers a text is normal already.
  if ((signs & HAS.high) === 0 && text.length <= MAX_TEXT) return { raw: text, signs }
  let cut = text
  if (cut.length > MAX_TEXT * 2) cut = cut.slice(0, MAX_TEXT * 2)
  const composed = cut.normalize('NFC')
  if (composed !== cut) signs = signsOfText(composed)
  cut = (signs & HAS.mark) === 0 ? composed : limitMarks(composed)
  if (cut.length > MAX_TEXT) {
    let end = MAX_TEXT
    for (let back = 0; back < 16 && end > 0; back++) {
      const code = cut.charCodeAt(end)
      if ((code >= 0xdc00 && code <= 0xdfff) || charKind(code) === MARKS || code === 0x200d) end--
      else break
    }
    cut = cut.slice(0, end)
  }
  if (cut.length < text.length && text.length > MAX_TEXT) flags.push('truncated')
  return { raw: cut, signs }
}

function limitMarks(text: string): string {
  let run = 0
  let longest = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    run = code > 127 && charKind(code) === MARKS ? run + 1 : 0
    if (run > longest) longest = run
  }
  if (longest <= MAX_MARKS) return text
  const kept: string[] = []
  run = 0
  for (let i = 0; i < text.length; i++) {
    run = charKind(text.charCodeAt(i)) === MARKS ? run + 1 : 0
    if (run <= MAX_MARKS) kept.push(text[i] as string)
  }
  return kept.join('')
}

function isQuotedWhole(clean: string): boolean {
  const text = clean.trim()
  return text.length > 2 && text[0] === '"' && text.indexOf('"', 1) === text.length - 1
}
