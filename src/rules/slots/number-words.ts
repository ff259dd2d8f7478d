import type { Token } from '../text/model.ts'

/** Number words of the five languages; composed by adding below 100 and multiplying from 100 on. */
export const NUMBER_WORDS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    one: 1,
    two: 2,
    three: 3,
    four: 4,
    five: 5,
    six: 6,
    seven: 7,
    eight: 8,
    nine: 9,
    ten: 10,
    eleven: 11,
    twelve: 12,
    thirteen: 13,
    fourteen: 14,
    fifteen: 15,
    sixteen: 16,
    seventeen: 17,
    eighteen: 18,
    nineteen: 19,
    twenty: 20,
    thirty: 30,
    forty: 40,
    fourty: 40,
    fifty: 50,
    sixty: 60,
    seventy: 70,
    eighty: 80,
    ninety: 90,
    hundred: 100,
    thousand: 1000,
    grand: 1000,
    dos: 2,
    tres: 3,
    cuatro: 4,
    cinco: 5,
    seis: 6,
    siete: 7,
    ocho: 8,
    nueve: 9,
    diez: 10,
    quince: 15,
    veinte: 20,
    treinta: 30,
    cuarenta: 40,
    cincuenta: 50,
    sesenta: 60,
    setenta: 70,
    ochenta: 80,
    noventa: 90,
    cien: 100,
    ciento: 100,
    doscientos: 200,
    trescientos: 300,
    cuatrocientos: 400,
    quinientos: 500,
    seiscientos: 600,
    setecientos: 700,
    ochocientos: 800,
    novecientos: 900,
    mil: 1000,
    once: 11,
    doce: 12,
    trece: 13,
    catorce: 14,
    dieciséis: 16,
    diecisiete: 17,
    dieciocho: 18,
    diecinueve: 19,
    veinticinco: 25,
    doscientas: 200,
    trescientas: 300,
    cuatrocientas: 400,
    quinientas: 500,
    seiscientas: 600,
    setecientas: 700,
    ochocientas: 800,
    novecientas: 900,
    onze: 11,
    doze: 12,
    treze: 13,
    quatorze: 14,
    dezesseis: 16,
    dezasseis: 16,
    dezessete: 17,
    dezassete: 17,
    dezoito: 18,
    dezenove: 19,
    dezanove: 19,
    duzentas: 200,
    trezentas: 300,
    quatrocentas: 400,
    quinhentas: 500,
    seiscentas: 600,
    setecentas: 700,
    oitocentas: 800,
    novecentas: 900,
    dois: 2,
    duas: 2,
    quatro: 4,
    sete: 7,
    oito: 8,
    nove: 9,
    dez: 10,
    quinze: 15,
    vinte: 20,
    trinta: 30,
    quarenta: 40,
    cinquenta: 50,
    sessenta: 60,
    oitenta: 80,
    cem: 100,
    cento: 100,
    duzentos: 200,
    trezentos: 300,
    quatrocentos: 400,
    quinhentos: 500,
    seiscentos: 600,
    setecentos: 700,
    oitocentos: 800,
    novecentos: 900,
    два: 2,
    две: 2,
    три: 3,
    четыре: 4,
    пять: 5,
    шесть: 6,
    семь: 7,
    восемь: 8,
    девять: 9,
    десять: 10,
    двенадцать: 12,
    пятнадцать: 15,
    одиннадцать: 11,
    тринадцать: 13,
    четырнадцать: 14,
    шестнадцать: 16,
    семнадцать: 17,
    восемнадцать: 18,
    девятнадцать: 19,
    двадцать: 20,
    тридцать: 30,
    сорок: 40,
    пятьдесят: 50,
    шестьдесят: 60,
    семьдесят: 70,
    восемьдесят: 80,
    девяносто: 90,
    сто: 100,
    двести: 200,
    триста: 300,
    четыреста: 400,
    пятьсот: 500,
    шестьсот: 600,
    семьсот: 700,
    восемьсот: 800,
    девятьсот: 900,
    тысяча: 1000,
    тысячи: 1000,
    тысяч: 1000,
    тыщ: 1000,
    тыща: 1000,
    тыщи: 1000,
    тыщу: 1000,
    тысячу: 1000,
    тысячей: 1000,
    сотня: 100,
    сотню: 100,
    сотни: 100,
    сотен: 100,
    двух: 2,
    трёх: 3,
    трех: 3,
    пяти: 5,
    шести: 6,
    десяти: 10,
    пятнадцати: 15,
    двадцати: 20,
    тридцати: 30,
    сорока: 40,
    пятидесяти: 50,
    ста: 100,
    двухсот: 200,
    трёхсот: 300,
    трехсот: 300,
    пятисот: 500,
    косарь: 1000,
    косаря: 1000,
    косарей: 1000,
    полторы: 1.5,
    полтора: 1.5,
    полутора: 1.5,
    четырёх: 4,
    четырех: 4,
    семи: 7,
    восьми: 8,
    девяти: 9,
    двенадцати: 12,
    шестидесяти: 60,
    семидесяти: 70,
    восьмидесяти: 80,
    четырёхсот: 400,
    четырехсот: 400,
    шестисот: 600,
    семисот: 700,
    восьмисот: 800,
    девятисот: 900,
    một: 1,
    hai: 2,
    ba: 3,
    bốn: 4,
    năm: 5,
    sáu: 6,
    bảy: 7,
    tám: 8,
    chín: 9,
    mười: 10,
    trăm: 100,
    nghìn: 1000,
    ngàn: 1000,
    triệu: 1e6,
  }),
)
const ENGLISH_TENS = new Set('ten twenty thirty forty fifty sixty seventy eighty ninety'.split(' '))
const LINKS = new Set(['and', 'y', 'e'])
const MAX_WORDS = 8

export interface WordNumber {
  readonly value: string
  /** Token index after the last word. */
  readonly end: number
  /** Holds a word of a hundred or more. */
  readonly large: boolean
}

/** Names of notes: money by themselves. */
const NOTES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    tenner: '10',
    fiver: '5',
    hundo: '100',
    пятихатка: '500',
    пятихатку: '500',
    пятихат: '500',
    чирик: '10',
    полтос: '50',
    стольника: '100',
    полтинник: '50',
    стольник: '100',
    штуку: '1000',
    сотка: '100',
    сотку: '100',
  }),
)

/** "palo y medio": one and a half of them. */
const HALVED = ['palo', 'millón', 'millon', 'milhão', 'luca', 'euro', 'real']
const GIVES = new Set(['дам', 'отдам', 'заплачу', 'плачу', 'даю', 'готов', 'готова', 'готовы'])

/** Every word a spelled number may begin with. */
export const NUMBER_OPENERS: ReadonlySet<string> = new Set([...NOTES.keys(), ...NUMBER_WORDS.keys(), ...HALVED, 'a', 'couple'])

const isHalf = (tokens: readonly Token[], i: number): boolean =>
  tokens[i]?.text === 'с'
    ? tokens[i + 1]?.text === 'половиной'
    : tokens[i]?.text === 'and' && tokens[i + 1]?.text === 'a' && tokens[i + 2]?.text === 'half'

const TENS = new Set(['mươi', 'chục'])
const THOUSANDS = new Set(['nghìn', 'ngàn'])
const SCALES = new Set('trăm nghìn ngàn mươi chục k'.split(' '))
const scaled = (token: Token | undefined): boolean =>
  token !== undefined && (SCALES.has(token.text) || (NUMBER_WORDS.get(token.text) ?? 0) >= 100)

/** The number spelled from token `start`; "a hundred", "couple hundred" included. */
export function readNumberWords(tokens: readonly Token[], start: number): WordNumber | undefined {
  let i = start
  const opener = tokens[i]?.text
  if (opener === undefined || !NUMBER_OPENERS.has(opener)) return undefined
  const note = NOTES.get(opener)
  // "штуку дам"; "за штуку" says of how many.
  if (opener === 'штуку' && !GIVES.has(tokens[start + 1]?.text ?? '') && !GIVES.has(tokens[start - 1]?.text ?? ''))
    return undefined
  if (note !== undefined) return { value: note, end: start + 1, large: true }
  let current = 0
  let total = 0
  let words = 0
  let large = false
  if (opener === 'a' || opener === 'couple') {
    const next = tokens[i + 1]?.text === 'of' ? i + 2 : i + 1
    const scale = NUMBER_WORDS.get(tokens[next]?.text ?? '') ?? 0
    if (scale !== 100 && scale !== 1000) return undefined
    current = opener === 'a' ? 1 : 2
    i = next
  }
  for (; words < MAX_WORDS; i++) {
    const token = tokens[i]
    if (token?.kind !== 'word') break
    if (words > 0 && LINKS.has(token.text) && NUMBER_WORDS.has(tokens[i + 1]?.text ?? '')) continue
    // "bốn trăm rưỡi": half a hundred more.
    if (token.text === 'rưỡi' && tokens[i - 1]?.text === 'trăm') {
      current += 50
      continue
    }
    // "ba trăm năm chục", "hai mươi bảy": what stands before counts tens.
    if (TENS.has(token.text) && current % 10 !== 0) {
      current += (current % 10) * 9
      words++
      continue
    }
    // "восемь с половиной тысяч", "two and a half grand"
    if (words > 0 && isHalf(tokens, i)) {
      current += 0.5
      i += token.text === 'с' ? 1 : 2
      continue
    }
    const value = token.text === 'rưỡi' && tokens[i - 1]?.text === 'triệu' ? 5 : NUMBER_WORDS.get(token.text)
    if (value === undefined) break
    // "một triệu tám": behind a million a digit counts hundreds of thousands.
    if (total >= 1e6 && current === 0 && value < 10 && tokens[i - 1]?.text === 'triệu' && !scaled(tokens[i + 1])) {
      total += value * 100_000
      i++
      break
    }
    // "trăm rưỡi ngàn một cái": so much for one.
    if (total > 0 && current === 0 && value < 10 && THOUSANDS.has(tokens[i - 1]?.text ?? '') && !scaled(tokens[i + 1])) break
    // "five-fifty", "nine twenty": hundreds as English says prices.
    if (words === 1 && current >= 1 && current < 10 && value >= 10 && value < 100 && ENGLISH_TENS.has(token.text)) {
      current = current * 100 + value
      words++
      large = true
      continue
    }
    if (value < 100 && words > 0 && current % 100 !== 0 && (current % 10 !== 0 || value >= 10)) break
    words++
    if (value >= 100) large = true
    if (value === 100) current = (current || 1) * 100
    else if (value >= 1000) {
      total += (current || 1) * value
      current = 0
    } else current += value
  }
  if (words === 0) return undefined
  return { value: String(total + current), end: i, large }
}
