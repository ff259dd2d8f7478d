import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { type CurrencyHit, currencyAfter, currencyBefore } from './currency.ts'
import { decimal } from './decimal.ts'
import { HUNDREDTHS, MILLION_WORDS, THOUSAND_WORDS, VI_MILLION, VI_THOUSAND } from './multiplier-words.ts'
import { OPENS, opens } from './openers.ts'
import type { Tags } from './tags.ts'

/** A word of size after a number: value × 10^shift. */
export interface Multiplier {
  readonly shift: number
  readonly implied?: string
  readonly end: number
  readonly tail: boolean
}

/** Words that follow a price, never a count: "1 tỷ 2 còn thương lượng". */
const BEHIND_TAIL = new WordSet(
  'yên xinh đẹp gồm cả đã về rước cho nè nhá còn có bớt thương tl bao ib lh inbox liên fix chốt nhé nha ạ ship freeship thôi ai giao xem bank tặng kèm không'.split(
    ' ',
  ),
)
/** "goc 850k de lai 700k": typed without its marks too little may tell the language. */
const PLAIN_VI = new WordSet(['goc', 'lai', 'gia', 'duoi', 'khoang'])
/** "2 tỷ 350 mét" has an area behind its price. */
const AREAS = new WordSet('m m2 mét mét2 met ha sào nền lô căn phòng thước km cây suất'.split(' '))
const HALF = new WordSet(['rưỡi', 'ruoi', 'rưởi'])

/** N6: multiplier word at token `at`, right after a number of about `value`. */
export function multiplierAt(
  tokens: readonly Token[],
  at: number,
  tags: Tags,
  value: number,
  before?: CurrencyHit,
): Multiplier | undefined {
  const token = tokens[at]
  if (token === undefined || (token.kind !== 'word' && token.text !== '¢') || (opens(token.form) & OPENS.multiplier) === 0)
    return undefined
  const { text, glued } = token
  const gap = token.start - (tokens[at - 1] as Token).end
  if (gap > 1) return undefined
  const lang = tags.langAt(at)
  const vi = lang === 'vi' || (lang === 'und' && PLAIN_VI.has(tokenAt(tokens, at - 2)))
  const ru = lang === 'ru'
  if (text === 'k' && before === undefined && vi && (value === 4 || value === 2) && VIDEO.has(tokenAt(tokens, at - 2)))
    return undefined
  if (text === 'k' && !vi && before === undefined && (isResolution(tokens, at, value) || (token.caps === 2 && value >= MIN_CHIP)))
    return undefined
  // "giá 26k3": the digit behind counts hundreds.
  if (text === 'k' && glued && vi && oneMoreDigit(tokens, at)) return { shift: 3, implied: 'VND', end: at + 1, tail: true }
  if (text === 'k' && glued) {
    if (tokens[at + 1]?.glued && kindAt(tokens, at + 1) === 'number' && !thousandsTo(tokens, at))
      return hundredsBehind(tokens, at, tags, before) ? { shift: 3, end: at + 1, tail: true } : undefined
    return vi
      ? { shift: 3, implied: 'VND', end: at + 1, tail: false }
      : ru
        ? { shift: 3, implied: 'RUB', end: at + 1, tail: false }
        : { shift: 3, end: at + 1, tail: false }
  }
  if (text === 'k' && !glued && value < 1000 && !(kindAt(tokens, at + 1) === 'word' && tokens[at + 1]?.glued)) {
    return vi ? { shift: 3, implied: 'VND', end: at + 1, tail: false } : { shift: 3, end: at + 1, tail: false }
  }
  // "1к квартиру", "2к кв": rooms.
  if (text === 'к' && value <= MAX_ROOMS && tokens[at + 1]?.text.startsWith('кв') === true) return undefined
  if (text === 'к' && glued) return { shift: 3, implied: 'RUB', end: at + 1, tail: false }
  if (text === 'кк' && glued) return { shift: 6, implied: 'RUB', end: at + 1, tail: false }
  if (text === 'т' && textAt(tokens, at + 1) === '.' && textAt(tokens, at + 2) === 'р')
    return { shift: 3, implied: 'RUB', end: at + (textAt(tokens, at + 3) === '.' ? 4 : 3), tail: false }
  if (text === 'т.р' || text === 'т.р.' || text === 'тр')
    return { shift: 3, implied: 'RUB', end: at + (textAt(tokens, at + 1) === '.' ? 2 : 1), tail: false }
  if (text === 'т' && !ru) return undefined
  if (text === 'т') return { shift: 3, implied: 'RUB', end: at + 1, tail: false }
  if (VI_MILLION.has(text) && (vi || text !== 'cu') && !(text === 'chai' && !vi))
    return { shift: 6, implied: 'VND', end: at + 1, tail: true }
  if (
    text === 'm' &&
    glued &&
    vi &&
    kindAt(tokens, at + 1) === 'number' &&
    tokens[at + 1]?.glued &&
    !DIMENSIONS.has(tokenAt(tokens, at - 2)) &&
    (textAt(tokens, at + 1) !== '2' || !isSquare(tokens, at, value))
  )
    return { shift: 6, implied: 'VND', end: at + 1, tail: true }
  if (text === 'tỷ' || text === 'tỉ' || (text === 'ty' && vi)) return { shift: 9, implied: 'VND', end: at + 1, tail: true }
  // "1,45 tỏi": a thousand million, said as garlic; whole heads of it are garlic.
  if (text === 'tỏi' && vi && !Number.isInteger(value)) return { shift: 9, implied: 'VND', end: at + 1, tail: false }
  if (VI_THOUSAND.has(text) && (vi || text.length > 2)) return { shift: 3, implied: 'VND', end: at + 1, tail: false }
  // "5 lít" is money; "tủ lạnh 180 lít", "nồi 5 lít" hold so much.
  const litres = text === 'lít' || (text === 'lit' && vi)
  const half = HALF.has(tokens[at + 1])
  if (litres && (value > MAX_LIT || (tags.ends('goods', at - 1) && !half))) return undefined
  // "2 lít 8"
  if (litres || text === 'xị') return { shift: 5, implied: 'VND', end: at + 1, tail: half || kindAt(tokens, at + 1) === 'number' }
  if (text === 'p' && glued && lang === 'en' && isPence(tokens, at, value))
    return { shift: -2, implied: 'GBP', end: at + 1, tail: false }
  if ((text === 'hundred' || text === 'hundo' || text === 'сотен' || text === 'сотни') && value < 100)
    return { shift: 2, ...(ru ? { implied: 'RUB' } : {}), end: at + 1, tail: false }
  if (HUNDREDTHS.has(text)) return hundredth(tokens, at, tags, value, before)
  if (text === 'lakh' || text === 'lakhs' || text === 'lac') return { shift: 5, implied: 'INR', end: at + 1, tail: false }
  if (text === 'crore' || text === 'crores' || (text === 'cr' && glued))
    return { shift: 7, implied: 'INR', end: at + 1, tail: false }
  if (text === 'mil' && tags.lang === 'en') return { shift: 6, end: at + 1, tail: false }
  // "щенки, 5 штук" are so many; "за 5 штук", "5 штук баксов" are money.
  if (text === 'штук' && countsPieces(tokens, at, tags)) return undefined
  if (THOUSAND_WORDS.has(text)) {
    const cyrillic = text.charCodeAt(0) > 0x3ff
    // "20 тысяч" names no currency by itself; the short forms do.
    const dotted = text === 'тыс' && textAt(tokens, at + 1) === '.' ? 2 : 1
    const long = text.startsWith('тысяч') || text === 'штук'
    return { shift: 3, ...((cyrillic && !long) || text === 'tyr' ? { implied: 'RUB' } : {}), end: at + dotted, tail: false }
  }
  if ((text === 'palo' || text === 'palos') && (lang === 'en' || lang === 'pt' || areSticks(tokens, at, tags))) return undefined
  if (MILLION_WORDS.has(text))
    return { shift: 6, end: at + (textAt(tokens, at + 1) === '.' && text === 'млн' ? 2 : 1), tail: false }
  if (text === 'm' && glued && millions(tokens, at, tags, value, before)) return { shift: 6, end: at + 1, tail: false }
  // "with the 50mm": a lens; millions so written stand beside a currency.
  if (text === 'mm' && glued && (before !== undefined || currencyAfter(tokens, at + 1, tags.lang) !== undefined))
    return { shift: 6, end: at + 1, tail: false }
  return undefined
}

/** "6 palos de golf", "una bolsa con 6 palos y el carro de golf": no millions. */
function areSticks(tokens: readonly Token[], at: number, tags: Tags): boolean {
  const next = tokens[at + 1]
  // "2 palos para atarla": what goes on with a word that is none of prices.
  if (
    next?.kind === 'word' &&
    next.clause === tokens[at]?.clause &&
    !BEHIND_PALOS.has(next) &&
    !tags.startingAt(at + 1).some((h) => PRICE_WORD.test(h.name))
  )
    return true
  return tokens.some((t) => STICKS_OF.has(t))
}
const BEHIND_PALOS = new WordSet('y el la los las por al en x verdes o pero si'.split(' '))
const PRICE_WORD = /^(?:f_|r_|u_)/u
const STICKS_OF = new WordSet('golf hockey senderismo trekking esquí selfie bambú escoba'.split(' '))

/** "8 cents a card", "50 paise per word"; "my 2 cents" are an opinion, "50 cent" a singer, and "€0.50 cents" are told already. */
function hundredth(
  tokens: readonly Token[],
  at: number,
  tags: Tags,
  value: number,
  before: CurrencyHit | undefined,
): Multiplier | undefined {
  const { text, caps } = tokens[at] as Token
  if (before !== undefined || kindAt(tokens, at + 1) === 'number' || (text === 'cent' && caps > 0)) return undefined
  if ((value < MIN_CENTS || text === 'cent') && !PIECE.has(tokens[at + 1])) return undefined
  // "50 копеек 1924 года", "moneda de 50 céntimos": the thing itself.
  if (tokens.some((t) => COLLECTED.has(t))) return undefined
  const code = HUNDREDTHS.get(text)
  // Céntimos are those of a euro but where another country is named: "50 céntimos, Lima".
  const country = code === 'EUR' ? tags.country() : undefined
  const known = code !== undefined && (country === undefined || country === 'ES' || country === 'PT')
  return { shift: -2, ...(known ? { implied: code } : {}), end: at + 1, tail: false }
}
const MIN_CENTS = 5
const COLLECTED = new WordSet(
  'монету coin coins moneda monedas moeda moedas монета монеты монет ссср года proof uncirculated numismática нумизматика'.split(
    ' ',
  ),
)

/** Behind a price word, before a currency and at the head of a sentence they are thousands. */
const countsPieces = (tokens: readonly Token[], at: number, tags: Tags): boolean => {
  const before = tokenAt(tokens, at - 2)
  if (before === undefined || before.sentence !== tokens[at]?.sentence || FOR_SO_MUCH.has(before)) return false
  return currencyAfter(tokens, at + 1, tags.lang) === undefined
}
const FOR_SO_MUCH = new WordSet(
  'за до в по прошу дам от отдам отдаю плачу заплачу цена около штук хочу бюджет примерно максимум'.split(' '),
)

const MAX_ROOMS = 6
const MAX_PENCE = 99
const PIECE = new WordSet(['a', 'an', 'each', 'ea', 'per', 'apiece', '/', 'cada', 'la', 'el', 'por', 'за', 'шт', 'the'])
/** "50p a pot", "80p each"; "60p" of a film is none. */
const isPence = (tokens: readonly Token[], at: number, value: number): boolean =>
  Number.isInteger(value) && value <= MAX_PENCE && PIECE.has(tokens[at + 1])

const BOTH_SIDES = new WordSet(['k', 'к', 'tr'])
/** "8k-10k", "5tr-5tr5": the hyphen is part of no token, and a range goes on behind it. `at`: the first word of size. */
export function thousandsTo(tokens: readonly Token[], at: number): boolean {
  const [k, number, next] = [tokens[at], tokens[at + 1], tokens[at + 2]]
  if (k === undefined || !k.glued || !BOTH_SIDES.has(k) || number?.kind !== 'number' || next?.text !== k.text) return false
  return number.glued && number.start - k.end === 1 && next.glued && kindAt(tokens, at - 1) === 'number'
}

/** "3k5 quid", "£2k5": beside money a digit behind the thousand counts hundreds. */
const hundredsBehind = (tokens: readonly Token[], at: number, tags: Tags, before: CurrencyHit | undefined): boolean =>
  oneMoreDigit(tokens, at) && (before !== undefined || currencyAfter(tokens, at + 2, tags.lang) !== undefined)

function oneMoreDigit(tokens: readonly Token[], at: number): boolean {
  const [digit, next] = [tokens[at + 1], tokens[at + 2]]
  return digit?.kind === 'number' && digit.glued && digit.text.length === 1 && !(next?.kind === 'word' && next.glued)
}

/** "khổ 1m6": so wide. */
const DIMENSIONS = new WordSet(['khổ', 'dài', 'rộng', 'cao', 'ngang', 'sâu', 'bản'])
const MEASURED = new WordSet(
  (
    'nệm giường bàn tủ kệ cao dài rộng ngang sâu khổ đất nhà sàn kính phòng vải rèm màn thảm lô mặt diện ' +
    'tranh gương chiếu tấm ghế sofa cửa tường bạt'
  ).split(' '),
)
const SMALL_AREA = 9
/** "bàn 1m2" measures; behind a comma or a word of price, in a text that names nothing of such sizes, "1m2" is money. */
function isSquare(tokens: readonly Token[], at: number, value: number): boolean {
  const before = tokenAt(tokens, at - 2)
  const opens = before === undefined || before.kind === 'op' || before.kind === 'line' || before.text === 'giá'
  return value > SMALL_AREA || !opens || tokens.some((t) => MEASURED.has(t))
}

/** "13600K": a chip; nobody writes so many thousands with a capital. */
const MIN_CHIP = 2000
const LINES_OF = new Set([2, 4, 5, 6, 8])
const SCREENS = new WordSet(
  (
    'monitor monitors tv screen display panel projector ultrawide oled webcam camera video gopro drone footage televisor tele pantalla ' +
    'televisión televisao televisão tela монитор телевизор телик экран телек màn tivi hdr hdmi qled uhd smart 60fps 144hz 60hz'
  ).split(' '),
)

/** "netflix 4k", "màn hình 4k": in Vietnamese thousands are written so too. */
const VIDEO = new WordSet('inch ips in netflix youtube tivi tv hình phim camera gopro video hdr uhd'.split(' '))

/** "27 4k", "TV 55 4k", "4k monitor": lines of a screen, not money. */
function isResolution(tokens: readonly Token[], at: number, value: number): boolean {
  if (!LINES_OF.has(value)) return false
  if (
    kindAt(tokens, at - 2) === 'number' &&
    tokenAt(tokens, at - 2)?.clause === tokens[at]?.clause &&
    !tokenAt(tokens, at - 1)?.glued
  )
    return true
  for (let k = 2; k <= 4; k++) if (SCREENS.has(tokenAt(tokens, at - k)) && value >= 4) return true
  return SCREENS.has(tokens[at + 1]) || SCREENS.has(tokens[at + 2])
}

/** Hundreds of thousands of đồng; ten of them are a million, which has words of its own. */
const MAX_LIT = 9

/** "1.2m" is millions beside a currency or a price word; alone it may be metres. */
function millions(tokens: readonly Token[], at: number, tags: Tags, value: number, before: CurrencyHit | undefined): boolean {
  if (before !== undefined || currencyAfter(tokens, at + 1, tags.lang) !== undefined) return true
  if (tokens[at]?.caps === 2 && behindMoney(tokens, at - 1)) return true
  const near = [...tags.endingAt(at - 1), ...tags.endingAt(at - 2)]
  if (value > 99) return false
  // "1.1M ono"
  const named = tokens[at]?.caps === 2 && tags.startingAt(at + 1).some((h) => h.name === 'r_cue' || h.name === 'f_negotiable')
  return named || near.some((h) => h.name.startsWith('p_'))
}

/** "KES 900,000 - 1.1M": the money stands before the first number of a range. */
function behindMoney(tokens: readonly Token[], number: number): boolean {
  const link = textAt(tokens, number - 1)
  if (link !== '-' && link !== '–' && link !== 'to') return false
  const left = kindAt(tokens, number - 2) === 'word' ? number - 3 : number - 2
  return kindAt(tokens, left) === 'number' && currencyBefore(tokens, left) !== undefined
}

/** N7: digits right after a Vietnamese multiplier are its decimal digits; "rưỡi" is a half. */
export function withTail(tokens: readonly Token[], m: Multiplier, integer: string, fraction: string): string | undefined {
  const tail = tokens[m.end]
  if (tail !== undefined && HALF.has(tail)) return decimal(integer, '5', m.shift)
  if (fraction === '' && isTail(tokens, m)) return decimal(integer, (tail as Token).text, m.shift)
  return decimal(integer, fraction, m.shift)
}

function isTail(tokens: readonly Token[], m: Multiplier): boolean {
  const tail = tokens[m.end]
  if (tail?.kind !== 'number' || !/^\d{1,3}$/u.test(tail.text) || tail.start - (tokens[m.end - 1] as Token).end > 1) return false
  // "5tr-5tr5": a hyphen is part of no token.
  if (tail.glued) return tail.start === (tokens[m.end - 1] as Token).end
  const next = tokens[m.end + 1]
  // "1 tỷ 750": behind a thousand million the tail counts millions.
  if (tail.text.length === 3 && m.shift === 9) return next === undefined || next.kind !== 'word' || !AREAS.has(next)
  if (tail.text.length > 1) return false
  return next === undefined || next.kind === 'op' || next.kind === 'line' || BEHIND_TAIL.has(next)
}

/** Token index after the tail. */
export function tailEnd(tokens: readonly Token[], m: Multiplier): number {
  const tail = tokens[m.end]
  if (tail !== undefined && HALF.has(tail)) return m.end + 1
  if (!isTail(tokens, m)) return m.end
  const k = tokens[m.end + 1]
  return k?.text === 'k' && k.glued ? m.end + 2 : m.end + 1
}
