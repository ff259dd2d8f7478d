import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { PeerAddr } from './transport.ts'

/** How often the own address is read: watchers of the binding abort the process (discovery 17.5), so it is polled. */
const PHASES = [
  { untilMs: 30_000, everyMs: 1_000 },
  { untilMs: 300_000, everyMs: 5_000 },
  { untilMs: Number.POSITIVE_INFINITY, everyMs: 30_000 },
] as const

export interface OwnAddressInit {
  readonly read: () => PeerAddr
  readonly clock: Clock
  readonly log: Logger
}

/** The own address, polled often after the start and rarely later; tells listeners about changes. */
export class OwnAddress {
  readonly #init: OwnAddressInit
  readonly #listeners = new Set<(addr: PeerAddr) => void>()
  #current: PeerAddr
  #text: string
  #cancel = (): void => {}

  constructor(init: OwnAddressInit) {
    this.#init = init
    this.#current = init.read()
    this.#text = textOf(this.#current)
  }

  get current(): PeerAddr {
    return this.#current
  }

  onChange(listener: (addr: PeerAddr) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  start(): void {
    this.#poll(this.#init.clock.monotonic())
  }

  stop(): void {
    this.#cancel()
  }

  #poll(startedAt: number): void {
    const { clock } = this.#init
    this.#refresh()
    const age = clock.monotonic() - startedAt
    const phase = PHASES.find(({ untilMs }) => age < untilMs) ?? PHASES[2]
    this.#cancel = clock.after(phase.everyMs, () => this.#poll(startedAt))
  }

  #refresh(): void {
    const { log, read } = this.#init
    const addr = read()
    const text = textOf(addr)
    if (text === this.#text) return
    this.#current = addr
    this.#text = text
    log.info({ ev: 'own-address', direct: addr.direct.length, relay: addr.relayUrl !== undefined }, 'own address changed')
    for (const listener of [...this.#listeners]) {
      try {
        listener(addr)
      } catch (err) {
        log.error({ ev: 'own-address-listener', err }, 'a listener failed')
      }
    }
  }
}

function textOf({ direct, relayUrl }: PeerAddr): string {
  return [relayUrl ?? '', ...direct.toSorted()].join(' ')
}
