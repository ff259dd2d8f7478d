import type { Amount } from '../slots/amounts.ts'
import type { Tags } from '../slots/tags.ts'
import type { Token } from '../text/model.ts'

export type Condition = 'new' | 'like_new' | 'used' | 'refurbished' | 'for_parts'
export interface Place {
  readonly text: string
  readonly country: string | null
  readonly region: string | null
  readonly city: string | null
  readonly radius_km: number | null
}
export interface Delivery {
  readonly pickup: boolean | null
  readonly ship: boolean | null
  readonly ship_to: readonly string[]
}
export interface Deadline {
  /** ms since the epoch; null as long as no clock resolves the words. */
  readonly at: number | null
  readonly text: string
  readonly urgency: 'none' | 'soon' | 'urgent'
}
export interface Contact {
  readonly kinds: readonly ('dm' | 'telegram' | 'discord' | 'phone' | 'email' | 'link')[]
  readonly masked: readonly string[]
}

const CONDITIONS: readonly (readonly [string, Condition])[] = [
  ['cond_for_parts', 'for_parts'],
  ['cond_refurbished', 'refurbished'],
  ['cond_like_new', 'like_new'],
  ['cond_used', 'used'],
  ['cond_new', 'new'],
]

/** Condition by its words; a tolerance ("cracked is fine") is no condition. */
export function readCondition(tags: Tags): Condition | null {
  let best: { value: Condition; start: number; length: number } | undefined
  for (const hit of tags.hits) {
    const entry = CONDITIONS.find(([name]) => name === tags.name(hit))
    if (entry === undefined) continue
    if (tags.at('cond_ok', hit.end) !== undefined) continue
    const length = hit.end - hit.start
    if (best !== undefined && hit.start < best.start + best.length && length <= best.length) continue
    if (best === undefined || (hit.start <= best.start && length > best.length))
      best = { value: entry[1], start: hit.start, length }
  }
  return best?.value ?? null
}

/** Counted things: `x3`, `3x`, `(14)`, a number before the object. */
export function readQuantity(
  tokens: readonly Token[],
  tags: Tags,
  amounts: readonly Amount[],
  objectStart: number,
  objectEnd: number,
): { value: number; unit: string | null } | null {
  for (const amount of amounts) {
    const value = Number((tokens[amount.at] as Token).text.replaceAll(',', ''))
    if (!Number.isFinite(value) || value <= 0) continue
    if (amount.role === 'quantity') {
      const next = tokens[amount.at + 1]
      // "2x16GB" is the make-up of a kit.
      if (next?.text === 'x' && tokens[amount.at + 2]?.kind === 'number') continue
      return { value, unit: null }
    }
    if (amount.role !== 'amount' || amount.currency !== undefined || amount.range) continue
    const before = tags.endingAt(amount.at)
    if (before.some((h) => tags.name(h) === 'with_word')) continue
    if (tags.at('quantity_after', amount.end) !== undefined) return { value, unit: null }
    const parenthesis = tokens[amount.at - 1]?.text === '(' && tokens[amount.end]?.text === ')'
    if (parenthesis && value < 1000) return { value, unit: null }
    if (amount.at >= objectStart - 2 && amount.at <= objectEnd && tags.at('goods', amount.end) !== undefined)
      return { value, unit: null }
    if (amount.at === objectStart && tokens[amount.end]?.kind === 'word' && tags.at('unit_measure', amount.end) === undefined)
      return { value, unit: null }
  }
  return null
}

/** Place by bracket code, pin, preposition or a known name. */
export function readPlace(tokens: readonly Token[], tags: Tags): Place | null {
  const code = bracketCode(tokens)
  if (code !== undefined) return place(code, code)
  for (let i = 0; i < tokens.length; i++) {
    const pin = tokens[i]?.text === '📍'
    const prep = pin ? undefined : tags.at('place_prep', i)
    if (!pin && prep === undefined) continue
    const at = pin ? i + 1 : (prep?.end as number)
    const found = nameAt(tokens, tags, tokens[at]?.text === ':' ? at + 1 : at)
    if (found !== undefined) return found
  }
  for (let i = tokens.length - 1; i >= 0; i--) {
    const hit = tags.at('place', i)
    if (hit !== undefined) return place(hit.value ?? textOf(tokens, hit.start, hit.end), textOf(tokens, hit.start, hit.end))
  }
  return null
}

function bracketCode(tokens: readonly Token[]): string | undefined {
  if (tokens[0]?.text !== '[') return undefined
  const [, a, b, c] = tokens
  if (a?.kind !== 'word' || a.caps !== 2) return undefined
  const first = a.text.toUpperCase()
  if (b?.text === ']') return first === 'UK' ? 'GB' : first === 'USA' ? 'US' : first.length === 2 ? first : undefined
  if (b?.kind !== 'word' || c?.text !== ']') return undefined
  const second = b.text.toUpperCase()
  if (first === 'USA' || first === 'US') return `US-${second}`
  if (first === 'CAN' || first === 'CA') return `CA-${second}`
  if (first === 'EU') return second === 'UK' ? 'GB' : second
  return `${first === 'UK' ? 'GB' : first}-${second}`
}

function nameAt(tokens: readonly Token[], tags: Tags, at: number): Place | undefined {
  const known = tags.at('place', at) ?? (tags.at('det', at) !== undefined ? tags.at('place', at + 1) : undefined)
  if (known !== undefined)
    return place(known.value ?? textOf(tokens, known.start, known.end), textOf(tokens, known.start, known.end))
  let end = at
  while (
    end < tokens.length &&
    end < at + 4 &&
    tokens[end]?.kind === 'word' &&
    (tokens[end] as Token).caps > 0 &&
    tokens[end]?.sentence === tokens[at]?.sentence
  )
    end++
  if (end === at || tags.at('goods', at) !== undefined || tags.at('month', at) !== undefined) return undefined
  return place(textOf(tokens, at, end), textOf(tokens, at, end))
}

function place(value: string, text: string): Place {
  const country = /^[A-Z]{2}(?:-[A-Z]{2,3})?$/u.test(value) ? value.slice(0, 2) : null
  const region = country !== null && value.length > 2 ? value : null
  return {
    text: country !== null ? value : value || text,
    country,
    region,
    city: country === null ? value : null,
    radius_km: null,
  }
}

export const textOf = (tokens: readonly Token[], start: number, end: number): string =>
  tokens
    .slice(start, end)
    .map((t, i) => (i > 0 && !t.glued ? ` ${t.text}` : t.text))
    .join('')

export function readDelivery(tags: Tags): Delivery {
  const has = (name: string): boolean => tags.hits.some((h) => tags.name(h) === name)
  return { pickup: has('pickup') ? true : null, ship: has('ship') ? true : null, ship_to: [] }
}

export function readDeadline(tokens: readonly Token[], tags: Tags): Deadline | null {
  const urgent = tags.hits.find((h) => tags.name(h) === 'urgent')
  const soon = urgent ?? tags.hits.find((h) => tags.name(h) === 'soon')
  return soon === undefined
    ? null
    : { at: null, text: textOf(tokens, soon.start, soon.end), urgency: urgent === undefined ? 'soon' : 'urgent' }
}

/** Digit groups of one number are separate tokens, so none of them is shown. */
const MASKED_PHONE = '•••••••••'
const EMAIL = /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,24}){1,4}/gu

/** Contact signs; numbers and addresses masked. */
export function readContact(raw: string, tokens: readonly Token[], tags: Tags, amounts: readonly Amount[]): Contact {
  const kinds = new Set<Contact['kinds'][number]>()
  const masked: string[] = []
  for (const hit of tags.hits) {
    if (tags.name(hit) !== 'contact') continue
    const word = tokens[hit.start]?.text ?? ''
    kinds.add(
      word === 'telegram' || word === 'tg'
        ? 'telegram'
        : word === 'discord'
          ? 'discord'
          : word === 'email' || word === 'mail'
            ? 'email'
            : word === 'call' || word === 'phone' || word === 'zalo' || word === 'tel'
              ? 'phone'
              : 'dm',
    )
  }
  for (const amount of amounts) {
    if (amount.role !== 'phone' || masked.length >= 5) continue
    kinds.add('phone')
    if (!masked.includes(MASKED_PHONE)) masked.push(MASKED_PHONE)
  }
  for (const match of raw.matchAll(EMAIL)) {
    if (masked.length >= 5) break
    kinds.add('email')
    masked.push(`${match[0][0]}•••@${match[0].slice(match[0].indexOf('@') + 1)}`)
  }
  return { kinds: [...kinds], masked }
}

export function readPayment(tokens: readonly Token[], tags: Tags): string[] {
  const found = new Set<string>()
  for (const hit of tags.hits) if (tags.name(hit) === 'pay' && found.size < 10) found.add(textOf(tokens, hit.start, hit.end))
  return [...found]
}
