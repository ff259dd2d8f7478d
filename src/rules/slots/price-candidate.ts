import type { PriceUnit } from '../model.ts'
import type { Amount } from './amount.ts'

export type PriceRole = 'asking' | 'budget' | 'offer' | 'rate' | 'historic' | 'addon' | 'topup' | 'face' | 'coin_quantity'

export interface PriceCandidate {
  readonly amount: Amount
  readonly role: PriceRole
  /** 3 money by sign or multiplier, 2 price word, 1 alone in its clause, 0 trailing number. */
  readonly tier: 0 | 1 | 2 | 3
  readonly bound: 'min' | 'max' | 'both'
  readonly now: boolean
  readonly approx: boolean
  /** A price word stands before it: "asking 500". */
  readonly asked: boolean
  /** Said of what is usual or printed on it: the price where no other is named. */
  readonly soft: boolean
  readonly unit: PriceUnit
  /** Token index after unit and bound words. */
  readonly end: number
}

/** Whether an amount of the role may be the price. */
export const isPrice = (role: PriceRole): boolean => role === 'asking' || role === 'budget' || role === 'offer'

/** The same candidate in the shape all candidates have; as `shaped` of amounts. */
export const candidateOf = (c: PriceCandidate): PriceCandidate => ({
  amount: c.amount,
  role: c.role,
  tier: c.tier,
  bound: c.bound,
  now: c.now,
  approx: c.approx,
  asked: c.asked,
  soft: c.soft,
  unit: c.unit,
  end: c.end,
})
