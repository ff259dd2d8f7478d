export { TelegramBridge, type TelegramBridgeOptions, type TelegramStats } from './bridge.ts'
export type { AmbiguousPolicy } from './execute.ts'
export { DEFAULT_RATES, type TelegramRates, UNLIMITED_RATES } from './limits.ts'
