import type { Clock } from '../../base/clock.ts'
import { isK2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Rng } from '../../base/random.ts'
import type { PeerId } from '../ids.ts'
import type { PeerAddr } from '../net/transport.ts'
import { decodeMdns, encodeMdnsQuery, encodeMdnsResponse } from './mdns-records.ts'
import { EXPIRY_CHECK_MS, graceMs, MdnsRhythm } from './mdns-rhythm.ts'

/** Peers of one network that are remembered; further ones are ignored, so that made-up ones push nobody out. */
const MAX_PEERS = 1_000
/** Packets read per second: somebody on the network may send without end. */
const MAX_PACKETS_PER_SECOND = 200

/** Where packets go to, and come from: the multicast groups of this machine's networks. */
export interface MulticastPort {
  /** Never rejects or throws: packets may be lost. */
  send(packet: Uint8Array): void
  onPacket(listener: (packet: Uint8Array) => void): void
  close(): Promise<void>
}

export interface MdnsOptions {
  readonly me: PeerId
  readonly port: MulticastPort
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
  /** What others on this network may know of us. */
  readonly own: () => PeerAddr
  /** New, or with other addresses than before. */
  readonly onFound: (addr: PeerAddr) => void
  /** Not heard any more. */
  readonly onGone: (peer: PeerId) => void
}

export interface MdnsStats {
  readonly peers: number
  readonly packets: number
  /** Packets that could not be read. */
  readonly malformed: number
  readonly sent: number
}

interface Known {
  readonly text: string
  heardAt: number
}

/** Tells the local network where this node is, and learns where others are (discovery 12). */
export class Mdns {
  readonly #options: MdnsOptions
  readonly #rhythm: MdnsRhythm
  readonly #known = new Map<PeerId, Known>()
  readonly #counts = { packets: 0, malformed: 0, sent: 0 }
  #cancelDue = (): void => {}
  #cancelExpiry = (): void => {}
  #second = { at: 0, packets: 0 }
  #stopped = false

  constructor(options: MdnsOptions) {
    this.#options = options
    this.#rhythm = new MdnsRhythm(options.rng, options.clock.monotonic())
  }

  start(): void {
    this.#options.port.onPacket((packet) => this.#take(packet))
    this.#plan()
    this.#expireLater()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelDue()
    this.#cancelExpiry()
    await this.#options.port.close()
  }

  stats(): MdnsStats {
    return { ...this.#counts, peers: this.#known.size }
  }

  /** Peers heard lately. */
  peers(): readonly PeerId[] {
    return [...this.#known.keys()]
  }

  get #swarm(): number {
    return this.#known.size + 1
  }

  #plan(): void {
    this.#cancelDue()
    const { clock } = this.#options
    this.#cancelDue = clock.after(this.#rhythm.dueAt - clock.monotonic(), () => {
      const { port, own } = this.#options
      const what = this.#rhythm.due(clock.monotonic(), this.#swarm)
      const packet = what === 'query' ? encodeMdnsQuery() : encodeMdnsResponse(own())
      if (packet !== undefined) {
        port.send(packet)
        this.#counts.sent++
      }
      this.#plan()
    })
  }

  #take(packet: Uint8Array): void {
    const now = this.#options.clock.monotonic()
    if (this.#stopped || !this.#admits(now)) return
    this.#counts.packets++
    let read: ReturnType<typeof decodeMdns>
    try {
      read = decodeMdns(packet)
    } catch (error) {
      if (!isK2Error(error)) throw error
      this.#counts.malformed++
      return
    }
    if (read === undefined) return
    if (read.type === 'query') this.#rhythm.queried(now, this.#swarm)
    else {
      for (const peer of read.peers) this.#heard(peer, now)
      this.#rhythm.answered(read.peers.length, now, this.#swarm)
    }
    this.#plan()
  }

  #admits(now: number): boolean {
    if (now - this.#second.at >= 1_000) this.#second = { at: now, packets: 0 }
    return ++this.#second.packets <= MAX_PACKETS_PER_SECOND
  }

  #heard(addr: PeerAddr, now: number): void {
    if (addr.id === this.#options.me) return
    const known = this.#known.get(addr.id)
    if (known === undefined && this.#known.size >= MAX_PEERS) return
    const text = [addr.relayUrl ?? '', ...addr.direct].join(' ')
    if (known?.text === text) {
      known.heardAt = now
      return
    }
    this.#known.set(addr.id, { text, heardAt: now })
    this.#options.onFound(addr)
  }

  #expireLater(): void {
    const { clock, onGone } = this.#options
    this.#cancelExpiry = clock.after(EXPIRY_CHECK_MS, () => {
      const silentSince = clock.monotonic() - graceMs(this.#known.size)
      for (const [peer, { heardAt }] of this.#known) {
        if (heardAt >= silentSince) continue
        this.#known.delete(peer)
        onGone(peer)
      }
      this.#expireLater()
    })
  }
}
