export { TelegramBridge, type TelegramBridgeOptions, type TelegramStats } from './bridge.ts'
export type { AmbiguousPolicy } from './execute.ts'
export type { TelegramRates } from './limits.ts'
