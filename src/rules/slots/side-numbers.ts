import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { NumberRole } from './amount.ts'
import { currencyAfter } from './currency.ts'
import { NUMBER_WORDS } from './number-words.ts'
import { OPENS, opens } from './openers.ts'
import type { Tags } from './tags.ts'

/** Numbers that the words at their side make something else than money; `at`: the token behind the number. */
export function sideNumber(tokens: readonly Token[], i: number, at: number, tags: Tags): NumberRole | undefined {
  if (inOne(tokens, i, at)) return 'ratio'
  if (ordinalSign(tokens, at)) return 'ordinal'
  if (processor(tokens, i)) return 'model'
  if (twice(tokens, i, at)) return 'model'
  if (mileage(tokens, i, at, tags)) return 'measure'
  if (agedPerson(tokens, i, at)) return 'id'
  if (colourCode(tokens, i, at, tags)) return 'id'
  if (serviced(tokens, i, at)) return 'measure'
  if (tags.lang === 'en') return undefined
  if (HOURS.has(tokenAt(tokens, i - 1)) && Number(tokens[i]?.text) <= LAST_HOUR) return 'time'
  if (tags.lang === 'vi') return beforeYear(tokens, i, at, tags) ? 'year' : undefined
  return tags.lang === 'ru' ? countedBehind(tokens, i, at, tags) : undefined
}

/** "7.º ano", "2.ª mão" */
const ordinalSign = (tokens: readonly Token[], at: number): boolean =>
  textAt(tokens, at) === '.' && tokens[at]?.glued === true && tokens[at + 1]?.glued === true && ORDINAL_SIGNS.has(tokens[at + 1])
const ORDINAL_SIGNS = new WordSet(['º', 'ª', '°', 'o', 'a'])

const FAMILIES = new WordSet(['ryzen', 'core'])
const MODEL_DIGITS = 4
/** "Ryzen 5 7600": the second number is the model's. */
const processor = (tokens: readonly Token[], i: number): boolean =>
  kindAt(tokens, i - 1) === 'number' && tokens[i]?.text.length === MODEL_DIGITS && FAMILIES.has(tokenAt(tokens, i - 2))

const MILEAGE = new Set('пробег пробегом mileage odometer odo kilometraje quilometragem shot shots shutter'.split(' '))
const MORE = new Set(['hơn', 'около', ':', 'of', 'de', 'примерно', 'count', 'tầm'])
/** "пробег 187 тыс", "shot hơn 8k": how far or how often, unless money is named. */
function mileage(tokens: readonly Token[], i: number, at: number, tags: Tags): boolean {
  const before = textAt(tokens, i - 1)
  if (!MILEAGE.has(before) && !(MORE.has(before) && MILEAGE.has(textAt(tokens, i - 2)))) return false
  return currencyAfter(tokens, at, tags.lang) === undefined && currencyAfter(tokens, at + 1, tags.lang) === undefined
}

const AT = new WordSet(['at', 'a', 'aos', 'los', 'на', 'ở'])
const DONE = new Set(
  (
    'done replaced changed serviced rebuilt swapped died blew overhauled renewed cambiada cambiado cambiadas cambiados hecha hecho ' +
    'trocada trocado trocadas trocados feita feito revisado revisada замена меняли поменяли менял поменял заменили сделан thay'
  ).split(' '),
)
/** "head gaskets done at 140k", "correa cambiada a los 90k": how far it had gone when somebody worked on it. */
function serviced(tokens: readonly Token[], i: number, at: number): boolean {
  const before = tokenAt(tokens, i - 1)
  if (before?.kind !== 'word' || !AT.has(before)) return false
  const verb = textAt(tokens, i - 2)
  if (!DONE.has(verb) && !(verb === 'a' && DONE.has(textAt(tokens, i - 3)))) return false
  const number = tokens[i] as Token
  const next = tokens[at]
  return number.text.length >= LEAST_DRIVEN || THOUSANDS.has(next)
}
const LEAST_DRIVEN = 5
const THOUSANDS = new WordSet(['k', 'к', 'mil', 'тыс', 'тысяч', 'vạn'])

const HOURS = new WordSet(['las', 'às'])
const LAST_HOUR = 24

/** "bản trước 75", "Q.12": a year, a district. */
const beforeYear = (tokens: readonly Token[], i: number, at: number, tags: Tags): boolean => {
  const [before, earlier] = [tokenAt(tokens, i - 1)?.text, tokenAt(tokens, i - 2)?.text]
  if ((tokens[i]?.text.length ?? 0) > 2) return false
  if (before === '.' && earlier === 'q') return true
  if (before !== 'trước' || earlier === 'trả' || kindAt(tokens, at) === 'word') return false
  return currencyAfter(tokens, at, tags.lang) === undefined
}

const IN = new WordSet(['in', 'en', 'em', 'в', 'trong'])
/** "2 в 1", "3 in 1": what a thing is besides. */
function inOne(tokens: readonly Token[], i: number, at: number): boolean {
  const text = textAt(tokens, i)
  if (text.length !== 1) return false
  const next = tokens[at]
  if (IN.has(next) && textAt(tokens, at + 1) === '1') return true
  return (
    text === '1' &&
    IN.has(tokenAt(tokens, i - 1)) &&
    kindAt(tokens, i - 2) === 'number' &&
    tokenAt(tokens, i - 2)?.text.length === 1
  )
}

/** "McCulloch 10-10": no range, so a name; "4-4tr5" and "1-1 triệu 5" are one. */
function twice(tokens: readonly Token[], i: number, at: number): boolean {
  const [own, next, before] = [tokens[i], tokens[at], tokenAt(tokens, i - 1)]
  if (next?.text === '-' && next.glued && tokens[at + 1]?.glued)
    return tokens[at + 1]?.text === own?.text && plain(tokens[at + 2])
  return before?.text === '-' && before.glued && own?.glued === true && tokenAt(tokens, i - 2)?.text === own.text && plain(next)
}
const plain = (token: Token | undefined): boolean =>
  token?.kind !== 'word' || (!token.glued && (opens(token.form) & (OPENS.multiplier | OPENS.currency)) === 0)

const PERSONS = new WordSet(
  (
    'son daughter mum mom mother dad father nan gran grandma grandpa granny grandad husband wife brother sister kid boy girl kids ' +
    'nephew niece toddler child uncle aunt auntie grandson granddaughter ' +
    'hijo hija madre padre mamá mama papá papa abuela abuelo hermano hermana sobrino sobrina niño niña nieto nieta niños niñas ' +
    'filho filha mãe mae pai avó avô irmão irmã sobrinho sobrinha menino menina neto neta crianças filhos ' +
    'сын сыну сына дочь дочка дочке дочери дочку мама маме маму мать папа папе бабушка бабушке бабушку дед дедушка дедушке брат ' +
    'брату сестра сестре внук внуку внучка внучке ребенок ребёнок ребенку ребёнку муж жена ' +
    'trai gái mẹ bố bà ông cháu bé'
  ).split(' '),
)
const TO_WHOM = new WordSet(
  'ребёнку ребенку сыну дочке дочери маме папе бабушке дедушке внуку внучке мальчику девочке'.split(' '),
)
const AGE_ENDS = new WordSet([')', ',', '!', 'and', '&', 'y', 'e', 'и', 'và', '-', '/'])
const OLDEST = 110
/** "my son (15)", "моя мама (82, бодрая)": how old somebody is. */
function agedPerson(tokens: readonly Token[], i: number, at: number): boolean {
  const next = tokens[at]
  // "ребёнку 11, Тула": behind somebody to whom something is done no price stands.
  if (TO_WHOM.has(tokenAt(tokens, i - 1)))
    return Number(tokens[i]?.text) <= OLDEST && (next === undefined || next.kind !== 'word' || next.clause !== tokens[i]?.clause)
  if (textAt(tokens, i - 1) !== '(' || !PERSONS.has(tokenAt(tokens, i - 2))) return false
  return Number(tokens[i]?.text) <= OLDEST && (next === undefined || AGE_ENDS.has(next))
}

const COLOURS = new WordSet(['color', 'colour', 'cor', 'цвет', 'цвета', 'màu', 'shade', 'оттенок'])
const ANY = new WordSet(['any', 'each', 'every', 'per', 'one', 'cualquier', 'qualquer', 'cada', 'любой', 'любого', 'mỗi'])
/** "цвет 276", "colour 040": which paint; "any colour 150" is a price. */
function colourCode(tokens: readonly Token[], i: number, at: number, tags: Tags): boolean {
  if (!COLOURS.has(tokenAt(tokens, i - 1)) || ANY.has(tokenAt(tokens, i - 2))) return false
  return (tokens[i]?.text.length ?? 0) === CODE_DIGITS && currencyAfter(tokens, at, tags.lang) === undefined
}
const CODE_DIGITS = 3

const PIECES = new Set(['штук', 'штуки', 'человек', 'пар', 'коробок', 'мешков'])
const MEASURES = new Set('часа часов дней дня суток недель недели месяцев месяца лет минут метров литров кило'.split(' '))
const MOST = 100
/** "часа 4 в день", "штук 5": said of about so many, the unit stands before the number. */
function countedBehind(tokens: readonly Token[], i: number, at: number, tags: Tags): NumberRole | undefined {
  const word = textAt(tokens, i - 1)
  const role = PIECES.has(word) ? 'quantity' : MEASURES.has(word) ? 'measure' : undefined
  if (role === undefined || Number(tokens[i]?.text) > MOST) return undefined
  const before = tokenAt(tokens, i - 2)
  if (before?.kind === 'number' || NUMBER_WORDS.has(before?.text ?? '')) return undefined
  return currencyAfter(tokens, at, tags.lang) === undefined ? role : undefined
}
