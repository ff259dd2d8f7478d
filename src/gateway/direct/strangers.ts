import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import { sanitizeName } from '../../bridges/format/sanitize.ts'
import type { PeerPort } from '../../bridges/p2p/port.ts'
import type { Approval } from '../commands/approvals.ts'

/** Strangers remembered, and for how long (k2-application 7.3: asked about, never added by themselves). */
const MAX_STRANGERS = 100
const KEEP_MS = 7 * 24 * 3600_000
const MAX_NAME = 64
const MAX_EXCERPT = 80

interface Stranger {
  readonly name: string
  readonly excerpt: string
  readonly at: number
}

export interface StrangersOptions {
  readonly port: Pick<PeerPort, 'observe'>
  readonly isContact: (peer: string) => boolean
  readonly clock: Clock
}

/** Nodes that wrote a direct message and are no contacts: an administrator decides. In memory: they write again. */
export class Strangers implements Lifecycle {
  readonly name = 'strangers'
  readonly #options: StrangersOptions
  readonly #known = new BoundedMap<string, Stranger>({ max: MAX_STRANGERS, ttlMs: KEEP_MS })
  #unsubscribe = (): void => {}

  constructor(options: StrangersOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { port, clock } = this.#options
    this.#unsubscribe = port.observe(async (update) => {
      if (update.kind !== 'chat' || update.message.topic !== undefined || update.message.senderClass !== 'verified') return
      const { peerId, senderName = '', text } = update.message
      if (this.#options.isContact(peerId)) return
      const excerpt = sanitizeName(text, MAX_EXCERPT)
      this.#known.set(peerId, { name: sanitizeName(senderName, MAX_NAME), excerpt, at: clock.now() }, clock.now())
    })
  }

  async stop(): Promise<void> {
    this.#unsubscribe()
  }

  readonly approvals = async (): Promise<readonly Approval[]> => {
    this.#known.sweep(this.#options.clock.now())
    return [...this.#known.entries()]
      .filter(([id]) => !this.#options.isContact(id))
      .map(([id, { name, excerpt, at }]) => ({
        kind: 'contact',
        id,
        from: name === '' ? id.slice(0, 8) : `${name} (${id.slice(0, 8)})`,
        what: excerpt,
        since: at,
        until: at + KEEP_MS,
        approve: `contact add ${id} ${id.slice(0, 8)}`,
        reject: `peer block ${id}`,
      }))
  }
}
