// Codes, coins and signs of money.

/** Codes that may touch an amount. Those that are also words count in capitals or glued only. */
export const CODES = new Set(
  (
    'usd eur gbp inr vnd jpy rmb cny krw thb php idr myr brl cad aud nzd sgd hkd twd rub uah kzt pln czk huf ron bgn chf try aed sar ils zar ngn ' +
    'byn uah gel amd azn kgs uzs tjs mdl rsd mkd egp dzd tnd ghs ugx tzs rwf xof xaf zmw bwp lkr npr pkr bdt mmk khr mnt ' +
    'hnl gtq nio crc dop jmd ttd pyg ves qar kwd bhd omr lbp iqd aoa mzn cve fjd tmt ' +
    'kes mxn ars clp cop pen uyu nok sek dkk isk btc sats sat eth usdt usdc dai sol ton bnb xmr ltc doge trx xrp ada'
  ).split(' '),
)
export const WORDLIKE = new Set([
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
  'gel',
  'ves',
])
/** Codes that name things where they stand before a number: "GEL-1130". */
export const ONLY_AFTER = new Set(['gel', 'tmt', 'lyd', 'mmk'])
/** Codes that are words, but hardly ones that end a clause behind a number. */
export const PLAIN_AFTER = new Set(['cad', 'aud', 'php', 'sar', 'cop', 'pen', 'ron', 'dai', 'sat', 'gel'])
/** Of them those that a price word or three digits make one: "500 cad shipped", "4,800 php fixed". */
export const CODE_BEFORE: ReadonlySet<string> = new Set(['cad', 'aud', 'php', 'sar', 'cop', 'ron', 'gel'])
export const PRICE_BEHIND: ReadonlySet<string> = new Set(
  'fixed firm shipped posted each ea obo ono neg nego negotiable per only cash total flat max tops or plus incl including takes gone a an per x for at obo'.split(
    ' ',
  ),
)
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

export const SIGNS: Readonly<Record<string, string>> = {
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
  '₵': 'GHS',
  '₾': 'GEL',
  '₼': 'AZN',
  '₲': 'PYG',
  '₡': 'CRC',
  '₭': 'LAK',
  '₮': 'MNT',
  '₨': 'PKR',
  円: 'JPY',
  元: 'CNY',
  块: 'CNY',
}
export const DOLLAR_PREFIX: Readonly<Record<string, string>> = {
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
  gh: 'GHS',
  tt: 'TTD',
  j: 'JMD',
  rd: 'DOP',
  bz: 'BZD',
  fj: 'FJD',
  n: 'NAD',
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
