import type { Clock } from '../../base/clock.ts'
import { errorCode, isK2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { type Rng, unit } from '../../base/random.ts'
import { idBytes, type PeerId } from '../ids.ts'
import type { Verify } from '../keys/ed25519.ts'
import type { Identity } from '../keys/identity.ts'
import { type AddrScope, readAddr } from '../net/addr-scope.ts'
import type { AddressLookup } from '../net/dial-race.ts'
import type { PeerAddr } from '../net/transport.ts'
import type { DhtClient } from './dht-client.ts'
import type { DhtItem } from './dht-messages.ts'
import { addrOfRecord, checkSignedRecord, type SignedRecord, signRecord } from './signed-record.ts'

/** Nodes of the DHT drop items after two hours (discovery 11). */
const REPUBLISH_MS = 3_600_000
/** Own addresses change several times while a node starts. */
const SETTLE_MS = 2_000
const RETRY_MS = 60_000
const MAX_RETRY_MS = 1_800_000
const JITTER = 0.1
/** A first answer waits this long for a newer one. */
const NEWER_MS = 700
/** Records of nodes that were last heard of earlier lead nowhere. */
const MAX_AGE_MS = 24 * 3_600_000

export interface DhtRecordsOptions {
  readonly client: DhtClient
  readonly identity: Pick<Identity, 'id' | 'sign'>
  readonly verify: Verify
  readonly clock: Clock
  readonly rng: Rng
  readonly log: Logger
  /** Own address as known now. */
  readonly own: () => PeerAddr
  /** Addresses that are published, and those that are believed. */
  readonly scopes: ReadonlySet<AddrScope>
}

export interface DhtRecordStats {
  readonly published: number
  readonly resolved: number
  readonly unresolved: number
  readonly lastError: string | undefined
}

/** Endpoint records in the mainline DHT: finds those of others, keeps the own one alive (discovery 11). */
export class DhtRecords implements AddressLookup {
  readonly #options: DhtRecordsOptions
  readonly #counts = { published: 0, resolved: 0, unresolved: 0 }
  readonly #stopped = new AbortController()
  #cancel = (): void => {}
  #work: Promise<void> = Promise.resolve()
  #failures = 0
  #lastError: string | undefined
  /** What was published last, to be sent again unchanged. */
  #record: SignedRecord | undefined
  #recordText = ''

  constructor(options: DhtRecordsOptions) {
    this.#options = options
  }

  stats(): DhtRecordStats {
    return { ...this.#counts, lastError: this.#lastError }
  }

  /** The newest genuine record of a node, as far as its addresses may be believed. */
  async resolve(peer: PeerId, { signal }: { readonly signal: AbortSignal }): Promise<PeerAddr | undefined> {
    const { client, clock } = this.#options
    const enough = new AbortController()
    let newest: SignedRecord | undefined
    let cancel = (): void => {}
    const take = (item: DhtItem): void => {
      const record = this.#genuine(peer, item)
      if (record === undefined || (newest !== undefined && newest.stamp >= record.stamp)) return
      if (newest === undefined) cancel = clock.after(NEWER_MS, () => enough.abort())
      newest = record
    }
    try {
      await client.get(idBytes(peer), take, AbortSignal.any([signal, enough.signal, this.#stopped.signal]))
    } catch (error) {
      if (!enough.signal.aborted) throw error
    } finally {
      cancel()
    }
    const addr = newest === undefined ? undefined : this.#readable(newest)
    this.#counts[addr === undefined ? 'unresolved' : 'resolved']++
    return addr
  }

  /** Publishes the own addresses now, again when they change, and every hour. */
  start(): void {
    this.#later(SETTLE_MS)
  }

  addrChanged(): void {
    if (this.#stopped.signal.aborted || textOf(this.#publicAddr()) === this.#recordText) return
    this.#failures = 0
    this.#later(SETTLE_MS)
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    this.#cancel()
    await this.#options.client.close()
    await this.#work
  }

  #later(ms: number): void {
    this.#cancel()
    if (this.#stopped.signal.aborted) return
    const { clock, rng } = this.#options
    this.#cancel = clock.after(ms * (1 + JITTER * (2 * unit(rng) - 1)), () => {
      this.#work = this.#work.then(() => this.#publish())
    })
  }

  /** Never rejects. */
  async #publish(): Promise<void> {
    const addr = this.#publicAddr()
    // Nobody can be reached at nothing; the change to come brings us back.
    if (addr.direct.length === 0 && addr.relayUrl === undefined) return
    const { client, identity, log } = this.#options
    try {
      const taken = await client.put(idBytes(identity.id), (held) => this.#itemOf(addr, held), this.#stopped.signal)
      if (taken === 0) throw new Error('no node of the DHT took the record')
      this.#counts.published++
      this.#failures = 0
      this.#lastError = undefined
      this.#later(REPUBLISH_MS)
    } catch (error) {
      if (this.#stopped.signal.aborted) return
      this.#lastError = errorCode(error, 'LOOKUP_NOT_TAKEN')
      log.debug({ ev: 'dht-not-published', code: this.#lastError }, 'the own record was not published')
      this.#later(Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** Math.min(this.#failures++, 10)))
    }
  }

  /** The same item as before while nothing has changed; else one that is newer than any the DHT holds, whatever our clock says. */
  #itemOf(addr: PeerAddr, held: readonly DhtItem[]): DhtItem {
    const { identity, clock } = this.#options
    const stamps = held.flatMap((item) => this.#genuine(identity.id, item)?.stamp ?? [])
    const newest = [this.#record?.stamp ?? 0n, ...stamps].reduce((a, b) => (a > b ? a : b))
    const text = textOf(addr)
    if (this.#record === undefined || text !== this.#recordText || newest > this.#record.stamp) {
      const now = BigInt(Math.floor(clock.now())) * 1000n
      this.#record = signRecord(identity, addr, now > newest ? now : newest + 1n)
      this.#recordText = text
    }
    const { stamp, signature, dns } = this.#record
    return { key: idBytes(identity.id), seq: stamp, signature, value: dns }
  }

  #genuine(id: PeerId, { seq, signature, value }: DhtItem): SignedRecord | undefined {
    try {
      if (seq >= 1n << 63n) return undefined
      return checkSignedRecord({ id, stamp: seq, signature, dns: value }, this.#options.verify)
    } catch (error) {
      if (!isK2Error(error)) throw error
      return undefined // somebody else's idea of a record
    }
  }

  #readable(record: SignedRecord): PeerAddr | undefined {
    const age = BigInt(Math.floor(this.#options.clock.now())) - record.stamp / 1000n
    if (age > BigInt(MAX_AGE_MS)) return undefined
    try {
      const addr = this.#within(addrOfRecord(record))
      return addr.direct.length === 0 && addr.relayUrl === undefined ? undefined : addr
    } catch (error) {
      if (!isK2Error(error)) throw error
      return undefined // signed, and still no record we understand
    }
  }

  #publicAddr(): PeerAddr {
    return this.#within(this.#options.own())
  }

  #within(addr: PeerAddr): PeerAddr {
    const inScope = (text: string): boolean => {
      const read = readAddr(text)
      return read !== undefined && this.#options.scopes.has(read.scope)
    }
    return { ...addr, direct: addr.direct.filter(inScope) }
  }
}

const textOf = ({ relayUrl, direct }: PeerAddr): string => [relayUrl ?? '', ...direct.toSorted()].join(' ')
