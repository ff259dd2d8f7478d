import type { CurrencyHit } from './currency.ts'

/** Why a number is no amount of money. */
export type NumberRole =
  | 'amount'
  | 'model'
  | 'quantity'
  | 'measure'
  | 'percent'
  | 'time'
  | 'ratio'
  | 'ordinal'
  | 'id'
  | 'phone'
  | 'year'

/** A number with everything that touches it; token range [start, end). */
export interface Amount {
  readonly start: number
  /** Index of the (first) number token. */
  readonly at: number
  readonly end: number
  readonly role: NumberRole
  readonly min: string
  readonly max: string
  readonly range: boolean
  readonly currency: CurrencyHit | undefined
  /** Multiplier of money or language written: k, тыс, tr. */
  readonly multiplied: boolean
  /** Currency that follows from the multiplier (C4). */
  readonly implied: string | undefined
  readonly approx: boolean
  readonly words: boolean
  /** "45k+": so much or more. */
  readonly plus: boolean
  /** Written with fraction digits. */
  readonly fractional: boolean
}

/** The same amount in the shape all amounts have: a spread makes objects of ever new shapes, which are slow to read. */
export const shaped = (a: Amount): Amount => ({
  start: a.start,
  at: a.at,
  end: a.end,
  role: a.role,
  min: a.min,
  max: a.max,
  range: a.range,
  currency: a.currency,
  multiplied: a.multiplied,
  implied: a.implied,
  approx: a.approx,
  words: a.words,
  plus: a.plus,
  fractional: a.fractional,
})
