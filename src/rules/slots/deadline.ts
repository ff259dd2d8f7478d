import * as en from 'chrono-node/en'
import * as es from 'chrono-node/es'
import * as pt from 'chrono-node/pt'
import * as ru from 'chrono-node/ru'
import * as vi from 'chrono-node/vi'
import { SLOT } from '../lexicon/slot-words.ts'
import type { Language, Slots } from '../model.ts'
import type { Token } from '../text/model.ts'
import { offsetMinutes } from '../text/zone.ts'
import { isDate, mayNameDate } from './date-words.ts'
import { textOf } from './details.ts'
import type { Tags } from './tags.ts'

type Deadline = NonNullable<Slots['deadline']>

const PARSERS = { en: en.casual, es: es.casual, pt: pt.casual, ru: ru.casual, vi: vi.casual } as const
const DAY = 86_400_000
/** Words of a deadline lie within half a year; later dates are dates of something else. */
const HORIZON = 183 * DAY
const URGENT_WITHIN = DAY
const SOON_WITHIN = 7 * DAY
/** Longer texts name their term near the cue. */
const MAX_READ = 600

/** Words of hurry and dates. `sentAt` ms UTC; without it words stay words. */
export function readDeadline(
  clean: string,
  tokens: readonly Token[],
  tags: Tags,
  sentAt: number | undefined,
  zone: string | undefined,
): Deadline | null {
  if (sentAt === undefined && !tags.speaksOf(SLOT.term)) return null
  const urgent = tags.any('urgent')
  const soon = urgent ?? tags.any('soon')
  const dated = sentAt === undefined ? undefined : dateIn(clean, tags.lang, sentAt, zone)
  if (dated !== undefined && sentAt !== undefined) {
    const left = dated.at - sentAt
    const urgency = urgent !== undefined || left <= URGENT_WITHIN ? 'urgent' : left <= SOON_WITHIN ? 'soon' : 'none'
    return { at: dated.at, text: dated.text, urgency }
  }
  if (soon === undefined) return null
  return { at: null, text: textOf(tokens, soon.start, soon.end), urgency: urgent === undefined ? 'soon' : 'urgent' }
}

/** The first day or hour to come that the text names. */
function dateIn(
  clean: string,
  lang: Language | 'und',
  sentAt: number,
  zone: string | undefined,
): { readonly at: number; readonly text: string } | undefined {
  const spoken = lang === 'und' ? 'en' : lang
  const text = clean.slice(0, MAX_READ)
  if (!mayNameDate(text, spoken)) return undefined
  const parser = PARSERS[spoken]
  const reference = { instant: new Date(sentAt), timezone: offsetMinutes(sentAt, zone ?? 'UTC') }
  for (const found of parser.parse(text, reference, { forwardDate: true })) {
    const last = found.end ?? found.start
    if (!last.isCertain('day') && !last.isCertain('weekday') && !last.isCertain('hour')) continue
    // Parsers of dates read hours into ranges of prices and lengths.
    if (!isDate(found.text, text, found.index, spoken)) continue
    const at = last.date().getTime()
    if (at >= sentAt && at - sentAt <= HORIZON) return { at, text: found.text.slice(0, 60) }
  }
  return undefined
}
