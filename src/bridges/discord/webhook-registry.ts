import type { Secret } from '../../base/secret.ts'

/** A webhook this application owns. */
export interface WebhookRecord {
  readonly account: string
  /** The (parent) channel it posts to. */
  readonly channel: string
  readonly id: string
  readonly token: Secret
}

/**
 * Persisted registry of our webhooks, one per account and channel. Loaded before the gateway connects, so that echoes of
 * earlier runs are recognised (bridging 12.2). `save` resolves after the record is durable and replaces the channel's old one.
 */
export interface WebhookRegistry {
  list(account: string): Promise<readonly WebhookRecord[]>
  save(record: WebhookRecord): Promise<void>
  remove(account: string, id: string): Promise<void>
}
