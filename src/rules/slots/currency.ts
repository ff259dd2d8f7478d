import type { Language, Token } from '../text/model.ts'

export type CurrencySource = 'explicit' | 'word' | 'language' | 'place' | 'channel'
export interface Currency {
  readonly code: string
  readonly source: CurrencySource
}

/** Codes that may touch an amount. Those that are also words count in capitals or glued only. */
const CODES = new Set(
  (
    'usd eur gbp inr vnd jpy rmb cny krw thb php idr myr brl cad aud nzd sgd hkd twd rub uah kzt pln czk huf ron bgn chf try aed sar ils zar ngn ' +
    'kes mxn ars clp cop pen uyu nok sek dkk isk btc sats sat eth usdt usdc dai sol ton bnb xmr ltc doge trx xrp ada'
  ).split(' '),
)
const WORDLIKE = new Set([
  'try',
  'ron',
  'sol',
  'ton',
  'ada',
  'dai',
  'pen',
  'sar',
  'cop',
  'php',
  'sat',
  'all',
  'top',
  'cup',
  'aud',
  'cad',
])
/** Codes that are words, but hardly ones that end a clause behind a number. */
const PLAIN_AFTER = new Set(['cad', 'aud', 'php', 'sar', 'cop', 'pen', 'ron', 'dai', 'sat'])
export const COINS = new Set([
  'BTC',
  'SATS',
  'ETH',
  'USDT',
  'USDC',
  'DAI',
  'SOL',
  'TON',
  'BNB',
  'XMR',
  'LTC',
  'DOGE',
  'TRX',
  'XRP',
  'ADA',
])
export const STABLE = new Set(['USDT', 'USDC', 'DAI'])

const SIGNS: Readonly<Record<string, string>> = {
  $: 'USD',
  '€': 'EUR',
  '£': 'GBP',
  '₹': 'INR',
  '₫': 'VND',
  '¥': 'JPY',
  '₩': 'KRW',
  '฿': 'THB',
  '₱': 'PHP',
  '₽': 'RUB',
  '₴': 'UAH',
  '₸': 'KZT',
  '₺': 'TRY',
  '₪': 'ILS',
  '₦': 'NGN',
  '₿': 'BTC',
  円: 'JPY',
  元: 'CNY',
  块: 'CNY',
}
const DOLLAR_PREFIX: Readonly<Record<string, string>> = {
  us: 'USD',
  u: 'USD',
  c: 'CAD',
  ca: 'CAD',
  can: 'CAD',
  cad: 'CAD',
  a: 'AUD',
  au: 'AUD',
  aud: 'AUD',
  nz: 'NZD',
  s: 'SGD',
  sg: 'SGD',
  hk: 'HKD',
  nt: 'TWD',
  mx: 'MXN',
  r: 'BRL',
  ar: 'ARS',
  clp: 'CLP',
  cl: 'CLP',
  col: 'COP',
  cop: 'COP',
  usd: 'USD',
  mxn: 'MXN',
}
/** Words after (a few also before) an amount. */
const WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    dollar: 'USD',
    dollars: 'USD',
    buck: 'USD',
    bucks: 'USD',
    dolares: 'USD',
    dólares: 'USD',
    dólar: 'USD',
    долларов: 'USD',
    доллара: 'USD',
    баксов: 'USD',
    долл: 'USD',
    бакс: 'USD',
    бакса: 'USD',
    баксы: 'USD',
    бакинских: 'USD',
    доллар: 'USD',
    доллары: 'USD',
    'у.е': 'USD',
    usd: 'USD',
    đô: 'USD',
    euro: 'EUR',
    euros: 'EUR',
    eur: 'EUR',
    eurillos: 'EUR',
    euritos: 'EUR',
    euretes: 'EUR',
    eurazos: 'EUR',
    euracos: 'EUR',
    eurinhos: 'EUR',
    euricos: 'EUR',
    eurines: 'EUR',
    eurejos: 'EUR',
    eurapios: 'EUR',
    pavitos: 'EUR',
    еврики: 'EUR',
    евриков: 'EUR',
    varos: 'MXN',
    varo: 'MXN',
    pavos: 'EUR',
    евро: 'EUR',
    leuros: 'EUR',
    lereles: 'EUR',
    ευρώ: 'EUR',
    quid: 'GBP',
    pound: 'GBP',
    pounds: 'GBP',
    sterling: 'GBP',
    libras: 'GBP',
    фунтов: 'GBP',
    rupee: 'INR',
    rupees: 'INR',
    rs: 'INR',
    'rs.': 'INR',
    inr: 'INR',
    đ: 'VND',
    vnd: 'VND',
    đồng: 'VND',
    vnđ: 'VND',
    yen: 'JPY',
    yuan: 'CNY',
    won: 'KRW',
    baht: 'THB',
    ringgit: 'MYR',
    rm: 'MYR',
    rp: 'IDR',
    rupiah: 'IDR',
    руб: 'RUB',
    рублей: 'RUB',
    рубля: 'RUB',
    рубль: 'RUB',
    рублях: 'RUB',
    рублями: 'RUB',
    рубликов: 'RUB',
    рублёв: 'RUB',
    рэ: 'RUB',
    рубасов: 'RUB',
    деревянных: 'RUB',
    р: 'RUB',
    rub: 'RUB',
    'руб.': 'RUB',
    рубли: 'RUB',
    rubles: 'RUB',
    грн: 'UAH',
    гривен: 'UAH',
    гривны: 'UAH',
    гривень: 'UAH',
    тенге: 'KZT',
    zł: 'PLN',
    zl: 'PLN',
    zloty: 'PLN',
    kč: 'CZK',
    ft: 'HUF',
    lei: 'RON',
    лв: 'BGN',
    francs: 'CHF',
    tl: 'TRY',
    lira: 'TRY',
    dhs: 'AED',
    dirhams: 'AED',
    dirham: 'AED',
    naira: 'NGN',
    ksh: 'KES',
    rand: 'ZAR',
    shekels: 'ILS',
    reais: 'BRL',
    real: 'BRL',
    conto: 'BRL',
    contos: 'BRL',
    pila: 'BRL',
    pilas: 'BRL',
    temers: 'BRL',
    dilmas: 'BRL',
    merréis: 'BRL',
    mirréis: 'BRL',
    soles: 'PEN',
    bitcoin: 'BTC',
    bitcoins: 'BTC',
    sats: 'SATS',
    satoshis: 'SATS',
    sat: 'SATS',
    tether: 'USDT',
    ether: 'ETH',
  }),
)
/** Currency names that several countries share: money, but not which. */
const SHARED = new Set(['peso', 'pesos', 'pesito', 'pesitos', 'mangos', 'paus', 'kr', 'kroner', 'kronor', 'crowns'])
const BEFORE = new Set(['rs', 'rs.', 'rm', 'rp', 'ksh', 'vnd', 'rub', 'inr'])

export interface CurrencyHit {
  readonly code: string | undefined
  readonly source: CurrencySource
  /** 3: code touching (C1), 2: prefixed dollar (C2), 1: sign or word (C3), 0: money of unknown kind. */
  readonly rank: 0 | 1 | 2 | 3
  readonly start: number
  readonly end: number
}

/** Every word that may begin a currency behind an amount; most words do not. */
const OPENERS: ReadonlySet<string> = new Set([...CODES, ...WORDS.keys(), ...SHARED, 'u'])

const codeOf = (text: string): string =>
  text === 'sat' || text === 'sats' ? 'SATS' : text === 'rmb' ? 'CNY' : text.toUpperCase()

/** Currency that ends right before token `i`. */
export function currencyBefore(tokens: readonly Token[], i: number): CurrencyHit | undefined {
  const token = tokens[i - 1]
  if (token === undefined) return undefined
  const touching = tokens[i]?.glued === true
  if (token.kind === 'sign') {
    const prefix = tokens[i - 2]
    if (token.text === '$' && prefix?.kind === 'word' && token.glued) {
      const code = DOLLAR_PREFIX[prefix.text]
      if (code !== undefined) return { code, source: 'explicit', rank: 2, start: i - 2, end: i }
    }
    const code = SIGNS[token.text]
    const beforeSign = prefix?.kind === 'word' && CODES.has(prefix.text) && prefix.caps === 2 ? codeOf(prefix.text) : undefined
    if (beforeSign !== undefined) return { code: beforeSign, source: 'explicit', rank: 3, start: i - 2, end: i }
    return { code, source: 'explicit', rank: 1, start: i - 1, end: i }
  }
  if (token.kind !== 'word' && token.text !== '.') return undefined
  if (CODES.has(token.text) && (touching || token.caps === 2 || !WORDLIKE.has(token.text))) {
    return { code: codeOf(token.text), source: 'explicit', rank: 3, start: i - 1, end: i }
  }
  // "Rs. 18,000"
  const abbreviated = token.text === '.' && token.glued ? tokens[i - 2] : undefined
  if (abbreviated !== undefined && BEFORE.has(abbreviated.text))
    return { code: WORDS.get(abbreviated.text), source: 'word', rank: 1, start: i - 2, end: i }
  if (BEFORE.has(token.text)) return { code: WORDS.get(token.text), source: 'word', rank: 1, start: i - 1, end: i }
  return undefined
}

/** Currency that begins at token `i`, directly after an amount. */
export function currencyAfter(tokens: readonly Token[], i: number, lang: Language | 'und'): CurrencyHit | undefined {
  const token = tokens[i]
  if (token === undefined) return undefined
  if (token.kind === 'sign') {
    const next = tokens[i + 1]
    // "$ 5" after a number belongs to the next amount unless glued to this one.
    if (!token.glued && next?.kind === 'number') return undefined
    return { code: SIGNS[token.text], source: 'explicit', rank: 1, start: i, end: i + 1 }
  }
  if (token.kind !== 'word') return undefined
  const next = tokens[i + 1]
  if (next?.kind === 'sign' && next.text === '$' && next.glued) {
    const code = DOLLAR_PREFIX[token.text]
    if (code !== undefined) return { code, source: 'explicit', rank: 2, start: i, end: i + 2 }
  }
  if (!OPENERS.has(token.text) && !NAMED.has(token.text)) return undefined
  const closed = next === undefined || next.kind !== 'word'
  if (
    CODES.has(token.text) &&
    (token.glued || token.caps === 2 || !WORDLIKE.has(token.text) || (closed && PLAIN_AFTER.has(token.text)))
  ) {
    return { code: codeOf(token.text), source: 'explicit', rank: 3, start: i, end: i + 1 }
  }
  if (token.text === 'u' && lang === 'vi') return { code: 'USDT', source: 'word', rank: 1, start: i, end: i + 1 }
  if (token.text === 'к' || token.text === 'k') return undefined
  const word = nationOf(tokens, i) === undefined ? WORDS.get(token.text) : undefined
  if (token.text === 'р' && lang !== 'ru' && !token.glued) return undefined
  if ((token.text === 'ft' || token.text === 'rs' || token.text === 'rp' || token.text === 'rm') && token.caps !== 0)
    return undefined
  if (word !== undefined && token.text !== 'ft' && token.text !== 'real')
    return { code: word, source: 'word', rank: 1, start: i, end: i + 1 }
  // "90 mil pesos ars": the code behind the shared name decides.
  if (SHARED.has(token.text) && next?.kind === 'word' && CODES.has(next.text) && !COINS.has(codeOf(next.text)))
    return { code: codeOf(next.text), source: 'explicit', rank: 3, start: i, end: i + 2 }
  const country = nationOf(tokens, i)
  if (country !== undefined) return { code: country, source: 'word', rank: 3, start: i, end: i + 2 }
  if (SHARED.has(token.text)) return { code: undefined, source: 'word', rank: 0, start: i, end: i + 1 }
  return undefined
}

/** Names of money that countries share, by what names the country: "pesos argentinos", "dólares canadienses", "đô úc". */
const NATIONS: Readonly<Record<string, readonly (readonly [beginning: string, code: string])[]>> = {
  peso: [
    ['argentin', 'ARS'],
    ['mexican', 'MXN'],
    ['mx', 'MXN'],
    ['chilen', 'CLP'],
    ['colombian', 'COP'],
    ['urugua', 'UYU'],
    ['filipin', 'PHP'],
  ],
  dollar: [
    ['american', 'USD'],
    ['estadounidense', 'USD'],
    ['canad', 'CAD'],
    ['austral', 'AUD'],
    ['neozeland', 'NZD'],
    ['сша', 'USD'],
    ['канадск', 'CAD'],
    ['австрал', 'AUD'],
    ['mỹ', 'USD'],
    ['úc', 'AUD'],
    ['sing', 'SGD'],
  ],
  pound: [
    ['esterlin', 'GBP'],
    ['стерлинг', 'GBP'],
    ['sterling', 'GBP'],
  ],
  krone: [
    ['норвежск', 'NOK'],
    ['шведск', 'SEK'],
    ['датск', 'DKK'],
    ['чешск', 'CZK'],
  ],
}
const NAMED: ReadonlyMap<string, keyof typeof NATIONS> = new Map([
  ...['peso', 'pesos', 'pesito', 'pesitos'].map((w) => [w, 'peso'] as const),
  ...['dollar', 'dollars', 'dólar', 'dólares', 'dolares', 'доллар', 'доллара', 'долларов', 'đô'].map(
    (w) => [w, 'dollar'] as const,
  ),
  ...['libra', 'libras', 'фунт', 'фунта', 'фунтов'].map((w) => [w, 'pound'] as const),
  ...['крон', 'кроны', 'крона'].map((w) => [w, 'krone'] as const),
])

function nationOf(tokens: readonly Token[], i: number): string | undefined {
  const kinds = NATIONS[NAMED.get(tokens[i]?.text ?? '') ?? '']
  const next = tokens[i + 1]
  if (kinds === undefined || next?.kind !== 'word') return undefined
  return kinds.find(([beginning]) => next.text.startsWith(beginning))?.[1]
}

/** A currency's code that stands by itself, beside no number: "450 a month, bills included (EUR)", "all prices usd". */
const LONE_SIGNS: Readonly<Record<string, string>> = { '€': 'EUR', '£': 'GBP', '₽': 'RUB', '₫': 'VND', '₴': 'UAH', '₹': 'INR' }

export function standingCode(tokens: readonly Token[]): string | undefined {
  let found: string | undefined
  for (let i = 0; i < tokens.length; i++) {
    const { kind, text } = tokens[i] as Token
    // "650/mes gastos incluidos €": a sign that touches no number.
    const sign = kind === 'sign' ? LONE_SIGNS[text] : undefined
    if (sign !== undefined && tokens[i - 1]?.kind !== 'number' && tokens[i + 1]?.kind !== 'number') {
      if (found !== undefined && found !== sign) return undefined
      found = sign
      continue
    }
    if (kind !== 'word' || text.length !== 3 || !CODES.has(text) || WORDLIKE.has(text) || COINS.has(codeOf(text))) continue
    if (tokens[i - 1]?.kind === 'number' || tokens[i + 1]?.kind === 'number' || tokens[i - 1]?.kind === 'sign') continue
    if (found !== undefined && found !== codeOf(text)) return undefined
    found = codeOf(text)
  }
  return found
}
