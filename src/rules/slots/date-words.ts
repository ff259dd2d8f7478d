import type { Language } from '../model.ts'

/** What makes a day or an hour out of something a parser of dates found. Words in lower case. */
interface DateWords {
  /** Days that need nothing beside them. */
  readonly days: ReadonlySet<string>
  /** Months name a day with a number. */
  readonly months: ReadonlySet<string>
  /** Lengths of time, which are a term behind a leading word only: "in 3 days", not "3 days of work". */
  readonly leads: ReadonlySet<string>
  readonly units: ReadonlySet<string>
  /** Words right before a day in figures: "by 12/04", but not "3/5 games". */
  readonly before: ReadonlySet<string>
}

const set = (words: string): ReadonlySet<string> => new Set(words.split(' '))

const WORDS: Readonly<Record<Language, DateWords>> = {
  en: {
    days: set(
      'today tonight tonite tomorrow overmorrow tmr tmrw monday tuesday wednesday thursday friday saturday sunday ' +
        'mon tue tues wed thu thur thurs fri sat sun',
    ),
    months: set(
      'january february march april may june july august september october november december ' +
        'jan feb mar apr jun jul aug sep sept oct nov dec',
    ),
    leads: set('in within next this end'),
    units: set('hour hours hr hrs day days week weeks weekend month'),
    before: set('by before until till til on due deadline ends ending from since'),
  },
  es: {
    days: set('hoy mañana lunes martes miércoles miercoles jueves viernes sábado sabado domingo'),
    months: set(
      'enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre ene feb abr jun jul ago sep oct nov dic',
    ),
    leads: set('en dentro próximo próxima proximo proxima este esta'),
    units: set('hora horas día días dia dias semana semanas mes meses noche tarde finde'),
    before: set('el del día dia hasta antes para fecha'),
  },
  pt: {
    days: set('hoje amanhã amanha segunda terça terca quarta quinta sexta sábado sabado domingo'),
    months: set(
      'janeiro fevereiro março marco abril maio junho julho agosto setembro outubro novembro dezembro jan fev mar abr mai jun jul ago set out nov dez',
    ),
    leads: set('em dentro próximo próxima proximo proxima este esta nesta neste'),
    units: set('hora horas dia dias semana semanas mês mes meses noite tarde'),
    before: set('dia até ate em no para antes data'),
  },
  ru: {
    days: set(
      'сегодня завтра послезавтра понедельник понедельника понедельнику вторник вторника вторнику среда среду среды среде четверг четверга ' +
        'четвергу пятница пятницу пятницы пятнице суббота субботу субботы субботе воскресенье воскресенья воскресенью пн вт ср чт пт сб вс',
    ),
    months: set(
      'январь января январе февраль февраля феврале март марта марте апрель апреля апреле май мая мае июнь июня июне июль июля июле август ' +
        'августа августе сентябрь сентября сентябре октябрь октября октябре ноябрь ноября ноябре декабрь декабря декабре ' +
        'янв фев мар апр июн июл авг сен сент окт ноя дек',
    ),
    leads: set('через в эту этой этом следующую следующей следующем ближайшие'),
    units: set('час часа часов день дня дней неделю недели недель неделе месяц месяца месяцев месяце'),
    before: set('до к на с по числа дата'),
  },
  vi: {
    days: set(
      'hôm,nay ngày,mai ngày,mốt tối,nay chiều,nay sáng,nay trưa,nay đêm,nay sáng,mai trưa,mai chiều,mai tối,mai thứ,hai thứ,ba thứ,tư thứ,năm ' +
        'thứ,sáu thứ,bảy chủ,nhật tuần,này tuần,sau tháng,này tháng,sau',
    ),
    months: set('tháng'),
    leads: set('trong'),
    units: set('giờ ngày tuần tháng'),
    before: set('ngày trước hạn đến vào'),
  },
}

/** Words from a leading word to its length of time at most: "in about a couple of weeks". */
const LEAD_REACH = 5
const WORD = /\p{L}+/gu
/** An hour with its half of the day; "110 pm" is a price by the month. */
const HOUR = /(?<!\d)(?:1[0-2]|0?[1-9])(?:[:.][0-5]\d)?\s?[ap]\.?m(?!\p{L})/u
/** A day in figures. */
const FIGURES = /^\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{2,4})?$/u
const FIGURES_IN = /\d{1,2}[/.-]\d/u
/** Things that begin like a day: "sat nav", "segunda mão"; and mornings that are none of tomorrow: "por la mañana". */
const NO_DAY_AFTER =
  /^[\s-]*(?:nav|navs|dish|cream|hat|hats|glasses|lounger|loungers|shade|tan|bed|beds|visor|sail|mão|mao|via|opção|vez|classe)(?!\p{L})/u
const NO_DAY_BEFORE = /(?:\p{L}|(?:por|de|a|cada|toda)\s+la\s+)$/u
const LAST_WORD = /(?<!\p{L})(\p{L}+)[\s:]*$/u

const wordsOf = (text: string): string[] => text.match(WORD) ?? []

/** Single words, and in Vietnamese pairs of syllables, that days are told by. */
function namesDay({ days }: DateWords, words: readonly string[]): boolean {
  return words.some((word, i) => days.has(word) || (i > 0 && days.has(`${words[i - 1]},${word}`)))
}

/** Whether a text may name a day or an hour at all: the parsers are dear, and most texts name none. */
export function mayNameDate(text: string, lang: Language): boolean {
  const table = WORDS[lang]
  const lower = text.toLowerCase()
  const words = wordsOf(lower)
  const has = (list: ReadonlySet<string>): boolean => words.some((word) => list.has(word))
  if (namesDay(table, words) || has(table.months)) return true
  if (
    words.some((word, i) => table.units.has(word) && words.slice(Math.max(0, i - LEAD_REACH), i).some((w) => table.leads.has(w)))
  )
    return true
  return HOUR.test(lower) || (has(table.before) && FIGURES_IN.test(lower))
}

/** Whether what a parser found at `index` is a day or an hour, and no amount, length of work or part of a thing's name. */
export function isDate(found: string, text: string, index: number, lang: Language): boolean {
  const table = WORDS[lang]
  const lower = found.toLowerCase()
  const words = wordsOf(lower)
  const before = text.slice(Math.max(0, index - 30), index).toLowerCase()
  const after = text.slice(index + found.length, index + found.length + 30).toLowerCase()
  if (namesDay(table, words)) return !NO_DAY_AFTER.test(after) && !NO_DAY_BEFORE.test(before)
  if (/\d/u.test(lower) && words.some((word) => table.months.has(word))) return true
  if (table.leads.has(words[0] ?? '') && words.some((word) => table.units.has(word))) return true
  if (words.includes('weekend')) return /\bthe\s+$/u.test(before)
  if (HOUR.test(lower)) return true
  return FIGURES.test(lower.trim()) && table.before.has(LAST_WORD.exec(before)?.[1] ?? '')
}
