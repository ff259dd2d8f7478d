import type { Token } from '../text/model.ts'
import { tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { PriceCandidate } from './price-candidate.ts'
import { candidateOf } from './price-candidate.ts'

const TAKES = new WordSet(['take', 'use', 'llevo', 'levo', 'tomo', 'возьму', 'заберу'])

/** "will take 12", "me llevo 20": of a buyer so many, not so much. */
export const takesSoMany = (tokens: readonly Token[], { amount, unit }: PriceCandidate): boolean =>
  amount.currency === undefined && !amount.multiplied && unit === 'item' && TAKES.has(tokenAt(tokens, amount.start - 1))

const HAVE = new WordSet(['tengo', 'tenemos', 'tenho', 'temos', 'have', 'имею', 'есть'])

/** "tengo 90 euros": what a buyer has is what there is to spend; "I have $80 cash" offers it. */
export function ownMoney(tokens: readonly Token[], c: PriceCandidate): PriceCandidate {
  const { amount, role, bound } = c
  if (amount.currency === undefined || amount.range || c.end > amount.end || role !== 'asking' || bound !== 'both') return c
  return HAVE.has(tokenAt(tokens, amount.start - 1)) ? candidateOf({ ...c, role: 'budget', bound: 'max' }) : c
}

const DEPOSITS = new WordSet(['deposit', 'pfand', 'fianza', 'depósito', 'deposito', 'señal', 'caução', 'залог', 'cọc'])
const REACH = 4

/** "jar deposit 1€, the starter costs nothing": what comes back is not the price of what is given away. */
export function held(tokens: readonly Token[], { amount }: PriceCandidate): boolean {
  for (let k = 1; k <= REACH; k++) {
    const token = tokenAt(tokens, amount.start - k)
    if (token?.kind !== 'word') break
    if (DEPOSITS.has(token)) return true
  }
  return DEPOSITS.has(tokens[amount.end])
}
