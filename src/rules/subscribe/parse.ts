import { parseHours } from '../alert/local-time.ts'
import { currencyOf, parseAmount } from '../match/amount.ts'
import { CONDITIONS, TRUST_LEVELS } from '../model.ts'
import { type SubscriptionInput, type SubscriptionQuery, subscriptionQuerySchema } from './query.ts'
import { FILLERS, MAX_WORDS, MIN_WORDS, splitQuery, type Token } from './query-tokens.ts'

export interface QueryProblem {
  /** Characters of the text it is about. */
  readonly span: readonly [start: number, end: number]
  readonly message: string
  readonly hint?: string
}

export type ParsedQuery =
  | { readonly ok: true; readonly query: SubscriptionQuery }
  | { readonly ok: false; readonly problems: readonly QueryProblem[] }

export interface ParseOptions {
  /** Looks a place up by name. */
  readonly findPlace?: (
    name: string,
  ) => { readonly city?: string; readonly country?: string; readonly lat?: number; readonly lon?: number } | undefined
  /** Slugs of the taxonomy, to catch misspelt ones. */
  readonly topics?: ReadonlySet<string>
  /** For amounts without a currency. */
  readonly currency?: string
}

const MAX_TEXT = 500
const FIELDS = [
  'topic',
  'price',
  'near',
  'in',
  'city',
  'country',
  'condition',
  'source',
  'trust',
  'want',
  'unpriced',
  'every',
  'quiet',
  'to',
  'expires',
] as const
type Field = (typeof FIELDS)[number]
const KM = /^(\d{1,5})\s?(km|mi|miles?)$/i

/**
 * Reads a saved search in words: `rtx 4090 OR "rx 7900 xtx" -broken topic:computers price:<900usd near:berlin 50km`, or plainly
 * `thinkpad under 800 eur`. Terms side by side must all occur; a run of terms around `OR` is one alternative.
 */
export function parseQuery(text: string, options: ParseOptions = {}): ParsedQuery {
  const parser = new Parser(text, options)
  return parser.run()
}

class Parser {
  readonly #text: string
  readonly #options: ParseOptions
  readonly #problems: QueryProblem[] = []
  readonly #tokens: readonly Token[]
  readonly #out: SubscriptionInput & { all: string[]; any: string[][]; none: string[] } = { all: [], any: [], none: [] }
  #price: { min?: number; max?: number; currency?: string } | undefined
  #at = 0

  constructor(text: string, options: ParseOptions) {
    this.#text = text
    this.#options = options
    this.#tokens = text.length > MAX_TEXT ? [] : splitQuery(text, (span, message) => this.#fault(span, message))
  }

  run(): ParsedQuery {
    if (this.#text.length > MAX_TEXT) this.#fault([0, this.#text.length], `longer than ${MAX_TEXT} characters`)
    while (this.#at < this.#tokens.length) this.#step()
    if (this.#price !== undefined) {
      const currency = this.#price.currency ?? this.#options.currency
      if (currency === undefined) this.#fault([0, this.#text.length], 'the price has no currency', 'write for example 800 eur')
      else this.#out.price = { ...this.#price, currency }
    }
    const empty = this.#out.all.length + this.#out.any.length + (this.#out.topics?.length ?? 0) === 0
    if (empty && this.#problems.length === 0)
      this.#fault([0, this.#text.length], 'nothing to look for', 'write words, for example: thinkpad under 800 eur')
    if (this.#problems.length > 0) return { ok: false, problems: this.#problems }
    const checked = subscriptionQuerySchema.safeParse(this.#out)
    if (checked.success) return { ok: true, query: checked.data }
    return {
      ok: false,
      problems: checked.error.issues.map((i) => ({
        span: [0, this.#text.length] as const,
        message: `${i.path.join('.')}: ${i.message}`,
      })),
    }
  }

  #fault(span: readonly [number, number], message: string, hint?: string): undefined {
    this.#problems.push(hint === undefined ? { span, message } : { span, message, hint })
  }

  #peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead]
  }

  #step(): undefined {
    const token = this.#peek() as Token
    const lower = token.text.toLowerCase()
    if (!token.quoted) {
      const colon = token.text.indexOf(':')
      if (colon > 0) return this.#field(token, colon)
      if (lower === '(') return this.#group()
      if (lower === ')' || lower === 'or') {
        this.#at++
        return this.#fault(
          [token.start, token.end],
          lower === ')' ? 'this bracket was never opened' : 'OR needs a term on both sides',
        )
      }
      if (this.#distance(lower) || this.#priceWords(lower)) return
      if ((lower === 'not' || lower === 'without' || lower === 'sin' || lower === 'без') && this.#peek(1) !== undefined) {
        this.#at++
        this.#out.none.push((this.#peek() as Token).text)
        this.#at++
        return
      }
    }
    this.#run()
  }

  /** Terms up to something that is none; `OR` between them makes one group of alternatives. */
  #run(): undefined {
    const runs: string[][] = [[]]
    const ends = (t: Token): boolean =>
      !t.quoted &&
      (t.minus ||
        t.text === '(' ||
        t.text === ')' ||
        t.text.indexOf(':') > 0 ||
        this.#opensPrice(t.text.toLowerCase()) ||
        t.text.toLowerCase() === 'near')
    let token = this.#peek()
    if (token?.minus === true) {
      this.#out.none.push(token.text)
      this.#at++
      return
    }
    const first = this.#at
    while (token !== undefined && (this.#at === first || !ends(token))) {
      if (!token.quoted && token.text.toLowerCase() === 'or') runs.push([])
      else (runs[runs.length - 1] as string[]).push(token.text)
      this.#at++
      token = this.#peek()
    }
    this.#take(runs)
  }

  #take(runs: readonly string[][]): undefined {
    if (runs.some((r) => r.length === 0)) {
      const last = this.#tokens[this.#at - 1] as Token
      return this.#fault([last.start, last.end], 'OR needs a term on both sides')
    }
    if (runs.length === 1) this.#out.all.push(...(runs[0] as string[]))
    else this.#out.any.push(runs.map((r) => r.join(' ')))
  }

  #group(): undefined {
    const open = this.#peek() as Token
    const runs: string[][] = [[]]
    this.#at++
    for (;;) {
      const token = this.#peek()
      if (token === undefined) return this.#fault([open.start, open.end], 'this bracket is never closed')
      this.#at++
      if (!token.quoted && token.text === ')') break
      if (!token.quoted && token.text.toLowerCase() === 'or') runs.push([])
      else (runs[runs.length - 1] as string[]).push(token.text)
    }
    this.#take(runs)
  }

  #opensPrice(lower: string): boolean {
    if ((lower === 'between' || lower === 'entre' || lower === 'между') && this.#amountFrom(this.#at + 1) !== undefined)
      return true
    if (lower === 'within' || KM.test(lower) || /^\d{1,2}[-–]\d/.test(lower) || /^\d{1,6}[-–]\d{1,6}$/.test(lower)) return true
    return (
      ((MAX_WORDS.has(lower) || MIN_WORDS.has(lower)) && this.#amountFrom(this.#at + 1) !== undefined) ||
      /^[<>]=?\S/.test(lower) ||
      this.#bareAmount()
    )
  }

  /** An amount with a currency of its own: `800 eur`, `$700`. A bare number is a word (`rtx 4090`). */
  #bareAmount(): boolean {
    const found = this.#amountFrom(this.#at, true)
    return found !== undefined && found.currency !== null
  }

  #amountFrom(at: number, strict = false): { value: number; currency: string | null; next: number } | undefined {
    let i = at
    while (!strict && this.#tokens[i] !== undefined && FILLERS.has((this.#tokens[i] as Token).text.toLowerCase())) i++
    const [one, two] = [this.#tokens[i], this.#tokens[i + 1]]
    if (one === undefined || one.quoted) return undefined
    if (two !== undefined && !two.quoted) {
      const both = parseAmount(`${one.text} ${two.text}`)
      if (both !== undefined && both.currency !== null) return { ...both, next: i + 2 }
    }
    const single = parseAmount(one.text)
    return single === undefined ? undefined : { ...single, next: i + 1 }
  }

  /** `under 800 eur`, `<900usd`, `500-800 eur`, `between 500 and 800 eur`, `800 eur` (a maximum). */
  #priceWords(lower: string): boolean {
    const token = this.#peek() as Token
    const sign = /^([<>])=?(.+)$/.exec(lower)
    if (sign !== null) {
      const amount = parseAmount(sign[2] as string)
      if (amount === undefined) return false
      this.#bound(sign[1] === '<' ? 'max' : 'min', amount.value, amount.currency)
      this.#at++
      return true
    }
    if (MAX_WORDS.has(lower) || MIN_WORDS.has(lower)) {
      const found = this.#amountFrom(this.#at + 1)
      if (found === undefined) return false
      this.#bound(MAX_WORDS.has(lower) ? 'max' : 'min', found.value, found.currency)
      this.#at = found.next
      return true
    }
    if (lower === 'between' || lower === 'entre' || lower === 'между') {
      const low = this.#amountFrom(this.#at + 1)
      const high = low === undefined ? undefined : this.#amountFrom(low.next + 1)
      if (low === undefined || high === undefined) return false
      this.#bound('min', low.value, low.currency ?? high.currency)
      this.#bound('max', high.value, high.currency)
      this.#at = high.next
      return true
    }
    const range = /^(\d[\d.,k]*)[-–](\d.*)$/i.exec(token.text)
    if (range !== null) return this.#range(range[1] as string, range[2] as string)
    if (!this.#bareAmount()) return false
    const found = this.#amountFrom(this.#at, true) as { value: number; currency: string | null; next: number }
    this.#bound('max', found.value, found.currency)
    this.#at = found.next
    return true
  }

  #range(from: string, to: string): boolean {
    const next = this.#peek(1)
    const joined = next === undefined ? undefined : parseAmount(`${to} ${next.text}`)
    const high = joined !== undefined && joined.currency !== null ? joined : parseAmount(to)
    const low = parseAmount(from)
    if (low === undefined || high === undefined || high.currency === null || low.value >= high.value) return false
    this.#bound('min', low.value, high.currency)
    this.#bound('max', high.value, high.currency)
    this.#at += high === joined ? 2 : 1
    return true
  }

  #bound(bound: 'min' | 'max', value: number, currency: string | null): undefined {
    this.#price = { ...this.#price, [bound]: value, ...(currency === null ? {} : { currency }) }
  }

  /** `near berlin`, `within 50 km of berlin`; `50km` after a place. */
  #distance(lower: string): boolean {
    const km = KM.exec(lower) ?? (/^\d{1,5}$/.test(lower) ? KM.exec(`${lower} ${this.#peek(1)?.text ?? ''}`) : null)
    if (km !== null) {
      const value = Number(km[1]) * (/^mi/i.test(km[2] as string) ? 1.609 : 1)
      this.#out.place = { ...this.#out.place, within_km: value }
      this.#at += KM.test(lower) ? 1 : 2
      if (this.#peek()?.text.toLowerCase() === 'of' || this.#peek()?.text.toLowerCase() === 'from') this.#at++
      if (this.#out.place.city === undefined && this.#peek() !== undefined && this.#peek()?.text.indexOf(':') === -1)
        this.#place((this.#peek() as Token).text, 1)
      return true
    }
    const next = this.#peek(1)?.text ?? ''
    if (lower === 'within' && (KM.test(next) || KM.test(`${next} ${this.#peek(2)?.text ?? ''}`))) {
      this.#at++
      return true
    }
    if (lower !== 'near' || this.#peek(1) === undefined) return false
    this.#at++
    this.#place((this.#peek() as Token).text, 1)
    return true
  }

  #place(name: string, tokens: number): undefined {
    const known = this.#options.findPlace?.(name)
    this.#out.place = { ...this.#out.place, city: name, ...known }
    this.#at += tokens
  }

  #field(token: Token, colon: number): undefined {
    this.#at++
    const name = token.text.slice(0, colon).toLowerCase()
    let value = token.text.slice(colon + 1)
    const span = [token.start, token.end] as const
    if (!(FIELDS as readonly string[]).includes(name))
      return this.#fault(span, `unknown field \`${name}\``, `fields: ${FIELDS.join(', ')}`)
    if (value === '') {
      const next = this.#peek()
      if (next === undefined) return this.#fault(span, `\`${name}:\` needs a value`)
      value = next.text
      this.#at++
    }
    this.#value(name as Field, value, span)
  }

  #value(name: Field, value: string, span: readonly [number, number]): undefined {
    const list = value.split(',').filter((v) => v !== '')
    const { topics } = this.#options
    switch (name) {
      case 'topic': {
        const wrong = topics === undefined ? undefined : list.find((t) => !topics.has(t))
        if (wrong !== undefined)
          return this.#fault(span, `unknown topic \`${wrong}\``, `topics: ${[...(topics ?? [])].slice(0, 30).join(', ')}`)
        this.#out.topics = [...(this.#out.topics ?? []), ...list]
        return
      }
      case 'price':
        return this.#priceField(value, span)
      case 'near':
      case 'in':
      case 'city':
        return this.#place(value, 0)
      case 'country':
        if (!/^[a-z]{2}$/i.test(value)) return this.#fault(span, 'a country is two letters', 'country:DE')
        this.#out.place = { ...this.#out.place, country: value.toUpperCase() }
        return
      case 'condition':
        return this.#oneOf(list, CONDITIONS, span, 'condition', (v) => (this.#out.condition = v))
      case 'trust':
        return this.#oneOf(list, TRUST_LEVELS, span, 'trust', (v) => (this.#out.trust = v[0] as (typeof TRUST_LEVELS)[number]))
      case 'want':
        return this.#oneOf(
          list,
          ['offers', 'requests', 'both'] as const,
          span,
          'want',
          (v) => (this.#out.want = v[0] as 'offers'),
        )
      case 'every':
        return this.#oneOf(list, ['instant', 'hour', 'day', 'hourly', 'daily'] as const, span, 'every', ([v]) => {
          this.#out.delivery = {
            ...this.#out.delivery,
            mode: v === 'instant' ? v : v === 'hour' || v === 'hourly' ? 'hourly' : 'daily',
          }
        })
      case 'unpriced':
        return this.#oneOf(list, ['yes', 'no'] as const, span, 'unpriced', ([v]) => (this.#out.include_unpriced = v === 'yes'))
      case 'source':
        this.#out.sources = [...(this.#out.sources ?? []), ...list]
        return
      case 'to':
        this.#out.delivery = { ...this.#out.delivery, to: value }
        return
      case 'quiet':
        if (parseHours(value) === undefined) return this.#fault(span, 'not a range of hours', 'quiet:22:00-07:00')
        this.#out.delivery = { ...this.#out.delivery, quiet: value }
        return
      case 'expires': {
        const days = /^(\d{1,3})d$/.exec(value)
        if (days === null) return this.#fault(span, 'not a number of days', 'expires:30d, at most 180d')
        this.#out.expires = Number(days[1]) * 86_400_000
      }
    }
  }

  #oneOf<T extends string>(
    list: readonly string[],
    known: readonly T[],
    span: readonly [number, number],
    name: string,
    set: (values: T[]) => void,
  ): undefined {
    const wrong = list.find((v) => !(known as readonly string[]).includes(v))
    if (wrong !== undefined || list.length === 0)
      return this.#fault(span, `\`${wrong ?? ''}\` is no ${name}`, `one of ${known.join(', ')}`)
    set(list as T[])
  }

  #priceField(value: string, span: readonly [number, number]): undefined {
    let text = value
    const next = this.#peek()
    if (next !== undefined && !next.quoted && currencyOf(next.text) !== undefined && !/[a-z€$£]$/i.test(text)) {
      text += ` ${next.text}`
      this.#at++
    }
    const range = /^(\d[^-–]*)[-–](.+)$/.exec(text)
    const sign = /^([<>]?)=?\s*(.+)$/.exec(text)
    const high = parseAmount(range === null ? (sign?.[2] ?? '') : (range[2] as string))
    const low = range === null ? undefined : parseAmount(range[1] as string)
    if (high === undefined || (range !== null && low === undefined))
      return this.#fault(span, `\`${value}\` is no price`, 'price:<900usd, price:>50eur or price:100-200eur')
    if (low !== undefined) this.#bound('min', low.value, low.currency)
    this.#bound(range === null && sign?.[1] === '>' ? 'min' : 'max', high.value, high.currency)
  }
}
