import { stem, wordsOf } from '../match/terms.ts'
import { DEFAULT_VOCABULARY } from '../match/vocabulary.ts'

// Words of saved searches in the five languages. A phrase is a list of words; the longest one that stands at a place counts.

type Phrases = readonly (readonly string[])[]

const phrases = (text: string): Phrases =>
  text
    .split(',')
    .map((phrase) => phrase.trim().split(' '))
    .sort((a, b) => b.length - a.length)

/** Before a highest price. */
export const MOST = phrases(
  'under, below, max, maximum, at most, up to, upto, less than, for less than, cheaper than, cheaper, no more than, not more than, not over, within, ' +
    'dưới, giá dưới, tối đa, không quá, không hơn, rẻ hơn, duoi, toi da, ' +
    'hasta, máximo, maximo, como máximo, menos de, por menos de, a menos de, no más de, no mas de, por debajo de, ' +
    'до, дешевле, не дороже, не больше, не более, максимум, макс, меньше, в пределах, ' +
    'até, ate, abaixo de, no máximo, no maximo, não mais de, não mais que, por até',
)
/** Before a lowest price. */
export const LEAST = phrases(
  'over, above, min, minimum, at least, from, more than, starting at, ' +
    'từ, trên, ít nhất, tối thiểu, ' +
    'desde, más de, mas de, a partir de, mínimo, al menos, ' +
    'от, дороже, больше, не меньше, не дешевле, минимум, свыше, ' +
    'mais de, acima de, no mínimo, pelo menos',
)
/** Before the first of two prices. */
export const BETWEEN = phrases('between, from, từ, khoảng từ, giữa, entre, de, desde, от, между')
/** Between two prices. */
export const AND = phrases('and, to, -, –, đến, tới, và, y, a, hasta, и, до, e, até')
/** Before a price as such; it is the most that is paid. */
export const ABOUT = phrases('for, at, around, about, price, giá, khoảng, tầm, por, precio, за, цена, около, preço')
/** Behind a price. */
export const OR_LESS = phrases(
  'or less, or under, max, maximum, tops, trở xuống, đổ lại, o menos, máximo, или меньше, или дешевле, и меньше, максимум, ou menos, no máximo',
)
export const OR_MORE = phrases('or more, or above, and up, trở lên, o más, и выше, или больше, ou mais')

/** Before a place. */
export const NEAR = phrases(
  'near, close to, nearby, around, gần, cerca de, около, рядом с, возле, недалеко от, perto de, próximo a',
)
/** Before a place that must be known or written with a capital. */
export const IN = phrases('in, ở, tại, en, в, во, em')
/** Before a word that must not occur. */
export const WITHOUT = phrases('without, except, not, no, không có, không, sin, без, кроме, не, sem')

/** Words by which people say that they search, not what. */
const ASKING = new Set(
  wordsOf(
    'someone anyone somebody anybody who whoever search searching find tell notify alert when there something like good cheap have has got can could would hi hello ' +
      'alguien quien quiero quisiera necesito encontrar algun alguna barato tenga venda ' +
      'кто нибудь то хочу хотел найти нужен нужна нужно нужны есть недорого продает ' +
      'ai minh toi muon kiem tim re nguoi dang ' +
      'alguem quem quero queria preciso achar encontrar barato tem vendendo',
  ).map(stem),
)

/** Things whose names without marks are such words: desk, scale, dog, purple. */
const THINGS = new Set(['bàn', 'bản', 'cân', 'chó', 'tím', 'mùa', 'gà', 'tai', 'chợ'])

/** Says nothing about the thing itself. */
export function isFiller(word: string): boolean {
  if (THINGS.has(word.toLowerCase().normalize('NFC'))) return false
  const words = wordsOf(word)
  return words.length > 0 && words.every((w) => w.length < 30 && (ASKING.has(stem(w)) || DEFAULT_VOCABULARY.isStopWord(stem(w))))
}

/** Number of words of the longest phrase that stands at a place of `words`; 0 for none. */
export function phraseAt(list: Phrases, words: readonly string[], at: number): number {
  return list.find((phrase) => phrase.every((word, i) => words[at + i] === word))?.length ?? 0
}
