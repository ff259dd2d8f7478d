import { Mutex } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import type { Signer, Verify } from '../keys/ed25519.ts'
import { sortText } from './entry-index.ts'
import { docsError } from './errors.ts'
import type { AuthorId, NamespaceId } from './ids.ts'
import { docIdBytes } from './ids.ts'
import { type Capability, namespaceSigner } from './proto/capability.ts'
import { authorOf, EMPTY_HASH, entryId, isEmptyHash, type SignedEntry, signingPreimage } from './proto/entry.ts'
import type { ContentStatus, SyncMessage } from './proto/message.ts'
import { answer, openingMessage, type StepResult } from './reconcile.ts'
import { type Fault, MAX_FUTURE_US, type PutOutcome, Replica } from './replica.ts'
import type { DocStore } from './store.ts'

/** Longest run of work between two turns of the event loop, ms. */
const SLICE_MS = 8
/** Longest key written here: its notice must fit a gossip frame (docs 8.5). Bytes. */
export const MAX_KEY_BYTES = 3_800

export interface OpenDocTools {
  readonly store: DocStore
  readonly clock: Clock
  readonly verify: Verify
  /** Whether the content of a hash is here. */
  readonly status: (hash: Uint8Array) => Promise<ContentStatus>
}

/** Outcome of handling one message of a session. */
export interface Handled {
  readonly reply: SyncMessage | undefined
  readonly result: StepResult
}

/** A document in memory with its store behind it: every change is on disk before anybody hears of it. One change at a time. */
export class OpenDoc {
  readonly id: NamespaceId
  readonly #tools: OpenDocTools
  readonly #replica: Replica
  readonly #turn = new Mutex()
  #capability: Capability
  #signer: Signer | undefined
  #lastTime = 0n

  private constructor(capability: Capability, replica: Replica, tools: OpenDocTools) {
    this.id = capability.id
    this.#capability = capability
    this.#replica = replica
    this.#tools = tools
  }

  /** Reads the document from the store. */
  static async load(capability: Capability, tools: OpenDocTools): Promise<OpenDoc> {
    const replica = new Replica(docIdBytes(capability.id))
    for await (const entry of tools.store.entries(capability.id)) replica.load(entry)
    for (const [author, time] of await tools.store.heads(capability.id)) {
      const known = replica.heads.get(author)
      if (known === undefined || known < time) replica.heads.set(author, time)
    }
    return new OpenDoc(capability, replica, tools)
  }

  get capability(): Capability {
    return this.#capability
  }

  /** For queries; not to be changed. */
  get replica(): Replica {
    return this.#replica
  }

  upgrade(capability: Capability): void {
    this.#capability = capability
    this.#signer = undefined
  }

  /**
   * Writes an entry as an author (docs 5.7). `len` 0 with the empty hash deletes. Rejects `DOC_READ_ONLY`, `DOC_EMPTY_KEY`,
   * `DOC_KEY_TOO_LONG`, `DOC_EMPTY_ENTRY`, `DOC_NEWER_ENTRY` or `DOC_STORE_FAILED`.
   */
  async insert(author: Signer, key: Uint8Array, content: EntryContent): Promise<Inserted> {
    const [inserted] = await this.insertAll(author, [{ ...content, key }])
    if (inserted === undefined)
      throw docsError('DOC_NEWER_ENTRY', 'conflict', 'the key, or a key it begins with, holds a newer value')
    return inserted
  }

  /**
   * Writes entries in the given order, all in one transaction; undefined where a newer one is there. Rejects as `insert` does,
   * before anything is written.
   */
  insertAll(author: Signer, writes: readonly EntryWrite[]): Promise<readonly (Inserted | undefined)[]> {
    return this.#turn.run(async () => {
      const namespace = this.#writer()
      for (const write of writes) checkWrite(write)
      const results: (Inserted | undefined)[] = []
      const puts = new Map<string, SignedEntry>()
      const removed = new Map<string, Uint8Array>()
      for (const write of writes) {
        const entry = this.#sign(author, namespace, write)
        const outcome = this.#replica.put(entry)
        results.push(outcome.kind === 'refused' ? undefined : { entry, removed: outcome.removed.length })
        if (outcome.kind === 'refused') continue
        for (const row of outcome.removed) {
          puts.delete(row.text)
          removed.set(row.text, row.entry.id)
        }
        puts.set(sortText(entry.id), entry)
      }
      if (puts.size > 0) await this.#commit([...puts.values()], [...removed.values()])
      return results
    })
  }

  #sign(author: Signer, namespace: Signer, { key, hash, len, after }: EntryWrite): SignedEntry {
    const id = entryId(namespace.publicKey, author.publicKey, key)
    const record = { len: BigInt(len), hash, timestamp: this.#timeFor(id, after) }
    const preimage = signingPreimage(id, record)
    return { ...record, id, authorSignature: author.sign(preimage), namespaceSignature: namespace.sign(preimage) }
  }

  delete(author: Signer, prefix: Uint8Array): Promise<Inserted> {
    return this.insert(author, prefix, { hash: EMPTY_HASH, len: 0 })
  }

  /** An entry that came by gossip: stored when it is valid and new; the fault or refusal otherwise. */
  offer(entry: SignedEntry): Promise<PutOutcome | { readonly kind: 'invalid'; readonly fault: Fault }> {
    return this.#turn.run(async () => {
      const outcome = this.#replica.offer(entry, { now: this.#now(), verify: this.#tools.verify })
      if (outcome.kind === 'inserted') await this.#persist([entry], outcome)
      return outcome
    })
  }

  opening(): SyncMessage {
    return openingMessage(this.#replica)
  }

  /** Takes in a message of a session and says what to answer, with the state of our contents. */
  handle(message: SyncMessage): Promise<Handled> {
    return this.#turn.run(async () => {
      const work = answer(this.#replica, message, { now: this.#now(), verify: this.#tools.verify })
      const result = await this.#inSlices(work)
      if (result.inserted.length > 0) {
        const present = result.inserted.map((i) => i.entry).filter((e) => this.#replica.index.get(sortText(e.id))?.entry === e)
        await this.#commit(present, result.removed)
      }
      return { reply: result.reply && (await this.#complete(result.reply)), result }
    })
  }

  async #inSlices(work: Generator<void, StepResult>): Promise<StepResult> {
    const { clock } = this.#tools
    let begun = clock.monotonic()
    for (;;) {
      const { done, value } = work.next()
      if (done) return value
      if (clock.monotonic() - begun < SLICE_MS) continue
      await new Promise<void>((resolve) => setImmediate(resolve))
      begun = clock.monotonic()
    }
  }

  async #complete(reply: NonNullable<StepResult['reply']>): Promise<SyncMessage> {
    const message = []
    for (const part of reply) {
      if (part.kind === 'fingerprint') message.push(part)
      else {
        const values = []
        for (const { entry } of part.rows) values.push({ entry, status: await this.#statusOf(entry) })
        message.push({ kind: 'items' as const, range: part.range, values, haveLocal: part.haveLocal })
      }
    }
    return message
  }

  /** Nothing is always here. */
  #statusOf(entry: SignedEntry): Promise<ContentStatus> | ContentStatus {
    return isEmptyHash(entry.hash) ? 'complete' : this.#tools.status(entry.hash)
  }

  #persist(puts: readonly SignedEntry[], outcome: Extract<PutOutcome, { kind: 'inserted' }>): Promise<void> {
    return this.#commit(
      puts,
      outcome.removed.map((row) => row.entry.id),
    )
  }

  async #commit(puts: readonly SignedEntry[], removed: readonly Uint8Array[]): Promise<void> {
    const authors = new Set(puts.map((entry) => authorOf(entry.id)))
    const heads = new Map<AuthorId, bigint>([...authors].map((a) => [a, this.#replica.heads.get(a) ?? 0n]))
    await this.#tools.store.commit({ namespace: this.id, puts, removed, heads })
  }

  #writer(): Signer {
    this.#signer ??= namespaceSigner(this.#capability)
    return this.#signer
  }

  /** Later than everything before, and than what the slot holds, but never further ahead than peers accept (docs 5.7). */
  #timeFor(id: Uint8Array, follows = 0n): bigint {
    const now = this.#now()
    const own = this.#replica.index.get(sortText(id))?.entry.timestamp ?? 0n
    const held = own > follows ? own : follows
    const after = held > this.#lastTime && held < now + MAX_FUTURE_US ? held : this.#lastTime
    const time = after >= now ? after + 1n : now
    this.#lastTime = time
    return time
  }

  #now(): bigint {
    return BigInt(Math.round(this.#tools.clock.now() * 1000))
  }
}

export interface EntryContent {
  readonly hash: Uint8Array
  /** Bytes; 0 with the empty hash deletes. */
  readonly len: number
  /** Time of an entry of somebody else that this one follows, µs: it becomes the newer one even if that clock is ahead. */
  readonly after?: bigint
}

export interface EntryWrite extends EntryContent {
  readonly key: Uint8Array
}

function checkWrite({ key, hash, len }: EntryWrite): void {
  if (key.length === 0) throw docsError('DOC_EMPTY_KEY', 'input', 'a key has at least one byte')
  if (key.length > MAX_KEY_BYTES) throw docsError('DOC_KEY_TOO_LONG', 'input', `a key has at most ${MAX_KEY_BYTES} bytes`)
  if ((len === 0) !== isEmptyHash(hash)) throw docsError('DOC_EMPTY_ENTRY', 'input', 'an entry without content is a deletion')
}

export interface Inserted {
  readonly entry: SignedEntry
  /** Entries it took the place of. */
  readonly removed: number
}
