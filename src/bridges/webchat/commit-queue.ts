import { errorCode } from '../../base/errors.ts'
import type { Envelope } from '../model/message.ts'
import type { BridgeSink } from '../port.ts'
import type { WebChatRecord, WebChatStore } from './store.ts'

/** Operations taken into one commit. */
const BATCH = 50
/** Operations of a room that may wait; more are refused as busy. */
const CAPACITY = 1000

/** A change of a room. `prepare` sees the room as it will be after all operations before it. */
export interface Operation {
  prepare(find: (id: string) => Promise<WebChatRecord | undefined>): Promise<Prepared>
  /** The outcome. Called once, in order. */
  done(result: OperationResult): void
}

export type Prepared =
  /** Stored, and told to the sink when it comes from a person. Without `envelope` the change came from the pipeline. */
  | { readonly kind: 'change'; readonly record: WebChatRecord; readonly envelope?: Envelope }
  /** Already so: nothing to store, but the sink may not know yet. */
  | { readonly kind: 'known'; readonly id: string; readonly envelope?: Envelope }
  | { readonly kind: 'refused'; readonly code: 'not-found' | 'not-yours' | 'no-upload' }

export type OperationResult =
  | { readonly kind: 'stored'; readonly id: string; readonly record?: WebChatRecord }
  | { readonly kind: 'refused'; readonly code: 'not-found' | 'not-yours' | 'no-upload' }
  | { readonly kind: 'failed'; readonly code: string }

type Ready = Exclude<Prepared, { kind: 'refused' }>

/** One room's operations, one commit after the other: their order is the order of the room, of the sink and of every page. */
export class CommitQueue {
  readonly #room: string
  readonly #sink: BridgeSink
  readonly #store: WebChatStore
  readonly #current: (id: string) => WebChatRecord | undefined
  readonly #waiting: Operation[] = []
  #running: Promise<void> | undefined

  constructor(options: {
    readonly room: string
    readonly sink: BridgeSink
    readonly store: WebChatStore
    /** The room's log; older messages are asked from the store. */
    readonly current: (id: string) => WebChatRecord | undefined
  }) {
    this.#room = options.room
    this.#sink = options.sink
    this.#store = options.store
    this.#current = options.current
  }

  get idle(): boolean {
    return this.#running === undefined
  }

  /** False: too many are waiting. */
  offer(operation: Operation): boolean {
    if (this.#waiting.length >= CAPACITY) return false
    this.#waiting.push(operation)
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    return true
  }

  async settled(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    // Everything said within one turn of the event loop shares a commit.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0, BATCH))
  }

  async #commit(batch: readonly Operation[]): Promise<void> {
    const ready: { operation: Operation; prepared: Ready }[] = []
    const fresh = new Map<string, WebChatRecord>()
    const results = new Map<Operation, OperationResult>()
    for (const operation of batch) {
      try {
        const prepared = await operation.prepare(
          async (id) => fresh.get(id) ?? this.#current(id) ?? (await this.#store.get(this.#room, id)),
        )
        if (prepared.kind === 'refused') results.set(operation, prepared)
        else ready.push({ operation, prepared })
        if (prepared.kind === 'change') fresh.set(prepared.record.id, prepared.record)
      } catch (error) {
        results.set(operation, { kind: 'failed', code: errorCode(error) })
      }
    }
    await this.#persist(ready, results)
    for (const operation of batch) operation.done(results.get(operation) ?? { kind: 'failed', code: 'BUG' })
  }

  /** The sink first: what it has taken is bridged even if the history fails, and a resend is recognised by both. */
  async #persist(
    ready: readonly { operation: Operation; prepared: Ready }[],
    results: Map<Operation, OperationResult>,
  ): Promise<void> {
    const told = ready.filter(({ prepared }) => prepared.envelope !== undefined)
    let failed: string | undefined
    if (told.length > 0) {
      failed = await this.#sink.ingest(told.map(({ prepared }) => prepared.envelope as Envelope)).then(
        () => undefined,
        (error: unknown) => errorCode(error),
      )
    }
    const good = ready.filter(({ prepared }) => failed === undefined || prepared.envelope === undefined)
    // The last state of each message, in the place of its first: a message sent and edited in one batch is one record.
    const records = new Map(good.flatMap(({ prepared: p }) => (p.kind === 'change' ? [[p.record.id, p.record] as const] : [])))
    const saved =
      records.size === 0
        ? undefined
        : await this.#store.save([...records.values()]).then(
            () => undefined,
            (error: unknown) => errorCode(error),
          )
    for (const { operation, prepared } of ready) {
      const code =
        prepared.envelope !== undefined && failed !== undefined ? failed : prepared.kind === 'change' ? saved : undefined
      results.set(operation, code === undefined ? storedResult(prepared) : { kind: 'failed', code })
    }
  }
}

function storedResult(prepared: Ready): OperationResult {
  return prepared.kind === 'change'
    ? { kind: 'stored', id: prepared.record.id, record: prepared.record }
    : { kind: 'stored', id: prepared.id }
}
