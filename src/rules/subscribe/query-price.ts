import { parseAmount } from '../match/amount.ts'
import type { Token } from './query-tokens.ts'
import { ABOUT, AND, BETWEEN, LEAST, MOST, OR_LESS, OR_MORE, phraseAt } from './query-words.ts'

/** Bounds some words of a search set, and the token after them. */
export interface PriceWords {
  readonly min?: number
  readonly max?: number
  readonly currency: string | null
  readonly next: number
}

interface AmountAt {
  readonly value: number
  readonly currency: string | null
  readonly next: number
}

/** Tokens one amount may take: `50 000 тыс руб`. */
const MAX_TOKENS = 4
const YEAR = /^(?:199\d|20[0-3]\d)$/

/** Words and tokens of a search with what is asked of them. */
export class PriceReader {
  readonly #tokens: readonly Token[]
  readonly #words: readonly string[]

  constructor(tokens: readonly Token[], words: readonly string[]) {
    this.#tokens = tokens
    this.#words = words
  }

  /** `under 800 eur`, `<900usd`, `500-800 eur`, `от 5 до 10 тыс`, `800 eur or less`, `800 eur` (a maximum). */
  at(at: number): PriceWords | undefined {
    const token = this.#tokens[at]
    if (token === undefined || token.quoted || token.minus) return undefined
    return this.#signed(token, at) ?? this.#between(at) ?? this.#joined(token, at) ?? this.#bounded(at) ?? this.#bare(at)
  }

  #signed(token: Token, at: number): PriceWords | undefined {
    const sign = /^([<>])=?(.*)$/.exec(token.text)
    if (sign === null) return undefined
    const own = sign[2] === '' ? this.#amount(at + 1, true) : this.#glued(sign[2] as string, at)
    if (own === undefined) return undefined
    const { value, currency, next } = own
    return sign[1] === '<' ? { max: value, currency, next } : { min: value, currency, next }
  }

  /** The rest of a token with the word after it: `900` + `eur`. */
  #glued(text: string, at: number): AmountAt | undefined {
    const after = this.#tokens[at + 1]
    const both = after === undefined || after.quoted ? undefined : parseAmount(`${text} ${after.text}`)
    if (both !== undefined && both.currency !== null) return { ...both, next: at + 2 }
    const own = parseAmount(text)
    return own === undefined ? undefined : { ...own, next: at + 1 }
  }

  #between(at: number): PriceWords | undefined {
    const opener = phraseAt(BETWEEN, this.#words, at)
    const low = this.#amount(at + opener, true)
    if (low === undefined) return undefined
    const link = phraseAt(AND, this.#words, low.next)
    const high = link === 0 ? undefined : this.#amount(low.next + link, true)
    if (high === undefined || (opener === 0 && high.currency === null)) return undefined
    return range(low, high)
  }

  /** `500-800 eur`, `1-1.5k eur` in one token. */
  #joined(token: Token, at: number): PriceWords | undefined {
    const parts = /^(?=[^-–]*\d)([^-–]*)[-–](?=[^-–]*\d)([^-–]*)$/.exec(token.text)
    if (parts === null) return undefined
    const low = parseAmount(parts[1] as string)
    const high = this.#glued(parts[2] as string, at)
    if (low === undefined || high === undefined || high.currency === null) return undefined
    return range({ ...low, next: at + 1 }, high)
  }

  #bounded(at: number): PriceWords | undefined {
    const most = phraseAt(MOST, this.#words, at)
    const least = phraseAt(LEAST, this.#words, at)
    const length = Math.max(most, least)
    const found = length === 0 ? undefined : this.#amount(at + length, true)
    if (found === undefined) return undefined
    const { value, currency, next } = found
    // A year is rather part of a name: `camry from 2018`.
    if (currency === null && YEAR.test(String(value))) return undefined
    return most >= least ? { max: value, currency, next } : { min: value, currency, next }
  }

  /** An amount with a currency of its own: `800 eur`, `$700`. A bare number is a word (`rtx 4090`). */
  #bare(at: number): PriceWords | undefined {
    const found = this.#amount(at + phraseAt(ABOUT, this.#words, at), false)
    if (found === undefined || found.currency === null) return undefined
    const { value, currency, next } = found
    const more = phraseAt(OR_MORE, this.#words, next)
    if (more > 0) return { min: value, currency, next: next + more }
    return { max: value, currency, next: next + phraseAt(OR_LESS, this.#words, next) }
  }

  /** The longest run of tokens that is one amount. `led`: a word before it says that a price follows. */
  #amount(at: number, led: boolean): AmountAt | undefined {
    let alone: AmountAt | undefined
    for (let n = Math.min(MAX_TOKENS, this.#tokens.length - at); n >= 1; n--) {
      const tokens = this.#tokens.slice(at, at + n)
      if (tokens.some((t) => t.quoted || t.minus)) continue
      // `iphone 13 500 eur` is no thirteen thousand.
      if (!led && n > 1 && /^\d+$/.test(tokens[1]?.text ?? '') && tokens[1]?.text !== '000') continue
      const amount = parseAmount(tokens.map((t) => t.text).join(' '))
      if (amount === undefined) continue
      if (amount.currency !== null) return { ...amount, next: at + n }
      alone ??= { ...amount, next: at + n }
    }
    return alone
  }
}

/** Currency and multiplier of the right side also hold on the left: `5 đến 8 triệu`. */
function range(low: AmountAt, high: AmountAt): PriceWords | undefined {
  const { currency, next } = high
  let min = low.value
  if (low.currency === null && min < 1_000) {
    const factor = [1e9, 1e6, 1e3].find((f) => high.value % f === 0 || high.value >= f)
    if (factor !== undefined && min * factor < high.value && min * 100 < high.value) min *= factor
  }
  if (min >= high.value || (low.currency !== null && currency !== null && low.currency !== currency)) return undefined
  return { min, max: high.value, currency: currency ?? low.currency, next }
}
