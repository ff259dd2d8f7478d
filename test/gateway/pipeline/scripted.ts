import type { Health } from '../../../src/base/lifecycle.ts'
import { eventIdOf } from '../../../src/bridges/model/event-id.ts'
import type { Author, Body, BridgeEvent, Envelope } from '../../../src/bridges/model/message.ts'
import type { NativeRef, Network, Place } from '../../../src/bridges/model/place.ts'
import { plain } from '../../../src/bridges/model/rich-text.ts'
import type { Bridge, Capabilities, NativePart, SendOutcome, SendRequest } from '../../../src/bridges/port.ts'
import type { RouteDefinition } from '../../../src/gateway/pipeline/index.ts'

export const CAPABLE: Capabilities = { maxText: 2000, edit: true, delete: true, reply: true, senderName: true }

/** One native message on the scripted platform, as a person there sees it. */
export interface Shown {
  readonly id: string
  text: string
  author: string
  readonly idemKey: string
  replyTo?: string
}

export type Script = (
  request: SendRequest,
  call: number,
  signal: AbortSignal,
) => SendOutcome | 'ok' | 'lost' | Promise<SendOutcome | 'ok' | 'lost'>

/**
 * A platform in the process: keeps what was sent per channel, and answers as its script says. `ok` does what was asked,
 * `lost` does it too but the answer never arrives. With `probes` it recognises what an earlier attempt sent, as Discord does.
 */
export class ScriptedBridge implements Bridge {
  readonly name: string
  readonly network: Network
  readonly account: string
  readonly capabilities: Capabilities
  readonly channels = new Map<string, Shown[]>()
  readonly requests: SendRequest[] = []
  script: Script = () => 'ok'
  probes = true
  inflight = new Map<string, number>()
  overlaps = 0
  #next = 1
  #calls = 0
  #watchers: (() => void)[] = []

  constructor(network: Network, account: string, capabilities: Partial<Capabilities> = {}) {
    this.name = `${network}/${account}`
    this.network = network
    this.account = account
    this.capabilities = { ...CAPABLE, ...capabilities }
  }

  health(): Health {
    return { status: 'ok' }
  }

  shown(channel: string): Shown[] {
    let list = this.channels.get(channel)
    if (list === undefined) {
      list = []
      this.channels.set(channel, list)
    }
    return list
  }

  texts(channel: string): string[] {
    return this.shown(channel).map((m) => m.text)
  }

  get total(): number {
    return [...this.channels.values()].reduce((n, list) => n + list.length, 0)
  }

  /** Resolves when the condition holds; it is looked at after every change. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#watchers.push(resolve))
  }

  async send(request: SendRequest, signal: AbortSignal): Promise<SendOutcome> {
    this.requests.push(request)
    const { channel } = request.place
    const now = (this.inflight.get(channel) ?? 0) + 1
    this.inflight.set(channel, now)
    if (now > 1) this.overlaps++
    this.#changed()
    try {
      const answer = await this.script(request, ++this.#calls, signal)
      if (answer === 'ok') return { kind: 'done', parts: this.#perform(request) }
      if (answer === 'lost') {
        this.#perform(request)
        return { kind: 'ambiguous', code: 'TIMEOUT', message: 'no answer' }
      }
      return answer
    } finally {
      this.inflight.set(channel, (this.inflight.get(channel) ?? 1) - 1)
      this.#changed()
    }
  }

  #changed(): void {
    for (const watcher of this.#watchers.splice(0)) watcher()
  }

  #perform(request: SendRequest): NativePart[] {
    const list = this.shown(request.place.channel)
    const text = request.body?.rich.text ?? ''
    if (request.op === 'delete') {
      for (const part of request.parts) {
        const at = list.findIndex((m) => m.id === part.ref.id)
        if (at >= 0) list.splice(at, 1)
      }
      return []
    }
    if (request.op === 'edit') {
      for (const part of request.parts) {
        const found = list.find((m) => m.id === part.ref.id)
        if (found) found.text = text
      }
      return [...request.parts]
    }
    const known =
      this.probes && request.ambiguousSince !== undefined ? list.find((m) => m.idemKey === request.idemKey) : undefined
    const message: Shown = known ?? {
      id: String(this.#next++),
      text,
      author: request.author.displayName,
      idemKey: request.idemKey,
      ...(request.reply?.ref && { replyTo: request.reply.ref.id }),
    }
    if (known === undefined) list.push(message)
    return [{ part: 0, ref: refOf(request.place, message.id) }]
  }
}

export function refOf(place: Place, id: string): NativeRef {
  const { network, account, channel, thread } = place
  return { network, account, channel, id, ...(thread !== undefined && { thread }) }
}

export const person: Author = { key: 'telegram:7001', displayName: 'Ann', isBot: false, kind: 'user' }
export const telegram = (channel = '-1001', account = 'tg'): Place => ({ network: 'telegram', account, channel })
export const discord = (channel = '500000000000000001', account = 'dc'): Place => ({
  network: 'discord',
  account,
  space: '400000000000000001',
  channel,
})

export function body(text: string): Body {
  return { rich: plain(text), attachments: [] }
}

/** An event as a bridge would build it. */
export function envelope(
  at: Place,
  id: string,
  event: BridgeEvent,
  over: {
    readonly author?: Author
    readonly at?: number
    readonly via?: readonly string[]
    readonly discriminator?: string
  } = {},
): Envelope {
  const msg = refOf(at, id)
  const time = over.at ?? Date.now()
  return {
    v: 1,
    eventId: eventIdOf(msg, event.kind, over.discriminator ?? ''),
    account: at.account,
    at,
    msg,
    author: over.author ?? person,
    occurredAt: time,
    receivedAt: time,
    event,
    via: over.via ?? [],
  }
}

type Over = NonNullable<Parameters<typeof envelope>[3]>

export function create(at: Place, id: string, text: string, over: Over & { readonly replyTo?: NativeRef } = {}): Envelope {
  const { replyTo, ...rest } = over
  return envelope(at, id, { kind: 'message.create', body: body(text), ...(replyTo && { replyTo: { ref: replyTo } }) }, rest)
}

export function edit(at: Place, id: string, text: string, over: Over = {}): Envelope {
  const editedAt = over.at ?? Date.now()
  return envelope(
    at,
    id,
    { kind: 'message.edit', body: body(text), editedAt, revisionKey: text },
    { discriminator: text, ...over },
  )
}

export function remove(at: Place, id: string, over: Over = {}): Envelope {
  return envelope(at, id, { kind: 'message.delete' }, over)
}

export function route(id: string, places: readonly Place[], over: Partial<RouteDefinition> = {}): RouteDefinition {
  return {
    id,
    members: places.map((place) => ({ place, direction: 'both', identity: 'webhook' })),
    bots: 'none',
    maxAge: 86_400_000,
    p2pEdits: 'resend',
    allowChain: false,
    ...over,
  }
}
