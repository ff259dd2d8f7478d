/** Amounts of money as people write them in commands and rules: `400 USD`, `$700`, `800€`, `1.5k eur`, `15tr`. */

export interface Amount {
  readonly value: number
  readonly currency: string | null
}

const SIGNS: ReadonlyMap<string, string> = new Map([
  ['$', 'USD'],
  ['€', 'EUR'],
  ['£', 'GBP'],
  ['₫', 'VND'],
  ['₽', 'RUB'],
  ['₴', 'UAH'],
  ['¥', 'JPY'],
  ['₹', 'INR'],
  ['₩', 'KRW'],
  ['₿', 'BTC'],
  ['₺', 'TRY'],
  ['zł', 'PLN'],
  ['kč', 'CZK'],
  ['r$', 'BRL'],
  ['us$', 'USD'],
  ['c$', 'CAD'],
  ['a$', 'AUD'],
])
const NAMES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    dollar: 'USD',
    dollars: 'USD',
    bucks: 'USD',
    доллар: 'USD',
    euro: 'EUR',
    euros: 'EUR',
    евро: 'EUR',
    pound: 'GBP',
    pounds: 'GBP',
    quid: 'GBP',
    долларов: 'USD',
    доллара: 'USD',
    dólares: 'USD',
    dolares: 'USD',
    đô: 'USD',
    эвро: 'EUR',
    руб: 'RUB',
    рубль: 'RUB',
    рубля: 'RUB',
    рублей: 'RUB',
    р: 'RUB',
    đ: 'VND',
    đồng: 'VND',
    real: 'BRL',
    reais: 'BRL',
    vnđ: 'VND',
    гривен: 'UAH',
    грн: 'UAH',
    тенге: 'KZT',
    zloty: 'PLN',
    rupees: 'INR',
    yen: 'JPY',
    sats: 'SATS',
  }),
)
const MULTIPLIERS: ReadonlyMap<string, readonly [factor: number, currency: string | null]> = new Map([
  ['k', [1e3, null]],
  ['grand', [1e3, null]],
  ['mil', [1e3, null]],
  ['тыс', [1e3, 'RUB']],
  ['тысяч', [1e3, 'RUB']],
  ['тысячи', [1e3, 'RUB']],
  ['тысяча', [1e3, 'RUB']],
  ['тыщ', [1e3, 'RUB']],
  ['т.р', [1e3, 'RUB']],
  ['к', [1e3, 'RUB']],
  ['nghìn', [1e3, 'VND']],
  ['ngàn', [1e3, 'VND']],
  ['m', [1e6, null]],
  ['mio', [1e6, null]],
  ['million', [1e6, null]],
  ['thousand', [1e3, null]],
  ['lakh', [1e5, 'INR']],
  ['crore', [1e7, 'INR']],
  ['миллион', [1e6, 'RUB']],
  ['миллиона', [1e6, 'RUB']],
  ['млн', [1e6, 'RUB']],
  ['tr', [1e6, 'VND']],
  ['triệu', [1e6, 'VND']],
  ['củ', [1e6, 'VND']],
  ['trieu', [1e6, 'VND']],
  ['tỷ', [1e9, 'VND']],
  ['tỉ', [1e9, 'VND']],
])
/** Codes an amount may carry; three capital letters that are words elsewhere are refused. */
const CODES = new Set(
  (
    'USD EUR GBP INR VND JPY CNY KRW THB PHP IDR MYR BRL CAD AUD NZD SGD HKD TWD RUB UAH KZT PLN CZK HUF RON BGN CHF TRY AED SAR ' +
    'ILS ZAR NGN KES MXN ARS CLP COP PEN UYU NOK SEK DKK ISK BTC SATS ETH USDT USDC DAI SOL TON BNB XMR LTC DOGE TRX XRP ADA'
  ).split(' '),
)
const SHAPE = /^([^\d\s.,]{0,5}|[a-z]{3,5} )\s?(\d[\d., '\u00a0\u202f]{0,30})\s?([^\d\s.,]{0,9})\.?\s?([^\d\s]{0,9})$/u
const GROUPS = /^\d{1,3}(?:[\s'\u00a0\u202f]\d{3})+(?:[.,]\d{1,4})?$/u
const MAX_VALUE = 1e15

export const isCurrency = (code: string): boolean => CODES.has(code)

/** The currency a sign, name or code means; undefined when it means none. */
export function currencyOf(text: string): string | undefined {
  const lower = text.trim().toLowerCase()
  const code = lower.toUpperCase()
  return SIGNS.get(lower) ?? NAMES.get(lower) ?? (CODES.has(code) ? code : undefined)
}

/** Reads one amount; undefined when the text is none. */
export function parseAmount(text: string): Amount | undefined {
  const found = SHAPE.exec(text.trim().toLowerCase())
  if (found === null) return undefined
  const [, before = '', digits = '', after = '', last = ''] = found
  const multiplier = MULTIPLIERS.get(after)
  const marks = [before.trim(), multiplier === undefined ? after : '', last].filter((m) => m !== '')
  if (marks.length > 1) return undefined
  const mark = marks[0]
  const currency = mark === undefined ? (multiplier?.[1] ?? null) : currencyOf(mark)
  if (currency === undefined) return undefined
  const number = readNumber(digits)
  if (number === undefined) return undefined
  const value = Number((number * (multiplier?.[0] ?? 1)).toPrecision(15))
  return value <= MAX_VALUE ? { value, currency } : undefined
}

/** Digits with grouping or decimal separators; the later of two different ones is decimal, three digits after one are a group. */
function readNumber(text: string): number | undefined {
  const written = text.trim()
  // Spaces only stand between groups of three.
  if (/[\s'\u00a0\u202f]/.test(written) && !GROUPS.test(written)) return undefined
  const plain = written.replace(/[\s'\u00a0\u202f]/g, '')
  const dot = plain.lastIndexOf('.')
  const comma = plain.lastIndexOf(',')
  const at = Math.max(dot, comma)
  if (at === plain.length - 1) return undefined
  let decimals = 0
  if (at >= 0) {
    const sign = plain[at] as string
    const several = plain.indexOf(sign) !== at
    const both = dot >= 0 && comma >= 0
    const after = plain.length - at - 1
    const group = after === 3 && !both && at <= 3 && plain[0] !== '0'
    if (!several && !group) decimals = after
  }
  const bare = plain.replace(/[.,]/g, '')
  if (bare.length > 34) return undefined
  const value = Number(decimals === 0 ? bare : `${bare.slice(0, -decimals)}.${bare.slice(-decimals)}`)
  return Number.isFinite(value) ? value : undefined
}
