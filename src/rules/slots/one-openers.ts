// Words of amounts that count one, or a half, of what has a name.

/** One and a half of each: "palo y medio". */
export const ONE: ReadonlyMap<string, readonly [value: string, code: string | undefined]> = new Map(
  Object.entries({
    palo: ['1500000', undefined],
    millón: ['1500000', undefined],
    millon: ['1500000', undefined],
    milhão: ['1500000', undefined],
    luca: ['1500', undefined],
    euro: ['1.5', 'EUR'],
    real: ['1.5', 'BRL'],
  } as const),
)
/** What half of each is worth. */
export const HALF_OF: ReadonlyMap<string, string> = new Map(
  Object.entries({
    palo: '500000',
    millón: '500000',
    millon: '500000',
    milhão: '500000',
    million: '500000',
    mil: '500000',
    миллиона: '500000',
    ляма: '500000',
    luca: '500',
    grand: '500',
    косаря: '500',
    тыщи: '500',
  }),
)
export const COINS_OF: ReadonlyMap<string, string> = new Map(
  Object.entries({
    dollar: 'USD',
    buck: 'USD',
    pound: 'GBP',
    quid: 'GBP',
    euro: 'EUR',
    dólar: 'USD',
    real: 'BRL',
    sol: 'PEN',
  }),
)
/** Of them those that begin an amount themselves. */
export const BARE = new Set(['dollar', 'buck', 'pound', 'quid'])
export const ARTICLES = new Set(['a', 'un', 'um'])
export const HALF = new Set(['half', 'medio', 'media', 'meio', 'meia', 'пол'])
/** Words such an amount begins with. */
export const ONE_OPENERS: ReadonlySet<string> = new Set([...ONE.keys(), ...BARE, ...ARTICLES, ...HALF])
