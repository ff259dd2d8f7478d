import type { Hash } from '../../ids.ts'
import type { PartialBlob } from '../store.ts'
import type { StoreContext } from './context.ts'
import { PartialContent } from './partial.ts'
import type { Reservation } from './quota.ts'

interface Shared {
  readonly content: PartialContent
  handles: number
  ending: Promise<void> | undefined
}

/** The blobs that are being fetched or read while incomplete. */
export class PartialBook {
  readonly #context: StoreContext
  readonly #open = new Map<Hash, Shared>()

  constructor(context: StoreContext) {
    this.#context = context
  }

  has(hash: Hash): boolean {
    return this.#open.has(hash)
  }

  get(hash: Hash): PartialContent | undefined {
    return this.#open.get(hash)?.content
  }

  hashes(): Iterable<Hash> {
    return this.#open.keys()
  }

  /** A handle on what is being fetched already; undefined when nobody does. */
  join(hash: Hash): PartialBlob | undefined {
    const shared = this.#open.get(hash)
    return shared === undefined || shared.ending ? undefined : this.#handle(hash, shared)
  }

  async resume(hash: Hash, reserve: () => Promise<Reservation>): Promise<PartialBlob> {
    for (;;) {
      const known = this.join(hash)
      if (known) return known
      // Its end writes under the lock, so it must be awaited outside.
      await this.#open.get(hash)?.ending
      const reservation = await reserve()
      const made = await this.#context.lock.run(hash, async () =>
        this.#open.has(hash) ? undefined : this.#create(hash, reservation),
      )
      if (made) return made
      reservation.release()
    }
  }

  #create(hash: Hash, reservation: Reservation): PartialBlob {
    const { backend, clock, lock, watchers } = this.#context
    const entry = backend.meta.blob(hash)
    const content = new PartialContent(
      {
        hash,
        backend,
        clock,
        reservation,
        newId: () => this.#context.newId(),
        exclusive: (task) => lock.run(hash, task),
        beforeWrite: (bytes) => this.#context.disk.expect(bytes),
        onChange: () => watchers.notify(hash),
        drop: (id) => this.#context.drop(id),
      },
      entry?.kind === 'partial' ? entry : undefined,
    )
    if (entry && entry.kind !== 'partial') content.becameComplete(entry.size)
    const shared: Shared = { content, handles: 0, ending: undefined }
    this.#open.set(hash, shared)
    return this.#handle(hash, shared)
  }

  #handle(hash: Hash, shared: Shared): PartialBlob {
    const { content } = shared
    let closed: Promise<void> | undefined
    shared.handles++
    return {
      hash,
      state: () => content.state(),
      sink: () => content.sink(),
      flush: () => content.flush(),
      complete: () => content.complete(),
      close: () => {
        closed ??= --shared.handles === 0 ? this.#end(hash, shared) : Promise.resolve()
        return closed
      },
    }
  }

  #end(hash: Hash, shared: Shared): Promise<void> {
    shared.ending ??= shared.content.end().finally(() => this.#open.delete(hash))
    return shared.ending
  }

  /** Ends all of them, whoever still has a handle. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#open, ([hash, shared]) => this.#end(hash, shared)))
  }
}
