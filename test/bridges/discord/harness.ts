import { deferred, withDeadline } from '../../../src/base/async.ts'
import type { Logger } from '../../../src/base/logger.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { Secret } from '../../../src/base/secret.ts'
import type { Cursor, CursorStore } from '../../../src/bridges/cursor.ts'
import {
  DiscordBridge,
  type DiscordBridgeOptions,
  type WebhookRecord,
  type WebhookRegistry,
} from '../../../src/bridges/discord/index.ts'
import type { CommandSpec, InteractionHandler, Notice } from '../../../src/bridges/interaction.ts'
import type { Body, Envelope } from '../../../src/bridges/model/message.ts'
import type { Place } from '../../../src/bridges/model/place.ts'
import { plain } from '../../../src/bridges/model/rich-text.ts'
import { OwnIdentities } from '../../../src/bridges/own-identities.ts'
import type { BridgeSink, NativePart, SendOutcome, SendRequest } from '../../../src/bridges/port.ts'
import { FakeDiscord, type FakeDiscordOptions } from '../../fakes/discord/server.ts'

/** Keeps cursors, like the database would: only what was committed. */
export class MemoryCursors implements CursorStore {
  readonly values = new Map<string, string>()

  async get(account: string, stream: string): Promise<string | undefined> {
    return this.values.get(`${account} ${stream}`)
  }

  async set(cursor: Cursor): Promise<void> {
    this.values.set(`${cursor.account} ${cursor.stream}`, cursor.value)
  }
}

class MemoryWebhooks implements WebhookRegistry {
  records: WebhookRecord[] = []

  async list(account: string): Promise<readonly WebhookRecord[]> {
    return this.records.filter((r) => r.account === account)
  }

  async save(record: WebhookRecord): Promise<void> {
    this.records = [...this.records.filter((r) => r.account !== record.account || r.channel !== record.channel), record]
  }

  async remove(account: string, id: string): Promise<void> {
    this.records = this.records.filter((r) => r.account !== account || r.id !== id)
  }
}

/** An inbox: takes each event id once, remembers order, can be told to fail. */
export class MemorySink implements BridgeSink {
  readonly events: Envelope[] = []
  readonly #cursors: MemoryCursors
  readonly #seen = new Set<string>()
  readonly #checks = new Set<() => void>()
  /** Thrown instead of committing, while set. */
  failure: Error | undefined
  calls = 0
  duplicates = 0

  constructor(cursors: MemoryCursors) {
    this.#cursors = cursors
  }

  async ingest(envelopes: readonly Envelope[], cursors: readonly Cursor[] = []): Promise<void> {
    this.calls++
    for (const check of this.#checks) check()
    if (this.failure) throw this.failure
    for (const envelope of envelopes) {
      if (this.#seen.has(envelope.eventId)) this.duplicates++
      else this.events.push(envelope)
      this.#seen.add(envelope.eventId)
    }
    for (const cursor of cursors) await this.#cursors.set(cursor)
    for (const check of this.#checks) check()
  }

  /** Resolves when `what` holds. */
  async until(what: () => boolean, ms = 15_000): Promise<void> {
    const reached = deferred<void>()
    const check = (): void => {
      if (what()) reached.resolve()
    }
    this.#checks.add(check)
    check()
    try {
      await withDeadline(reached.promise, { ms, what: `waiting for events, ${this.events.length} so far` })
    } finally {
      this.#checks.delete(check)
    }
  }

  async count(n: number, ms?: number): Promise<void> {
    await this.until(() => this.events.length >= n, ms)
  }

  /** Texts of creates, in order. */
  texts(): string[] {
    return this.events.flatMap((e) => (e.event.kind === 'message.create' ? [e.event.body.rich.text] : []))
  }
}

export interface Harness {
  readonly fake: FakeDiscord
  readonly bridge: DiscordBridge
  readonly sink: MemorySink
  readonly cursors: MemoryCursors
  readonly webhooks: MemoryWebhooks
  readonly own: OwnIdentities
  readonly place: Place
  /** Another bridge on the same stores, as after a restart. */
  restart(options?: Partial<DiscordBridgeOptions>): Promise<DiscordBridge>
  stop(): Promise<void>
}

export interface HarnessOptions {
  readonly fake?: FakeDiscordOptions
  readonly bridge?: Partial<DiscordBridgeOptions>
  readonly commands?: { readonly specs: readonly CommandSpec[]; readonly handler: InteractionHandler; readonly welcome?: Notice }
  /** Before the bridge starts. */
  readonly prepare?: (fake: FakeDiscord) => void | Promise<void>
  readonly log?: Logger
}

export async function startHarness(options: HarnessOptions = {}): Promise<Harness> {
  const fake = await FakeDiscord.start({ identifyIntervalMs: 0, ...options.fake })
  await options.prepare?.(fake)
  const cursors = new MemoryCursors()
  const sink = new MemorySink(cursors)
  const webhooks = new MemoryWebhooks()
  const own = new OwnIdentities()
  const place: Place = { network: 'discord', account: 'main', space: fake.info.guild, channel: fake.info.channel }
  const started: DiscordBridge[] = []
  const make = async (more: Partial<DiscordBridgeOptions>): Promise<DiscordBridge> => {
    const bridge = new DiscordBridge({
      account: 'main',
      token: new Secret(fake.info.token),
      apiUrl: fake.info.apiUrl,
      sink,
      own,
      cursors,
      webhooks,
      log: options.log ?? nullLogger,
      places: () => [place],
      ...options.bridge,
      ...more,
    })
    if (options.commands) bridge.interactions(options.commands.specs, options.commands.handler, options.commands.welcome)
    started.push(bridge)
    await bridge.start(new AbortController().signal)
    return bridge
  }
  return {
    fake,
    bridge: await make({}),
    sink,
    cursors,
    webhooks,
    own,
    place,
    restart: async (more = {}) => make(more),
    stop: async () => {
      for (const bridge of started) await bridge.stop()
      await fake.close()
    },
  }
}

export function bodyOf(text: string, more: Partial<Body> = {}): Body {
  return { rich: plain(text), attachments: [], ...more }
}

let deliveries = 0

export function request(place: Place, more: Partial<SendRequest> = {}): SendRequest {
  deliveries++
  return {
    op: 'create',
    deliveryId: `d${deliveries}`,
    idemKey: `k${deliveries}-${Math.floor(performance.timeOrigin)}`,
    attempt: 0,
    place,
    author: { key: 'telegram:7', displayName: 'Bob', isBot: false, kind: 'user' },
    identity: 'webhook',
    body: bodyOf('hello'),
    parts: [],
    occurredAt: 1_750_000_000_000,
    onPart: async () => {},
    ...more,
  }
}

export const never = new AbortController().signal

/** The parts of a successful send. */
export function partsOf(outcome: SendOutcome): readonly NativePart[] {
  if (outcome.kind !== 'done') throw new Error(`not done: ${JSON.stringify(outcome)}`)
  return outcome.parts
}
