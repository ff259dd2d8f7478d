import type { match } from '../../rules/index.ts'
import type { MarketConfig } from '../config/market.ts'

/** Exchange rates of the configuration, as the rules take them. */
export function ratesOf({ rates }: Pick<MarketConfig, 'rates'>): match.Rates | undefined {
  return rates === undefined ? undefined : { base: rates.base, time: Date.parse(rates.time), rates: rates.rates }
}
