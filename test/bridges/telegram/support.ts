import { deferred } from '../../../src/base/async.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { Secret } from '../../../src/base/secret.ts'
import type { Body, Envelope } from '../../../src/bridges/model/message.ts'
import { plain } from '../../../src/bridges/model/rich-text.ts'
import { OwnIdentities } from '../../../src/bridges/own-identities.ts'
import type { BridgeSink, NativePart, SendRequest } from '../../../src/bridges/port.ts'
import { TelegramBridge, type TelegramBridgeOptions } from '../../../src/bridges/telegram/index.ts'
import type { FakeTelegram } from '../../fakes/telegram/index.ts'

/** A sink that remembers, and fails when told to. */
export class MemorySink implements BridgeSink {
  readonly envelopes: Envelope[] = []
  readonly batches: number[] = []
  /** Called before a batch is taken; throwing refuses it. */
  before: (batch: readonly Envelope[]) => Promise<void> | void = () => {}
  #watchers = new Set<() => void>()

  async ingest(batch: readonly Envelope[]): Promise<void> {
    await this.before(batch)
    this.envelopes.push(...batch)
    this.batches.push(batch.length)
    for (const watch of this.#watchers) watch()
  }

  /** Texts of the messages so far. */
  texts(): string[] {
    return this.envelopes.map((e) => ('body' in e.event ? e.event.body.rich.text : e.event.kind))
  }

  /** Resolves when that many envelopes are there. */
  async until(count: number): Promise<readonly Envelope[]> {
    const reached = deferred<void>()
    const check = (): void => {
      if (this.envelopes.length >= count) reached.resolve()
    }
    this.#watchers.add(check)
    check()
    await reached.promise
    this.#watchers.delete(check)
    return this.envelopes
  }
}

export interface World {
  readonly fake: FakeTelegram
  readonly token: string
}

export function newBridge(world: World, sink: BridgeSink, more: Partial<TelegramBridgeOptions> = {}): TelegramBridge {
  return new TelegramBridge({
    account: 'main',
    token: new Secret(world.token),
    sink,
    own: new OwnIdentities(),
    log: nullLogger,
    apiRoot: world.fake.url,
    rates: 'off',
    ...more,
  })
}

let deliveries = 0

export function request(channel: number | string, text: string | Body, more: Partial<SendRequest> = {}): SendRequest {
  deliveries++
  return {
    op: 'create',
    deliveryId: `d${deliveries}`,
    idemKey: `k${deliveries}`,
    attempt: 0,
    place: { network: 'telegram', account: 'main', channel: String(channel) },
    author: { key: 'discord:1', displayName: 'Ann', isBot: false, kind: 'user' },
    identity: 'bot',
    body: typeof text === 'string' ? { rich: plain(text), attachments: [] } : text,
    parts: [],
    occurredAt: Date.UTC(2025, 5, 1, 12, 3),
    onPart: async () => {},
    ...more,
  }
}

export function partAt(channel: number | string, id: number | string, part = 0): NativePart {
  return { part, ref: { network: 'telegram', account: 'main', channel: String(channel), id: String(id) } }
}
