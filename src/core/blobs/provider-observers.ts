import { deferred } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import type { Hash, PeerId } from '../ids.ts'
import type { Connection, SendHalf } from '../net/transport.ts'
import { type Bitfield, encodeBitfield, UNKNOWN_BLOB, updateBetween } from './proto/observe.ts'
import { MAX_BOUNDARIES } from './proto/ranges-seq.ts'
import type { ProviderLimits } from './provider-limits.ts'
import type { BlobReader } from './store.ts'
import { ALL } from './tree/ranges.ts'

interface Observer {
  readonly peer: PeerId
  readonly end: () => void
}

export interface ObserversInit {
  readonly store: BlobReader
  readonly limits: ProviderLimits
  readonly clock: Clock
}

/**
 * Keeps observers up to date (blobs.md 7.3): the present state first, then what is new, until the observer, the connection or
 * its time ends it. The stream stays open after completion as upstream's does. A requester's wish to stop is seen only when
 * something is written, so old observers make room for new ones.
 */
export class Observers {
  readonly #init: ObserversInit
  /** Oldest first. */
  readonly #open = new Set<Observer>()

  constructor(init: ObserversInit) {
    this.#init = init
  }

  get size(): number {
    return this.#open.size
  }

  /** Sends the present state; resolves with what serves the updates until the end. */
  async begin(connection: Connection, hash: Hash, send: SendHalf): Promise<() => Promise<void>> {
    const changed = new Signal()
    const unwatch = this.#init.store.watch(hash, () => changed.set())
    try {
      const first = await this.#stateOf(hash)
      await this.#send(send, first)
      return () => this.#follow(connection, hash, send, first, changed).finally(unwatch)
    } catch (error) {
      unwatch()
      throw error
    }
  }

  async #follow(connection: Connection, hash: Hash, send: SendHalf, first: Bitfield, changed: Signal): Promise<void> {
    const { limits, clock } = this.#init
    const ended = deferred<void>()
    const observer: Observer = { peer: connection.peer, end: ended.resolve }
    this.#admit(observer)
    const cancel = clock.after(limits.observeMs, ended.resolve)
    let over = false
    const end = Promise.race([ended.promise, connection.closed]).then(() => {
      over = true
    })
    try {
      for (let sent = first; ; ) {
        await Promise.race([changed.wait(), end])
        if (over) break
        const now = await this.#stateOf(hash)
        const update = updateBetween(sent, now)
        if (update) await this.#send(send, update)
        sent = now
        // What comes in between is told in one message.
        await Promise.race([new Promise<void>((go) => clock.after(limits.observeEveryMs, go)), end])
      }
      if (!connection.isClosed) await send.finish()
    } finally {
      cancel()
      this.#open.delete(observer)
    }
  }

  #admit(observer: Observer): void {
    const { observersPerPeer, observers } = this.#init.limits
    const mine = [...this.#open].filter((o) => o.peer === observer.peer)
    if (mine.length >= observersPerPeer) mine[0]?.end()
    else if (this.#open.size >= observers) this.#open.values().next().value?.end()
    this.#open.add(observer)
  }

  async #stateOf(hash: Hash): Promise<Bitfield> {
    const status = await this.#init.store.status(hash)
    if (status.kind === 'absent') return UNKNOWN_BLOB
    const ranges = status.kind === 'complete' ? ALL : status.ranges
    // A message has a bound; an even number of boundaries leaves no open end.
    return { size: BigInt(status.size), ranges: ranges.length > MAX_BOUNDARIES ? ranges.slice(0, MAX_BOUNDARIES) : ranges }
  }

  #send(send: SendHalf, field: Bitfield): Promise<void> {
    return send.write(encodeBitfield(field), { deadlineMs: this.#init.limits.stallMs })
  }
}

/** Remembers that something happened until somebody asks. */
class Signal {
  #pending = false
  #wake: (() => void) | undefined

  set(): void {
    this.#pending = true
    this.#wake?.()
  }

  async wait(): Promise<void> {
    if (!this.#pending) {
      await new Promise<void>((wake) => {
        this.#wake = wake
      })
    }
    this.#wake = undefined
    this.#pending = false
  }
}
