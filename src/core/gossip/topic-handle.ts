import { abortedError } from '../../base/async.ts'
import type { PeerId, TopicId } from '../ids.ts'
import type { GossipEvent } from './event-buffer.ts'

/** What a handle needs of the gossip endpoint. */
export interface TopicAccess {
  /** Rejects `GOSSIP_TOO_LARGE`. Resolves when the message has been given to the neighbours' queues. */
  broadcast(content: Uint8Array, scope: 'swarm' | 'neighbors'): Promise<void>
  join(peers: readonly PeerId[]): void
  neighbors(): readonly PeerId[]
  onNeighbor(resolve: () => void): () => void
  close(): void
}

/** One subscription to a topic. Several may share a topic; the topic is left when the last one is closed. */
export class TopicHandle {
  readonly topic: TopicId
  /**
   * Neighbour changes, messages, direct copies and `lagged`, for one reader. Begins with a `neighborUp` for each present
   * neighbour; ends after `close`.
   */
  readonly events: AsyncIterable<GossipEvent>
  readonly #access: TopicAccess
  readonly #onClose: () => Error
  readonly #closers = new Set<() => void>()
  #closed = false

  constructor(topic: TopicId, events: AsyncIterable<GossipEvent>, access: TopicAccess, closedError: () => Error) {
    this.topic = topic
    this.events = events
    this.#access = access
    this.#onClose = closedError
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** Present neighbours, in the order they came. */
  get neighbors(): readonly PeerId[] {
    return this.#closed ? [] : this.#access.neighbors()
  }

  /**
   * Sends content to everybody on the topic, best effort; without neighbours to nobody. Content must be unique: the same
   * bytes within 90 s are taken for a duplicate and cost the author its links (gossip 8.3). Waits while connections are
   * full. Rejects `GOSSIP_TOO_LARGE` above `maxContentBytes` (4,057), `GOSSIP_BUSY` with
   * thousands waiting, `GOSSIP_CLOSED`.
   */
  async broadcast(content: Uint8Array): Promise<void> {
    this.#assertOpen()
    await this.#access.broadcast(content, 'swarm')
  }

  /** As `broadcast`, but for direct neighbours only, and of these only the ones the tree uses (gossip 8.3). */
  async broadcastNeighbors(content: Uint8Array): Promise<void> {
    this.#assertOpen()
    await this.#access.broadcast(content, 'neighbors')
  }

  /** Asks further peers to be joined through; while there is no neighbour the request is repeated. Rejects `GOSSIP_CLOSED`. */
  async join(peers: readonly PeerId[]): Promise<void> {
    this.#assertOpen()
    this.#access.join(peers)
  }

  /** Resolves when the topic has a neighbour. Rejects `ABORTED` or `GOSSIP_CLOSED`. Takes no event away from `events`. */
  joined(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed) return reject(this.#onClose())
      if (signal?.aborted) return reject(abortedError(signal))
      const end = (settle: () => void): void => {
        stopWaiting?.()
        signal?.removeEventListener('abort', onAbort)
        this.#closers.delete(onClose)
        settle()
      }
      const onAbort = (): void => end(() => reject(abortedError(signal)))
      const onClose = (): void => end(() => reject(this.#onClose()))
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#closers.add(onClose)
      let stopWaiting: (() => void) | undefined
      stopWaiting = this.#access.onNeighbor(() => end(resolve))
    })
  }

  /** Ends the subscription; the last one of a topic says goodbye to its neighbours. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const onClose of [...this.#closers]) onClose()
    this.#access.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #assertOpen(): void {
    if (this.#closed) throw this.#onClose()
  }
}
