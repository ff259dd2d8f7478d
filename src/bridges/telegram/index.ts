export { TelegramBridge } from './bridge.ts'
export type { AmbiguousPolicy } from './execute.ts'
export type { TelegramRates } from './limits.ts'
export type { TelegramBridgeOptions, TelegramStats } from './options.ts'
