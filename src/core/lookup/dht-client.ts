import { createHash } from 'node:crypto'
import { withDeadline } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { isK2Error } from '../../base/errors.ts'
import type { Rng } from '../../base/random.ts'
import { type AddrScope, readAddr } from '../net/addr-scope.ts'
import {
  type DhtAnswer,
  type DhtItem,
  type DhtNode,
  type DhtQuery,
  decodeDhtAnswer,
  encodeDhtQuery,
  NODE_ID_BYTES,
} from './dht-messages.ts'
import { DhtSearch } from './dht-search.ts'

/** A node that has not answered by then is left out. */
const ANSWER_MS = 2_000
/** One walk through the DHT. */
const SEARCH_MS = 20_000
/** Nodes remembered as a start for the next walk. */
const MAX_KNOWN = 64
/** Questions under way over all walks. */
const MAX_PENDING = 256

/** A UDP socket. */
export interface DatagramPort {
  send(packet: Uint8Array, addr: string): void
  onPacket(listener: (packet: Uint8Array, from: string) => void): void
  /** Host names become addresses; those that cannot be resolved are left out. */
  resolve(hosts: readonly string[]): Promise<string[]>
  close(): Promise<void>
}

export interface DhtClientOptions {
  readonly port: DatagramPort
  readonly clock: Clock
  readonly rng: Rng
  /** `host:port`. */
  readonly bootstrap: readonly string[]
  /** Nodes in other networks are not talked to: strangers name them. */
  readonly scopes: ReadonlySet<AddrScope>
}

export interface DhtStats {
  readonly questions: number
  readonly answers: number
  readonly malformed: number
  /** Nodes remembered. */
  readonly nodes: number
}

interface Pending {
  readonly addr: string
  readonly done: (answer: DhtAnswer | undefined) => void
}

export const dhtTarget = (key: Uint8Array): Uint8Array => new Uint8Array(createHash('sha1').update(key).digest())

/**
 * Reads and writes items of the mainline DHT (BEP 5, 43, 44). It only asks: other nodes' questions stay unanswered, as a client's
 * may, so that nothing strangers send costs more than reading one packet.
 */
export class DhtClient {
  readonly #options: DhtClientOptions
  readonly #me: Uint8Array
  readonly #pending = new Map<number, Pending>()
  readonly #known = new Map<string, DhtNode>()
  readonly #counts = { questions: 0, answers: 0, malformed: 0 }
  #closed = false

  constructor(options: DhtClientOptions) {
    this.#options = options
    this.#me = options.rng.bytes(NODE_ID_BYTES)
    options.port.onPacket((packet, from) => this.#take(packet, from))
  }

  stats(): DhtStats {
    return { ...this.#counts, nodes: this.#known.size }
  }

  /** Every item for the key that some node holds, unchecked; `onItem` hears them as they come. */
  async get(key: Uint8Array, onItem: (item: DhtItem) => void, signal?: AbortSignal): Promise<void> {
    await this.#walk(dhtTarget(key), onItem, signal)
  }

  /**
   * Writes an item to the nearest nodes; answers how many took it, which proves nothing about the others. `make` hears what
   * they hold so far, since an item with a lower number would be refused.
   */
  async put(key: Uint8Array, make: (held: readonly DhtItem[]) => DhtItem, signal?: AbortSignal): Promise<number> {
    const held: DhtItem[] = []
    const search = await this.#walk(dhtTarget(key), (item) => held.push(item), signal)
    const item = make(held)
    const taken = await Promise.all(
      search.found().map(async ({ node, token }) => {
        if (token === undefined) return false
        return (await this.#ask(node.addr, { q: 'put', item, token })) !== undefined
      }),
    )
    return taken.filter((one) => one).length
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { done } of [...this.#pending.values()]) done(undefined)
    await this.#options.port.close()
  }

  async #walk(target: Uint8Array, onItem: (item: DhtItem) => void, signal: AbortSignal | undefined): Promise<DhtSearch> {
    const { port, bootstrap, clock } = this.#options
    const start = this.#known.size > 0 ? [...this.#known.values()] : []
    const search = new DhtSearch(target, start)
    let open = true
    const step = async (node: DhtNode): Promise<void> => {
      const answer = await this.#ask(node.addr, { q: 'get', target })
      if (answer === undefined) {
        this.#known.delete(node.addr)
        search.failed(node.addr)
      } else {
        this.#remember({ id: answer.id, addr: node.addr })
        search.answered(
          node.addr,
          answer.id,
          answer.token,
          answer.nodes.filter(({ addr }) => this.#isUsable(addr)),
        )
        if (answer.item !== undefined && open) onItem(answer.item)
      }
      await go()
    }
    const go = async (): Promise<void> => {
      if (open) await Promise.all(search.next().map(step))
    }
    const walk = async (): Promise<void> => {
      await go()
      if (search.found().length > 0 || !open) return
      // Nobody known answered: from the beginning. What they call themselves is told by their answers.
      const addrs = (await port.resolve(bootstrap)).filter((addr) => this.#isUsable(addr))
      search.add(addrs.map((addr) => ({ id: target, addr })))
      await go()
    }
    try {
      await withDeadline(walk(), { ms: SEARCH_MS, what: 'a search in the DHT', clock, signal })
    } catch (error) {
      // What was found until then counts, unless nobody waits for it.
      if (signal?.aborted) throw error
    } finally {
      open = false
    }
    return search
  }

  /** Undefined: no answer, or a refusal. Never rejects. */
  #ask(addr: string, query: DhtQuery): Promise<DhtAnswer | undefined> {
    const { rng, port, clock } = this.#options
    if (this.#closed || this.#pending.size >= MAX_PENDING) return Promise.resolve(undefined)
    let transaction = rng.u32() & 0xffff
    while (this.#pending.has(transaction)) transaction = (transaction + 1) & 0xffff
    this.#counts.questions++
    return new Promise((resolve) => {
      const done = (answer: DhtAnswer | undefined): void => {
        cancel()
        this.#pending.delete(transaction)
        resolve(answer)
      }
      const cancel = clock.after(ANSWER_MS, () => done(undefined))
      this.#pending.set(transaction, { addr, done })
      port.send(encodeDhtQuery(transaction, this.#me, query), addr)
    })
  }

  #take(packet: Uint8Array, from: string): void {
    try {
      const message = decodeDhtAnswer(packet)
      if (message === undefined) return
      const pending = this.#pending.get(message.transaction)
      // An answer from elsewhere is somebody's guess.
      if (pending === undefined || pending.addr !== from) return
      this.#counts.answers++
      pending.done(message.type === 'answer' ? message : undefined)
    } catch (error) {
      if (!isK2Error(error)) throw error
      this.#counts.malformed++
    }
  }

  #remember(node: DhtNode): void {
    this.#known.delete(node.addr)
    this.#known.set(node.addr, node)
    if (this.#known.size > MAX_KNOWN) this.#known.delete(this.#known.keys().next().value as string)
  }

  #isUsable(addr: string): boolean {
    const read = readAddr(addr)
    return read !== undefined && this.#options.scopes.has(read.scope)
  }
}
