export { DiscordBridge, type DiscordBridgeOptions, type DiscordStats } from './bridge.ts'
export type { CatchUpLimits } from './catch-up.ts'
export type { KnownCopies } from './execute-create.ts'
export type { WebhookRecord, WebhookRegistry } from './webhook-registry.ts'
