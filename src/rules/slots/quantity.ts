import type { Slots } from '../model.ts'
import type { Token } from '../text/model.ts'
import type { Amount } from './amount.ts'
import { needsSoMany } from './counted.ts'
import { NUMBER_WORDS } from './number-words.ts'
import type { PriceCandidate } from './price-candidates.ts'
import type { Tags } from './tags.ts'

type Quantity = NonNullable<Slots['quantity']>

const MAX_COUNT = 1_000_000
/** Words that count by themselves. */
const COUNT_WORDS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ...{ dozen: 12, docena: 12, dúzia: 12, дюжина: 12, дюжину: 12, десяток: 10, chục: 10, tá: 12 },
    ...{ pair: 2, par: 2, пара: 2, пару: 2, cặp: 2, đôi: 2, duo: 2, couple: 2, оба: 2, обе: 2, ambas: 2, ambos: 2 },
    ...{ двое: 2, двух: 2, трое: 3, трёх: 3, четверо: 4, пятеро: 5, trio: 3 },
  }),
)
/** Things are counted in words up to here. */
const MAX_SPELLED = 12

/** What a word counts: "two", "dozen"; one is no count. */
function countOf(word: string): number | undefined {
  const counted = COUNT_WORDS.get(word)
  if (counted !== undefined) return counted
  const value = NUMBER_WORDS.get(word)
  return value !== undefined && value >= 2 && value <= MAX_SPELLED ? value : undefined
}

/** "a pair of jeans" is one thing; "a pair of tickets" two. */
const PAIRED = new Set(
  (
    'jeans shoes boots headphones glasses sneakers trousers shorts sunglasses earbuds gloves socks skis trainers pants heels sandals ' +
    'slippers crocs loafers leggings tights scissors pliers binoculars goggles tweezers clippers cans buds airpods earphones earrings ' +
    'cufflinks scales joggers chinos overalls dungarees pyjamas pajamas crutches flippers fins rollerblades skates clogs flats wellies ' +
    'zapatillas zapatos botas gafas tenis pantalones guantes calcetines auriculares óculos sapatos calças luvas meias fones ' +
    'кроссовок кроссовки ботинок ботинки туфель туфли сапог сапоги очков брюк джинсов джинсы перчаток носков наушников лыж коньков кед кеды ' +
    'giày dép tất vớ bông'
  ).split(' '),
)
const PAIRS = new Set(['pair', 'par', 'пара', 'пару', 'đôi', 'couple'])
const SETS = new Set(
  (
    'set sets lot lots pack packs stack bundle box boxes bag bags collection batch crate case pile load job bulk haul ' +
    'lote juego caja cajas bolsa colección conjunto kit combo coleção caixa sacola pacote fardo jogo ' +
    'комплект набор коллекция коллекцию партия партию упаковка коробка пачка lô bộ cụm gói thùng'
  ).split(' '),
)
const OF = new Set(['of', 'de', 'из', 'с', 'em', 'com', 'con'])
/** Words after which a number counts what follows: "need 3 floor seats", "còn 2 …", "нужно 5 …". */
const LEADS = new Set(
  (
    'theres got have has need needs needed want wants sell selling buy buying after seeking iso lf wtb wts fs spare extra pulled these all my our ' +
    'swap trade trading swapping exchange giving offering offer take get grab left about around roughly some your mine yours for another ' +
    'vendo tengo busco compro necesito cambio permuto regalo quiero mis unos unas sobran tenemos vendemos buscamos los las por doy quedan sobraram ' +
    'tenho procuro preciso troco doo passo quero meus minhas uns umas sobrando sobrou desapego temos vendem quedan restam os as dou ' +
    'продам продаю куплю ищу нужно нужны есть отдам меняю осталось остались возьму имею около примерно мои ещё нужен требуется требуются ' +
    'bán cần mua tìm dư còn có tặng đổi pass nhượng thừa muốn lấy kiếm tuyển thuê khoảng tầm để'
  ).split(' '),
)
/** What stands behind a number that counts nothing: "looking 4 a desk", "2 in 1", "4 or 5". */
const NOT_COUNTED = new Set(
  (
    'a an my your ur the in on or and to at for by of from per each left_over off if is it so as with e y o u ou no na em en de con com por ' +
    'и или в на за по с к у до ở tại và hoặc cho với còn weeks times bedroom bedrooms bed beds bath person people seater drawer door ' +
    'story storey gen generation star stars speed way piece'
  ).split(' '),
)
const TIMES_OF = new Set(['week', 'weekly', 'per', 'a', 'daily', 'month', 'por', 'no', 'sem', 'na', 'nas', 'sin'])
const INSTALMENT = new Set(['em', 'en', 'ou', 'o', 'até', 'a', 'used', 'usado', 'usada', 'worn', 'hasta'])
const REACH = 9
/** Many things are counted right before their name only. */
const MAX_NAMED = 100_000
/** Things called by a number of more digits: "5600x". */
const MAX_TIMES = 1000

/** Counted things: `x3`, `3x`, `(14)`, a number or number word before the object, "set of 4", "need 3 …". */
export function readQuantity(
  tokens: readonly Token[],
  tags: Tags,
  amounts: readonly Amount[],
  objectStart: number,
  objectEnd: number,
  prices: readonly PriceCandidate[] = [],
): Quantity | null {
  for (const amount of amounts) {
    const value = Number((tokens[amount.at] as Token).text.replaceAll(',', ''))
    if (!Number.isFinite(value) || value <= 0 || value > MAX_COUNT) continue
    if (amount.role === 'quantity') {
      if (isTimes(tokens, amount, value)) return { value, unit: null }
      continue
    }
    if (amount.role !== 'amount' || amount.currency !== undefined || amount.range || amount.multiplied || amount.fractional)
      continue
    if (goesWith(tokens, tags, amount.at) || joinedTo(tokens, amount.end)) continue
    if (timesWord(tokens[amount.end]) && tokens[amount.end + 1]?.kind === 'word') return { value, unit: null }
    const price = prices.find((c) => c.amount === amount)
    if (price !== undefined && price.tier >= 2) continue
    const [before, next] = [tokens[amount.at - 1], tokens[amount.end]]
    if (OF.has(before?.text ?? '') && SETS.has(tokens[amount.at - 2]?.text ?? '')) return { value, unit: null }
    if (before?.kind === 'word' && (NUMBERED.has(before.text) || namedByNumber(tokens, amount.at))) continue
    if (tags.at('quantity_after', amount.end) !== undefined) return { value, unit: null }
    if (before?.text === '(' && next?.text === ')' && value < 1000 && !isSize(tokens, amount.at - 1, value))
      return { value, unit: null }
    if (value <= MAX_NAMED && tags.at('goods', amount.end) !== undefined && amount.at === objectStart)
      return { value, unit: null }
    if (value > 1000 || !Number.isInteger(value) || (next?.kind === 'word' && NOT_COUNTED.has(next.text))) continue
    const near = amount.at >= objectStart - 3 && amount.at <= objectEnd
    if (near && countsGoods(tokens, tags, amount.end)) return { value, unit: null }
    if (attached(tokens, tags, amount.at)) continue
    if (before?.kind === 'word' && namesThing(tags, amount.end)) return { value, unit: null }
    if (amount.at === objectStart && plainNext(tokens, tags, amount.end)) return { value, unit: null }
    if (leads(tokens, tags, amount.at) && plainNext(tokens, tags, amount.end)) return { value, unit: null }
    if (needsSoMany(tokens, tags, amount.at, value)) return { value, unit: null }
    if (price === undefined && SETS.has(before?.text ?? '') && tags.lang !== 'en' && closes(next)) return { value, unit: null }
  }
  return spelled(tokens, tags, objectStart, objectEnd)
}

/** "thứ 7", "size 4", "quận 2": the word before is called by its number. */
const NUMBERED = new Set(
  'thứ số tầng lầu size talla talle tamanho tam размер этаж gen floor level lvl grade class lớp tháng mùng no. version v page year'.split(
    ' ',
  ),
)

const timesWord = (token: Token | undefined): boolean => token?.text === 'x' || token?.text === '×'

/** "with 2 controllers"; in Vietnamese "có 2 vé" at the beginning is "I have". */
const goesWith = (tokens: readonly Token[], tags: Tags, at: number): boolean =>
  tags.ends('with_word', at) && !(at <= 3 && tokens[at - 1]?.text === 'có')

/** "Bosch PSR 18", "Caloi 10": the number belongs to the name before it. */
function namedByNumber(tokens: readonly Token[], at: number): boolean {
  const [before, earlier] = [tokens[at - 1] as Token, tokens[at - 2]]
  return before.caps > 0 && !LEADS.has(before.text) && earlier?.kind === 'word' && earlier.sentence === before.sentence
}

const closes = (token: Token | undefined): boolean => token === undefined || token.kind !== 'word'

/** Shoes and rims are told by such numbers in parentheses. */
const isSize = (tokens: readonly Token[], open: number, value: number): boolean =>
  value >= 34 && value <= 48 && !SETS.has(tokens[open - 1]?.text ?? '')

/** `3x`, `x3`; not "2x16GB", the make-up of a kit, "12x no cartão", "5600x" and "2x week". */
function isTimes(tokens: readonly Token[], amount: Amount, value: number): boolean {
  if (value >= MAX_TIMES) return false
  const next = tokens[amount.at + 1]
  if (next?.text !== 'x') return true
  const after = tokens[amount.at + 2]
  if (after?.kind === 'number' && (after.glued || tokens[amount.at + 3]?.glued !== true)) return false
  if (TIMES_OF.has(after?.text ?? '')) return false
  return !INSTALMENT.has(tokens[amount.at - 1]?.text ?? '')
}

/** "2-room flat", "two-plate hob": a hyphen makes one word of both. */
function joinedTo(tokens: readonly Token[], end: number): boolean {
  const [last, next] = [tokens[end - 1], tokens[end]]
  return last !== undefined && next?.kind === 'word' && next.glued && next.start - last.end === 1
}

/** "kayak, with paddles and two vests": what goes with the thing is no count of it. */
function attached(tokens: readonly Token[], tags: Tags, at: number): boolean {
  const sentence = tokens[at]?.sentence
  for (let i = at - 1; i > 0 && i > at - REACH; i--) {
    if (tokens[i]?.sentence !== sentence) return false
    if (WITH.has(tokens[i]?.text ?? '') || (tokens[i]?.text === '+' && tags.ends('goods', i))) return true
  }
  return false
}
const WITH = new Set('with w includes including incl inc kèm com con con. acompanha inclui incluye incluyendo trae с'.split(' '))

/** A verb of having, wanting or selling stands before the number, or the number opens what a colon announced. */
function leads(tokens: readonly Token[], tags: Tags, at: number): boolean {
  let i = at - 1
  if (tags.ends('p_approx', at)) i--
  const before = tokens[i]
  if (before === undefined) return true
  if (before.text === ':' || before.text === ']' || before.text === '>') return true
  return before.kind === 'word' && LEADS.has(before.text)
}

function spelled(tokens: readonly Token[], tags: Tags, from: number, to: number): Quantity | null {
  for (let i = 0; i < Math.min(to + 1, tokens.length); i++) {
    const token = tokens[i] as Token
    const value = token.kind === 'word' ? countOf(token.text) : undefined
    if (value === undefined || goesWith(tokens, tags, i) || joinedTo(tokens, i + 1)) continue
    const at = OF.has(tokens[i + 1]?.text ?? '') ? i + 2 : i + 1
    if (
      PAIRS.has(token.text) &&
      (PAIRED.has(tokens[at]?.text ?? '') || PAIRED.has(tokens[at + 1]?.text ?? '') || isWorn(tags, at))
    )
      continue
    if (NOT_COUNTED.has(tokens[at]?.text ?? '') || attached(tokens, tags, i)) continue
    const near = i >= from - 3
    if (near ? countsGoods(tokens, tags, at) : namesThing(tags, at)) return { value, unit: null }
    if (value >= 10 && COUNT_WORDS.has(token.text) && plainNext(tokens, tags, at)) return { value, unit: null }
    if ((i === 0 || leads(tokens, tags, i)) && COUNT_WORDS.get(token.text) !== 2 && plainNext(tokens, tags, at))
      return { value, unit: null }
    if (PAIRS.has(token.text) && at === i + 2 && plainNext(tokens, tags, at)) return { value, unit: null }
  }
  return null
}

/** Shoes and clothes come in pairs. */
const isWorn = (tags: Tags, at: number): boolean =>
  tags.startingAt(at).some((h) => (h.name === 'brand' || h.name === 'goods') && h.value === 'fashion') ||
  tags.startingAt(at + 1).some((h) => (h.name === 'brand' || h.name === 'goods') && h.value === 'fashion')

const namesThing = (tags: Tags, at: number): boolean =>
  tags.at('goods', at) !== undefined || tags.at('brand', at) !== undefined || tags.at('service_noun', at) !== undefined

/** A thing begins here or behind at most two describing words. */
function countsGoods(tokens: readonly Token[], tags: Tags, at: number): boolean {
  for (let i = at; i < at + 3; i++) {
    const token = tokens[i]
    if (token?.kind !== 'word' || token.clause !== tokens[at - 1]?.clause) return false
    if (tags.at('unit_measure', i) !== undefined || tags.at('unit_time', i) !== undefined) return false
    if (i > at && NOT_COUNTED.has(token.text)) return false
    if (tags.at('goods', i) !== undefined || (i === at && tags.at('brand', i) !== undefined)) return true
  }
  return false
}

function plainNext(tokens: readonly Token[], tags: Tags, at: number): boolean {
  if (tags.at('model', at) !== undefined && tokens[at]?.clause === tokens[at - 1]?.clause) return true
  if (tokens[at]?.kind !== 'word' || tags.at('unit_measure', at) !== undefined || tags.at('unit_time', at) !== undefined)
    return false
  return tokens[at]?.clause === tokens[at - 1]?.clause
}
