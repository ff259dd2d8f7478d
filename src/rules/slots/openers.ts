import type { Form } from '../text/model.ts'
import { CODES, NAMED, SHARED, WORDS } from './currency-names.ts'
import { NUMBER_OPENERS } from './number-words.ts'

/** What a word may begin, as bits kept with its form: most words begin neither a spelled number nor the name of a currency. */
export const OPENS = { number: 1, currency: 2, looked: 4 } as const

export function opens(form: Form): number {
  if (form.signs === 0) form.signs = look(form.text)
  return form.signs
}

const look = (text: string): number =>
  OPENS.looked |
  (NUMBER_OPENERS.has(text) ? OPENS.number : 0) |
  (CODES.has(text) || WORDS.has(text) || SHARED.has(text) || text === 'u' || NAMED.has(text) ? OPENS.currency : 0)
