import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { spelledValue } from './count-words.ts'
import type { Tags } from './tags.ts'

// Counts that stand apart from the name of what they count: "ThinkPads? need five for our tills", "tires, 380 for the 4".

const THEM = new WordSet(['them', 'em', "'em", 'those', 'these', 'which', 'it', 'ellos', 'ellas', 'delas', 'deles'])
const OF = new WordSet(['of', 'de'])

const OURS = new WordSet(['our', 'my', 'the', 'these', 'those', 'mis', 'mi', 'los', 'las', 'meus', 'minhas'])
/** "4 of our calves". */
export const ofOurs = (tokens: readonly Token[], at: number): boolean =>
  OF.has(tokens[at]) && OURS.has(tokens[at + 1]) && kindAt(tokens, at + 2) === 'word'

const closes = (token: Token | undefined): boolean => token === undefined || token.kind !== 'word'

/** "40 of them", "heifers, 6 of, jersey": `at` is the token behind the number. */
export function ofThem(tokens: readonly Token[], at: number): boolean {
  if (!OF.has(tokens[at])) return false
  const next = tokens[at + 1]
  return (next?.kind === 'word' && THEM.has(next)) || (textAt(tokens, at) === 'of' && closes(next) && next?.kind !== 'number')
}

const ALL = new WordSet('the all los las os as все всех cả pelos pelas todos todas'.split(' '))
const FOR = new WordSet('for takes take gets por pelos pelas os as los las lleva за lấy hết trọn all todos todas'.split(' '))
const MOST_BUNDLED = 24
/** "380 for the 4", "takes all 6", "3000 за все 4": how many go together. */
export function bundled(tokens: readonly Token[], at: number, value: number): boolean {
  const [article, before] = [tokenAt(tokens, at - 1), tokenAt(tokens, at - 2)]
  if (value < 2 || value > MOST_BUNDLED || !closes(tokens[at + 1]) || !ALL.has(article)) return false
  return article?.text.startsWith('pel') === true || FOR.has(before) || (article?.text === 'cả' && before !== undefined)
}

/** What says that so many are there or wanted. Money is had too: who buys may say so of what they can pay. */
const OWN = new Set(
  "have i've ive got tenho temos tengo tenemos hay есть имею có còn dư son são sao are quedan restam осталось sobram sobraram".split(
    ' ',
  ),
)
const ASK = new Set(
  'need needs want take taking ocupo necesito quiero preciso quero pego levo llevo нужно надо возьму cần lấy tìm'.split(' '),
)
const GO_ON = new WordSet([
  'for',
  'from',
  'at',
  'in',
  'para',
  'pra',
  'de',
  'do',
  'da',
  'для',
  'из',
  'от',
  'left',
  'per',
  'if',
  'when',
  'or',
  'nếu',
  'если',
])
const MOST_SAID = 1000

/** "have 3", "tenho 5, R$ 90/un", "need five for our shop": counted behind the word for having or wanting; [at, end) is the number. */
export function hadOrWanted(
  tokens: readonly Token[],
  tags: Tags,
  at: number,
  end: number,
  value: number,
  buys: boolean,
): boolean {
  if (value < 2 || value > MOST_SAID || !Number.isInteger(value)) return false
  const i = tags.ends('p_approx', at) || SKIPPED.has(tokenAt(tokens, at - 1)) ? at - 2 : at - 1
  const word = textAt(tokens, i)
  // "mis vinilos, unos 80, a 3 € la pieza"
  if (i === at - 2 && kindAt(tokens, i) === 'op' && !buys && tags.hasConcrete(0, at)) return closes(tokens[end])
  if (!(OWN.has(word) && !buys) && !ASK.has(word)) return false
  const next = tokens[end]
  if (next?.kind === 'number' || isList(tokens, end) || (next?.kind === 'op' && GOES_ON.has(next))) return false
  if (next?.text === 'for' && ASK.has(word)) return true
  return closes(next) || (GO_ON.has(next) && tags.hasConcrete(0, at))
}
const GOES_ON = new WordSet(['/', '-', '%', '+', '–'])
/** "7, 19, 305": which ones, not how many. */
export const isList = (tokens: readonly Token[], end: number): boolean =>
  textAt(tokens, end) === ',' &&
  kindAt(tokens, end + 1) === 'number' &&
  kindAt(tokens, end + 2) !== 'word' &&
  textAt(tokens, end + 2) !== '€'
const SKIPPED = new WordSet([
  'até',
  'de',
  'hasta',
  'about',
  'around',
  'max',
  'unos',
  'unas',
  'uns',
  'umas',
  'около',
  'ещё',
  'tầm',
  'khoảng',
])

const AGE_OR_COUNT = new WordSet(['tenho', 'tengo'])
/** "gift cards 88 cada, tenho 5": people say their age so too, where no thing was named. */
export const hasSoMany = (tokens: readonly Token[], tags: Tags, at: number, priced: boolean): boolean =>
  AGE_OR_COUNT.has(tokenAt(tokens, at - 1)) &&
  closes(tokens[at + 1]) &&
  !isList(tokens, at + 1) &&
  (priced || tags.hasConcrete(0, at))

const PIECES = new WordSet('шт штук sht pcs pc pieces uds unidades unid ед cái chiếc'.split(' '))
const PRICED = new WordSet(['по', 'за', 'цена', 'from', 'от', 'por', 'a', 'giá', ':'])
/** "свитчи, 110 шт": pieces, not a price for each. */
export const inPieces = (tokens: readonly Token[], at: number, end: number): boolean =>
  PIECES.has(tokens[end]) && kindAt(tokens, at - 1) === 'op' && !PRICED.has(tokenAt(tokens, at - 1)) && closes(tokens[end + 1])

const UNITS_AHEAD = new WordSet(
  'штук штуки тюков мешков банок пачек коробок кубов кустов листов пар бутылок вёдер ведер голов томов ящиков мест билетов рулонов досок кирпичей'.split(
    ' ',
  ),
)
const MOST_AHEAD = 200
/** "сена тюков 30", "банки, штук сорок": Russian says about so many with the unit first. */
export function unitAhead(tokens: readonly Token[], at: number, value: number): boolean {
  const [word, before] = [tokenAt(tokens, at - 1), tokenAt(tokens, at - 2)]
  if (word === undefined || !UNITS_AHEAD.has(word) || value > MOST_AHEAD || word.clause !== tokens[at]?.clause) return false
  return before?.kind !== 'number' && spelledValue(before?.text ?? '') === undefined
}
