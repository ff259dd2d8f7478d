import type { Token } from '../text/model.ts'
import { kindAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { Amount } from './amount.ts'
import type { Tags } from './tags.ts'

/** What goods are measured out in; sizes and capacities are told in the same units. */
const MEASURED = new WordSet(
  (
    'kg kgs kilo kilos g gram grams lb lbs pound pounds oz ounces ton tons tonne tonnes yd yds yard yards metre metres meter meters m ' +
    'litre litres liter liters l ft feet acre acres gallon gallons ' +
    'kilogramo kilogramos gramos litros tonelada toneladas metros arrobas quintales quilo quilos ' +
    'кг кило килограмм килограммов литр литра литров л тонн тонны тонну т метров метра м куба кубов кубометров соток грамм ' +
    'ký kí ki cân lạng yến tạ tấn lít mét'
  ).split(' '),
)
/** Lengths name no thing by size where its cloth or wire follows without "of". */
const BY_LENGTH = new WordSet('yd yds yard yards skeins'.split(' '))
/** Behind these words so much of something is had, wanted or sold. */
const GETS = new WordSet(
  (
    'have has got need needs want wants sell selling buy buying after spare left take taking get another sold source about around extra ' +
    'vendo tengo busco compro necesito quiero quedan sobran ofrezco tenho procuro preciso quero sobrou sobraram restam temos tenemos ' +
    'продам продаю куплю ищу нужно нужны надо есть отдам меняю осталось осталось возьму имею лишние лишних ' +
    'bán cần mua tìm dư còn có tặng đổi thừa lấy pass nhượng chở lên'
  ).split(' '),
)
const OF = new WordSet(['of', 'de', 'do', 'da'])
const WE = new WordSet(['i', 'we', 'id', "i'd"])

/** "3 kg hạt điều", "40 metres of velvet", "need 20 lb": so much of a thing; "a washing machine, 9 kg" names its size. */
export function measuredOut(tokens: readonly Token[], tags: Tags, amount: Amount, buys: boolean): boolean {
  const unit = tokens[amount.at + 1]
  if (unit?.kind !== 'word' || !MEASURED.has(unit)) return false
  const next = tokens[amount.at + 2]
  if (OF.has(next) && kindAt(tokens, amount.at + 3) === 'word')
    return startsHere(tokens, amount.at) || gets(tokens, tags, amount.at)
  if (unit.glued && tokens[amount.at]?.glued !== true && tags.lang !== 'vi') return false
  const follows = next?.kind === 'word' && next.clause === unit.clause
  if (follows && WE.has(next)) return startsHere(tokens, amount.at)
  if (follows && BY_LENGTH.has(unit)) return true
  if (buys && tags.ends('p_max', amount.at)) return true
  if (!gets(tokens, tags, amount.at)) return false
  // Where adjectives stand before the thing "20 kg dumbbells" may be theirs; elsewhere the thing is behind its measure.
  return !follows || tags.lang !== 'en'
}

const gets = (tokens: readonly Token[], tags: Tags, at: number): boolean => {
  const before = tokens[tags.ends('p_approx', at) ? at - 2 : at - 1]
  return before?.kind === 'word' && GETS.has(before)
}

const startsHere = (tokens: readonly Token[], at: number): boolean =>
  tokenAt(tokens, at - 1) === undefined ||
  kindAt(tokens, at - 1) !== 'word' ||
  tokenAt(tokens, at - 1)?.clause !== tokens[at]?.clause
