import type { Form } from '../text/model.ts'
import { COUNT_WORDS, DOZENS, HALVES } from './count-lists.ts'
import { ADJECTIVES } from './currency-adjectives.ts'
import { CODES } from './currency-codes.ts'
import { BEFORE, NAMED, SHARED } from './currency-shared.ts'
import { LARGE_ONLY, WORDS } from './currency-words.ts'
import { MARK_ENDS } from './dollar-marks.ts'
import { MULTIPLIERS } from './multiplier-words.ts'
import { NUMBER_HEADS, NUMBER_WORDS } from './number-words.ts'
import { ONE_OPENERS } from './one-openers.ts'

/** What a word may begin or be, as bits kept with its form: most words are nothing of it. `before`: a currency in front of its amount; `count`: what counts things. */
export const OPENS = { number: 1, currency: 2, looked: 4, multiplier: 8, before: 16, count: 32 } as const

export function opens(form: Form): number {
  if (form.signs === 0) form.signs = look(form.text)
  return form.signs
}

const look = (text: string): number =>
  OPENS.looked |
  (NUMBER_HEADS.has(text) || ONE_OPENERS.has(text) ? OPENS.number : 0) |
  (CODES.has(text) ||
  WORDS.has(text) ||
  SHARED.has(text) ||
  LARGE_ONLY.has(text) ||
  text === 'u' ||
  NAMED.has(text) ||
  ADJECTIVES.has(text)
    ? OPENS.currency
    : 0) |
  (MULTIPLIERS.has(text) ? OPENS.multiplier : 0) |
  (CODES.has(text) || BEFORE.has(text) || MARK_ENDS.has(text) ? OPENS.before : 0) |
  (COUNT_WORDS.has(text) || DOZENS.has(text) || HALVES.has(text) || NUMBER_WORDS.has(text) ? OPENS.count : 0)
