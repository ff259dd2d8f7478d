import { ManualClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { seededRng } from '../../../src/base/random.ts'
import type { Envelope } from '../../../src/bridges/model/message.ts'
import { plain } from '../../../src/bridges/model/rich-text.ts'
import type { BridgeSink, SendRequest } from '../../../src/bridges/port.ts'
import {
  MemoryWebChatStore,
  WebChatBridge,
  type WebChatBridgeOptions,
  type WebChatSession,
} from '../../../src/bridges/webchat/index.ts'
import type { ServerMessage, WireMessage } from '../../../src/bridges/webchat/protocol.ts'

type Of<T extends ServerMessage['type']> = Extract<ServerMessage, { type: T }>

/** Lets everything that is ready run: the bridge waits for nothing but promises and the test's clock. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((done) => setImmediate(done))
}

/** A page as the bridge sees it, with what a person at it sees. */
export class FakePage implements WebChatSession {
  readonly remoteAddress: string
  bufferedBytes = 0
  readonly got: ServerMessage[] = []
  closedWith: { code: number; reason: string } | undefined
  #onMessage: (text: string) => void = () => {}
  #onClose: () => void = () => {}
  #ids = 0

  constructor(bridge: WebChatBridge, address = '127.0.0.1') {
    this.remoteAddress = address
    bridge.connect(this)
  }

  send(text: string): void {
    this.got.push(JSON.parse(text) as ServerMessage)
  }

  close(code: number, reason: string): void {
    this.closedWith = { code, reason }
    this.#onClose()
  }

  onMessage(handler: (text: string) => void): void {
    this.#onMessage = handler
  }

  onClose(handler: () => void): void {
    this.#onClose = handler
  }

  /** The network drops the connection. */
  drop(): void {
    this.#onClose()
  }

  raw(text: string): void {
    this.#onMessage(text)
  }

  tell(message: object): void {
    this.raw(JSON.stringify(message))
  }

  all<T extends ServerMessage['type']>(type: T): Of<T>[] {
    return this.got.filter((m): m is Of<T> => m.type === type)
  }

  last<T extends ServerMessage['type']>(type: T): Of<T> {
    const found = this.all(type).at(-1)
    if (!found) throw new Error(`no ${type} among ${JSON.stringify(this.got)}`)
    return found
  }

  async enter(client: string, name: string, room = 'lobby', since?: { epoch: string; version: number }): Promise<this> {
    this.tell({ type: 'hello', version: 1, client: client.padEnd(16, '0'), name })
    this.tell({ type: 'join', room, ...(since ? { since } : {}) })
    await settle()
    return this
  }

  /** Says something; answers the operation id. */
  say(text: string, more: object = {}): string {
    const id = `op-${String(++this.#ids).padStart(8, '0')}`
    this.tell({ type: 'send', id, room: 'lobby', text, ...more })
    return id
  }

  /** The room as the page shows it after all changes. */
  shown(): WireMessage[] {
    const list = new Map<string, WireMessage>()
    for (const m of this.got) {
      if (m.type === 'joined') {
        if (m.reset) list.clear()
        for (const message of m.messages) list.set(message.id, message)
      } else if (m.type === 'message') list.set(m.message.id, m.message)
    }
    return [...list.values()].filter((m) => !m.deleted)
  }

  lines(): string[] {
    return this.shown().map((m) => `${m.author.name}: ${m.text.map((t) => t.text).join('')}`)
  }
}

export class RecordingSink implements BridgeSink {
  readonly envelopes: Envelope[] = []
  readonly batches: number[] = []
  fail = false

  async ingest(batch: readonly Envelope[]): Promise<void> {
    if (this.fail) throw new Error('database away')
    this.batches.push(batch.length)
    this.envelopes.push(...batch)
  }
}

export interface Setup {
  readonly clock: ManualClock
  readonly sink: RecordingSink
  readonly store: MemoryWebChatStore
  readonly bridge: WebChatBridge
}

export function setup(more: Partial<WebChatBridgeOptions> = {}, seed = 1): Setup {
  const clock = new ManualClock()
  const sink = new RecordingSink()
  const store = new MemoryWebChatStore()
  const bridge = new WebChatBridge({
    sink,
    store,
    log: nullLogger,
    rooms: () => ['lobby', 'Goods'],
    clock,
    rng: seededRng(seed),
    ...more,
  })
  return { clock, sink, store, bridge }
}

let deliveries = 0

export function delivery(text: string, more: Partial<SendRequest> = {}): SendRequest {
  deliveries++
  return {
    op: 'create',
    deliveryId: `d${deliveries}`,
    idemKey: `idem-${deliveries}`,
    attempt: 0,
    place: { network: 'web', account: 'main', channel: 'lobby' },
    author: { key: 'discord:1', displayName: 'Dora', isBot: false, kind: 'user' },
    identity: 'webhook',
    body: { rich: plain(text), attachments: [] },
    parts: [],
    occurredAt: 1_750_000_000_000,
    onPart: async () => {},
    ...more,
  }
}
