import { charKind, MARKS } from './chars.ts'
import { looksLikeCode } from './code-test.ts'
import type { Prepared, PrepareFlag, TextEntity } from './model.ts'
import { ownText } from './own-text.ts'
import { segment } from './segments.ts'
import { MAX_TOKENS, tokenize } from './tokens.ts'

export const MAX_TEXT = 4096
const MAX_MARKS = 8
const FORWARDED =
  /^\s{0,8}(?:forwarded (?:message )?from\b|fwd:|fw:|\[?forwarded\b|переслано от|пересланное сообщение|reenviado|encaminhada|encaminhado|mensagem encaminhada|mensaje reenviado|chuyển tiếp từ|tin nhắn chuyển tiếp|переслано)/iu

export interface TextInput {
  readonly text: string
  readonly entities?: readonly TextEntity[] | undefined
  readonly forwarded?: boolean | undefined
}

/** Views, own statement and tokens of one message. Bounded by 4,096 units and 512 tokens. */
export function prepare(input: TextInput): Prepared {
  const flags: PrepareFlag[] = []
  const raw = bounded(input.text, flags)
  const forwarded = input.forwarded === true || FORWARDED.test(raw)
  if (forwarded) flags.push('forwarded')
  const entities = (input.entities ?? []).filter((e) => e.start >= 0 && e.end > e.start && e.start < raw.length)
  const own = ownText(raw, raw === input.text ? entities : [])
  const quotes = own.removed.some((r) => r.kind === 'quote')
  if (quotes && own.clean.trim() === '') flags.push('quoted')
  if (!forwarded && (looksLikeCode(own.clean) || (own.removed.some((r) => r.kind === 'code') && own.clean.trim() === '')))
    flags.push('code')
  if (isQuotedWhole(own.clean)) flags.push('quoted')
  const tokens = tokenize(own.clean)
  if (tokens.length >= MAX_TOKENS) flags.push('token_limit')
  const { questions, sentences } = segment(tokens)
  return { raw, clean: own.clean, tokens, removed: own.removed, flags, struck: own.struck, questions, sentences }
}

/** NFC, at most 8 marks per base, cut at a border between code points without splitting a marked letter. */
function bounded(text: string, flags: PrepareFlag[]): string {
  let cut = text
  if (cut.length > MAX_TEXT * 2) cut = cut.slice(0, MAX_TEXT * 2)
  cut = limitMarks(cut.normalize('NFC'))
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
  return cut
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
