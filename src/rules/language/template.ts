import type { RuleFacts } from './facts.ts'
import { priceText } from './price-text.ts'

/** A text with places to fill; no logic, no loops. */
export interface Template {
  readonly parts: readonly (string | Slot)[]
}

interface Slot {
  readonly path: string
  readonly filters: readonly { readonly name: string; readonly argument: string | undefined }[]
}

export interface TemplateFault {
  readonly message: string
  readonly name: string
  readonly known: readonly string[]
}

/** How values are made harmless in the target's text. */
export type Escape = 'markdown' | 'html' | 'plain'

const MAX_FILLED = 1_000
export const FILTERS = ['money', 'place', 'ago', 'short', 'upper', 'default'] as const

interface Values {
  readonly facts: RuleFacts
  readonly now: number
  readonly ruleId: string
}

const item = (v: Values) => v.facts.reading?.slots.item
const place = (v: Values) => v.facts.reading?.slots.place
const price = (v: Values) => v.facts.reading?.slots.price

const PATHS: Readonly<Record<string, (v: Values) => unknown>> = {
  'intent.kind': (v) => v.facts.reading?.intent,
  'intent.id': (v) => v.facts.intent_id,
  'item.text': (v) => item(v)?.text,
  'item.head': (v) => item(v)?.head,
  'item.brand': (v) => item(v)?.brand,
  price,
  'price.min': (v) => price(v)?.min,
  'price.max': (v) => price(v)?.max,
  'price.currency': (v) => price(v)?.currency,
  place,
  'place.text': (v) => place(v)?.text,
  'place.city': (v) => place(v)?.city,
  'place.country': (v) => place(v)?.country,
  quantity: (v) => v.facts.reading?.slots.quantity?.value,
  condition: (v) => v.facts.reading?.slots.condition,
  topic: (v) => v.facts.reading?.topic?.slug,
  confidence: (v) => v.facts.reading?.confidence,
  act: (v) => v.facts.reading?.act,
  lang: (v) => v.facts.reading?.lang,
  created_at: (v) => v.facts.message.sent_at,
  text: (v) => v.facts.message.clean ?? v.facts.message.text,
  title: (v) => v.facts.message.title,
  platform: (v) => v.facts.message.platform,
  space: (v) => v.facts.message.space,
  channel: (v) => v.facts.message.channel,
  thread: (v) => v.facts.message.thread,
  'message.id': (v) => v.facts.message.id,
  author: (v) => v.facts.author.key,
  'author.key': (v) => v.facts.author.key,
  'author.trust': (v) => v.facts.author.trust,
  'match.score': (v) => v.facts.match?.score,
  'rule.id': (v) => v.ruleId,
}

/** Reads `{{ path | filter | default("…") }}`; unknown paths and filters are faults of the file. */
export function parseTemplate(text: string): { readonly template: Template; readonly faults: readonly TemplateFault[] } {
  const parts: (string | Slot)[] = []
  const faults: TemplateFault[] = []
  let from = 0
  for (;;) {
    const open = text.indexOf('{{', from)
    if (open < 0) break
    const close = text.indexOf('}}', open)
    if (close < 0) {
      faults.push({ message: '`{{` is never closed', name: '', known: [] })
      break
    }
    parts.push(text.slice(from, open))
    const slot = readSlot(text.slice(open + 2, close), faults)
    if (slot !== undefined) parts.push(slot)
    from = close + 2
  }
  parts.push(text.slice(from))
  return { template: { parts: parts.filter((p) => p !== '') }, faults }
}

const DEFAULT = /^default\(\s*(?:"([^"]*)"|'([^']*)')\s*\)$/

function readSlot(body: string, faults: TemplateFault[]): Slot | undefined {
  const [path = '', ...rest] = splitBars(body).map((p) => p.trim())
  if (!Object.hasOwn(PATHS, path)) {
    faults.push({ message: `unknown template path \`${path.slice(0, 60)}\``, name: path, known: Object.keys(PATHS) })
    return undefined
  }
  const filters: { name: string; argument: string | undefined }[] = []
  for (const filter of rest) {
    const fallback = DEFAULT.exec(filter)
    if (fallback !== null) filters.push({ name: 'default', argument: fallback[1] ?? fallback[2] ?? '' })
    else if (filter !== 'default' && (FILTERS as readonly string[]).includes(filter))
      filters.push({ name: filter, argument: undefined })
    else faults.push({ message: `unknown filter \`${filter.slice(0, 40)}\``, name: filter, known: FILTERS })
  }
  return { path, filters }
}

/** Splits at `|` outside quotes. */
function splitBars(text: string): string[] {
  const out: string[] = []
  let [from, quote] = [0, '']
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string
    if (quote !== '') quote = char === quote ? '' : quote
    else if (char === '"' || char === "'") quote = char
    else if (char === '|') {
      out.push(text.slice(from, i))
      from = i + 1
    }
  }
  out.push(text.slice(from))
  return out
}

/** Fills a template; values are escaped, mentions neutralised, the whole cut to 1,000 characters. */
export function fillTemplate(template: Template, facts: RuleFacts, now: number, ruleId: string, style: Escape): string {
  const values: Values = { facts, now, ruleId }
  let out = ''
  for (const part of template.parts) {
    out += typeof part === 'string' ? part : escapeValue(fillSlot(part, values), style)
    if (out.length > MAX_FILLED) break
  }
  return cut(out, MAX_FILLED)
}

function fillSlot(slot: Slot, values: Values): string {
  let value: unknown = PATHS[slot.path]?.(values)
  for (const { name, argument } of slot.filters) {
    if (name === 'default') value = value === undefined || value === null || value === '' ? argument : value
    else if (value !== undefined && value !== null) value = FILTER[name]?.(value, values) ?? value
  }
  return plainText(value)
}

const FILTER: Readonly<Record<string, (value: unknown, values: Values) => string>> = {
  money: (value) => (isMoney(value) ? priceText(value) : plainText(value)),
  place: plainText,
  ago: (value, { now }) => (typeof value === 'number' ? ago(now - value) : plainText(value)),
  short: (value) => cut(plainText(value), 60),
  upper: (value) => plainText(value).toUpperCase(),
}

interface MoneyLike {
  readonly min: string | null
  readonly max: string | null
  readonly currency: string | null
}
const isMoney = (value: unknown): value is MoneyLike =>
  typeof value === 'object' && value !== null && 'currency' in value && 'min' in value

function plainText(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (isMoney(value)) return priceText(value)
  if (typeof value === 'object') return 'text' in value ? String(value.text) : ''
  return String(value)
}

function ago(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000))
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${minutes} min ago`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} d ago`
}

function cut(text: string, max: number): string {
  if (text.length <= max) return text
  const end = text.charCodeAt(max - 2) >= 0xd800 && text.charCodeAt(max - 2) <= 0xdbff ? max - 2 : max - 1
  return `${text.slice(0, end)}…`
}

/** A zero-width space after `@` and inside `<@`, `<#` takes the meaning of mentions away on every platform. */
function escapeValue(text: string, style: Escape): string {
  const calm = text.replaceAll('@', '@\u200b').replace(/<(?=[#:/!]|@)/g, '<\u200b')
  if (style === 'markdown') return calm.replace(/[\\*_~`|>[\]()#]/g, (c) => `\\${c}`)
  if (style === 'html')
    return calm.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
  return calm
}
