import { parseHours } from '../alert/local-time.ts'
import { currencyOf, parseAmount } from '../match/amount.ts'
import { CONDITIONS, TRUST_LEVELS } from '../model.ts'
import { type SubscriptionInput, type SubscriptionQuery, subscriptionQuerySchema } from './query.ts'
import { PriceReader } from './query-price.ts'
import { splitQuery, type Token } from './query-tokens.ts'
import { IN, isFiller, NEAR, phraseAt, WITHOUT } from './query-words.ts'

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
  /** The tokens in lower case; an empty word where a token is quoted. */
  readonly #words: readonly string[]
  readonly #prices: PriceReader
  readonly #out: SubscriptionInput & { all: string[]; any: string[][]; none: string[] } = { all: [], any: [], none: [] }
  #bounds: { min?: number; max?: number; currency?: string } | undefined
  #at = 0

  constructor(text: string, options: ParseOptions) {
    this.#text = text
    this.#options = options
    this.#tokens = text.length > MAX_TEXT ? [] : splitQuery(text, (span, message) => this.#fault(span, message))
    this.#words = this.#tokens.map((t) => (t.quoted || t.minus ? '' : t.text.toLowerCase()))
    this.#prices = new PriceReader(this.#tokens, this.#words)
  }

  run(): ParsedQuery {
    if (this.#text.length > MAX_TEXT) this.#fault([0, this.#text.length], `longer than ${MAX_TEXT} characters`)
    while (this.#at < this.#tokens.length) this.#step()
    if (this.#bounds !== undefined) {
      const currency = this.#bounds.currency ?? this.#options.currency
      if (currency === undefined) this.#fault([0, this.#text.length], 'the price has no currency', 'write for example 800 eur')
      else this.#out.price = { ...this.#bounds, currency }
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
      if (this.#distance(lower) || this.#price() || this.#placed()) return
      const without = this.#excludes(this.#at)
      if (without > 0) {
        this.#out.none.push((this.#tokens[this.#at + without] as Token).text)
        this.#at += without + 1
        return
      }
    }
    this.#run()
  }

  /** Length of the words before a term that must not occur. */
  #excludes(at: number): number {
    const length = phraseAt(WITHOUT, this.#words, at)
    const next = this.#tokens[at + length]
    return length > 0 &&
      next !== undefined &&
      (next.quoted || /[\p{L}\p{N}]/u.test(next.text)) &&
      this.#prices.at(at) === undefined
      ? length
      : 0
  }

  /** A term cannot go on over what stands there. */
  #ends(at: number): boolean {
    const token = this.#tokens[at] as Token
    if (token.quoted) return false
    if (token.minus || token.text === '(' || token.text === ')' || token.text.indexOf(':') > 0) return true
    const word = this.#words[at] as string
    if (this.#isDistance(at) || this.#prices.at(at) !== undefined || this.#placeAt(at) !== undefined) return true
    return word !== 'or' && this.#excludes(at) > 0
  }

  /** Terms up to something that is none; `OR` between them makes one group of alternatives. */
  #run(): undefined {
    const runs: Token[][] = [[]]
    let token = this.#peek()
    if (token?.minus === true) {
      this.#out.none.push(token.text)
      this.#at++
      return
    }
    const first = this.#at
    while (token !== undefined && (this.#at === first || !this.#ends(this.#at))) {
      if (!token.quoted && token.text.toLowerCase() === 'or') runs.push([])
      else (runs[runs.length - 1] as Token[]).push(token)
      this.#at++
      token = this.#peek()
    }
    this.#take(runs)
  }

  #take(list: readonly (readonly Token[])[]): undefined {
    const runs = list.map((run) => {
      const told = run.filter((t) => t.quoted || !isFiller(t.text)).map((t) => t.text)
      // Words that say nothing are left out; an alternative of nothing else keeps them.
      return told.length > 0 || list.length === 1 ? told : run.map((t) => t.text)
    })
    if (list.length > 1 && runs.some((r) => r.length === 0)) {
      const last = this.#tokens[this.#at - 1] as Token
      return this.#fault([last.start, last.end], 'OR needs a term on both sides')
    }
    if (runs.length === 1) this.#out.all.push(...(runs[0] as string[]))
    else this.#out.any.push(runs.map((r) => r.join(' ')))
  }

  #group(): undefined {
    const open = this.#peek() as Token
    const runs: Token[][] = [[]]
    this.#at++
    for (;;) {
      const token = this.#peek()
      if (token === undefined) return this.#fault([open.start, open.end], 'this bracket is never closed')
      this.#at++
      if (!token.quoted && token.text === ')') break
      if (!token.quoted && token.text.toLowerCase() === 'or') runs.push([])
      else (runs[runs.length - 1] as Token[]).push(token)
    }
    this.#take(runs)
  }

  #price(): boolean {
    const found = this.#prices.at(this.#at)
    if (found === undefined) return false
    if (found.min !== undefined) this.#bound('min', found.min, found.currency)
    if (found.max !== undefined) this.#bound('max', found.max, found.currency)
    this.#at = found.next
    return true
  }

  #bound(bound: 'min' | 'max', value: number, currency: string | null): undefined {
    this.#bounds = { ...this.#bounds, [bound]: value, ...(currency === null ? {} : { currency }) }
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
    if (lower !== 'within' || !this.#isDistance(this.#at + 1)) return false
    this.#at++
    return true
  }

  /** `50km`, `50 km`, or `within` before one. */
  #isDistance(at: number): boolean {
    const word = this.#words[at] ?? ''
    if (word === 'within') return this.#isDistance(at + 1)
    return KM.test(word) || (/^\d{1,5}$/.test(word) && /^(?:km|mi|miles?)$/.test(this.#words[at + 1] ?? ''))
  }

  /** `near berlin`, `ở Hà Nội`, `в Москве`: words before a place, and the place as far as it goes. */
  #placed(): boolean {
    const found = this.#placeAt(this.#at)
    if (found === undefined) return false
    this.#place(found.name, 0)
    this.#at = found.next
    return true
  }

  #placeAt(at: number): { readonly name: string; readonly next: number } | undefined {
    const near = phraseAt(NEAR, this.#words, at)
    const inside = near > 0 ? 0 : phraseAt(IN, this.#words, at)
    if (near + inside === 0) return undefined
    const start = at + near + inside
    for (let n = 3; n >= 1; n--) {
      const tokens = this.#tokens.slice(start, start + n)
      const name = tokens.map((t) => t.text).join(' ')
      if (tokens.length < n || tokens.some((t) => t.minus || t.text.includes(':'))) continue
      const capitals = tokens.every((t) => /^\p{Lu}/u.test(t.text))
      if (this.#options.findPlace?.(name) !== undefined || capitals || tokens[0]?.quoted === true)
        return { name, next: start + n }
    }
    const single = near > 0 ? this.#tokens[start] : undefined
    return single === undefined || single.text.includes(':') ? undefined : { name: single.text, next: start + 1 }
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
