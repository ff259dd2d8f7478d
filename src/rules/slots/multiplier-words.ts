// Words that say how large the number before them is.

export const THOUSAND_WORDS = new Set([
  'grand',
  'mil',
  'тыс',
  'тысяч',
  'тысячи',
  'тысяча',
  'тыщ',
  'тыщи',
  'тр',
  'т.р',
  'т',
  'косарей',
  'косаря',
  'косарь',
  'косарик',
  'косариков',
  'штукарей',
  'тыр',
  'тыща',
  'тыщу',
  'lucas',
  'luca',
  'lukas',
  'штук',
  'thousand',
  'tho',
])
export const VI_THOUSAND = new Set(['nghìn', 'ngàn', 'nghin', 'ngan', 'ng', 'cành'])
export const VI_MILLION = new Set(['tr', 'triệu', 'trieu', 'củ', 'chai', 'cu', 'trịu', 'trẹo', 'khoai', 'tr.'])
export const MILLION_WORDS = new Set([
  'million',
  'millions',
  'mil',
  'mio',
  'mn',
  'mln',
  'млн',
  'миллион',
  'миллиона',
  'миллионов',
  'лям',
  'ляма',
  'лямов',
  'мильён',
  'millones',
  'millón',
  'milhão',
  'milhões',
  'milhoes',
])
/** Shorter ones, and those that need more around them. */
const OTHERS = 'k к кк т.р. m mm tỷ tỉ ty lít lit xị p hundred hundo сотен сотни lakh lakhs lac crore crores cr'.split(' ')

/** Every word a multiplier begins with: `multiplierAt` looks at no other. */
export const MULTIPLIERS: ReadonlySet<string> = new Set([
  ...THOUSAND_WORDS,
  ...VI_THOUSAND,
  ...VI_MILLION,
  ...MILLION_WORDS,
  ...OTHERS,
])
