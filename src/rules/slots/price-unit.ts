import type { PriceUnit } from '../model.ts'
import type { Token } from '../text/model.ts'
import { WordSet } from '../text/word-set.ts'
import type { Tags } from './tags.ts'

const UNIT_CLASSES: readonly (readonly [string, PriceUnit])[] = [
  ['u_hour', 'hour'],
  ['u_day', 'day'],
  ['u_week', 'week'],
  ['u_month', 'month'],
  ['u_session', 'session'],
  ['u_lesson', 'lesson'],
  ['u_page', 'page'],
  ['u_word', 'word'],
  ['u_minute', 'minute'],
  ['u_km', 'km'],
  ['u_each', 'each'],
]
const PER = new WordSet([
  '/',
  'per',
  'por',
  'mỗi',
  'một',
  'в',
  'за',
  'a',
  'an',
  'la',
  'el',
  'the',
  'al',
  'ao',
  'à',
  '1',
  'cada',
  'o',
  'mot',
  'moi',
  'kada',
  'na',
  'every',
  'una',
  'um',
  'uma',
  'un',
])

/** P8. */
export function unitAt(tokens: readonly Token[], tags: Tags, at: number): { unit: PriceUnit; end: number } | undefined {
  const token = tokens[at]
  if (token === undefined) return undefined
  const each = tags.at('u_alone', at)
  if (each !== undefined) return { unit: 'each', end: each.end }
  const alone = tags.at('u_alone_hour', at) ?? undefined
  if (alone !== undefined) return { unit: 'hour', end: alone.end }
  const month = tags.at('u_alone_month', at)
  if (month !== undefined) return { unit: 'month', end: month.end }
  if (!PER.has(token)) return undefined
  const skip = token.text === '/' && PER.has(tokens[at + 1]) ? 2 : 1
  for (let k = skip; k <= skip + 1; k++) {
    for (const [name, unit] of UNIT_CLASSES) {
      const hit = tags.at(name, at + k)
      if (hit !== undefined) return { unit, end: hit.end }
    }
  }
  if (token.text !== '/' && token.text !== 'per' && token.text !== 'mỗi') return undefined
  const next = tokens[at + 1]
  if (next?.kind === 'word' && tags.at('goods', at + 1) !== undefined) return { unit: 'each', end: at + 2 }
  if (next?.kind === 'word' || next?.kind === 'number') return { unit: 'other', end: at + 2 }
  return undefined
}
