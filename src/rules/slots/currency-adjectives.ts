import type { Token } from '../text/model.ts'
import { textAt } from '../text/token-at.ts'
import { NAMED, SHARED } from './currency-shared.ts'
import { LARGE_ONLY, WORDS } from './currency-words.ts'

// Countries named before their money: "бел. рублей", "канадских долларов", "Kenyan shillings".

const RUSSIAN: Readonly<Record<string, string>> = {
  белорусск: 'BYN',
  российск: 'RUB',
  канадск: 'CAD',
  американск: 'USD',
  австралийск: 'AUD',
  гонконгск: 'HKD',
  сингапурск: 'SGD',
  тайваньск: 'TWD',
  чешск: 'CZK',
  шведск: 'SEK',
  норвежск: 'NOK',
  датск: 'DKK',
  исландск: 'ISK',
  турецк: 'TRY',
  швейцарск: 'CHF',
  сербск: 'RSD',
  грузинск: 'GEL',
  армянск: 'AMD',
  азербайджанск: 'AZN',
  казахск: 'KZT',
  казахстанск: 'KZT',
  киргизск: 'KGS',
  кыргызск: 'KGS',
  узбекск: 'UZS',
  украинск: 'UAH',
  польск: 'PLN',
  английск: 'GBP',
  египетск: 'EGP',
}
const ENDINGS = ['их', 'ий', 'ие', 'ими', 'ого', 'ая', 'ую', 'ой']
const OTHERS: Readonly<Record<string, string>> = {
  бел: 'BYN',
  рос: 'RUB',
  росс: 'RUB',
  амер: 'USD',
  канад: 'CAD',
  австр: 'AUD',
  đài: 'TWD',
  us: 'USD',
  american: 'USD',
  canadian: 'CAD',
  cdn: 'CAD',
  aussie: 'AUD',
  australian: 'AUD',
  nz: 'NZD',
  kiwi: 'NZD',
  singapore: 'SGD',
  sing: 'SGD',
  hk: 'HKD',
  taiwan: 'TWD',
  jamaican: 'JMD',
  trini: 'TTD',
  namibian: 'NAD',
  kenyan: 'KES',
  kenya: 'KES',
  ugandan: 'UGX',
  tanzanian: 'TZS',
  swiss: 'CHF',
  czech: 'CZK',
  swedish: 'SEK',
  norwegian: 'NOK',
  danish: 'DKK',
  icelandic: 'ISK',
  turkish: 'TRY',
  mexican: 'MXN',
  philippine: 'PHP',
  filipino: 'PHP',
  argentine: 'ARS',
  argentinian: 'ARS',
  colombian: 'COP',
  chilean: 'CLP',
  uruguayan: 'UYU',
  dominican: 'DOP',
  egyptian: 'EGP',
  british: 'GBP',
  indian: 'INR',
  pakistani: 'PKR',
  nepali: 'NPR',
  lankan: 'LKR',
  serbian: 'RSD',
  jordanian: 'JOD',
  kuwaiti: 'KWD',
  tunisian: 'TND',
  saudi: 'SAR',
  qatari: 'QAR',
  omani: 'OMR',
  moroccan: 'MAD',
  emirati: 'AED',
}
export const ADJECTIVES: ReadonlyMap<string, string> = new Map([
  ...Object.entries(OTHERS),
  ...Object.entries(RUSSIAN).flatMap(([stem, code]) => ENDINGS.map((end) => [stem + end, code] as const)),
])

/** Where the money ends whose country token i names; undefined where no money follows. */
export function countryAhead(tokens: readonly Token[], i: number): { readonly code: string; readonly end: number } | undefined {
  const code = ADJECTIVES.get(textAt(tokens, i))
  if (code === undefined) return undefined
  const at = textAt(tokens, i + 1) === '.' ? i + 2 : i + 1
  const noun = tokens[at]
  if (noun?.kind !== 'word') return undefined
  const money = WORDS.has(noun.text) || SHARED.has(noun.text) || NAMED.has(noun.text) || LARGE_ONLY.has(noun.text)
  if (!money) return undefined
  return { code, end: noun.text === 'руб' && textAt(tokens, at + 1) === '.' ? at + 2 : at + 1 }
}
