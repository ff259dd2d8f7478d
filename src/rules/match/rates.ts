/** Exchange rates of one moment: units of each currency for one unit of `base` (section 12.4). Injected, never fetched here. */
export interface Rates {
  readonly base: string
  /** When they were valid, ms since the epoch. */
  readonly time: number
  readonly rates: Readonly<Record<string, number>>
}

const MAX_AGE_MS = 7 * 86_400_000
const DOLLAR_COINS = new Set(['USDT', 'USDC', 'DAI'])
const SATS_PER_BTC = 1e8

/** Converts between currencies at one moment; answers undefined where no usable rate is known. */
export interface Converter {
  readonly base: string
  /** Factor from one currency to another. */
  factor(from: string, to: string): number | undefined
}

/** Rates older than seven days are not used; equal currencies, dollar coins and SATS need none. */
export function converter(rates: Rates | undefined, now: number): Converter {
  const fresh = rates !== undefined && now - rates.time <= MAX_AGE_MS ? rates : undefined
  const base = rates?.base ?? 'USD'
  const perBase = (code: string): number | undefined => {
    if (fresh === undefined) return undefined
    if (code === fresh.base) return 1
    const rate = Object.hasOwn(fresh.rates, code) ? fresh.rates[code] : undefined
    return rate !== undefined && Number.isFinite(rate) && rate > 0 ? rate : undefined
  }
  return {
    base,
    factor(from, to) {
      const [a, aScale] = plain(from)
      const [b, bScale] = plain(to)
      if (a === b) return aScale / bScale
      const [fromRate, toRate] = [perBase(a), perBase(b)]
      return fromRate === undefined || toRate === undefined ? undefined : ((toRate / fromRate) * aScale) / bScale
    },
  }
}

function plain(code: string): readonly [code: string, scale: number] {
  if (code === 'SATS') return ['BTC', 1 / SATS_PER_BTC]
  return [DOLLAR_COINS.has(code) ? 'USD' : code, 1]
}
