import { TaskGroup } from '../../base/async.ts'
import { toHex } from '../../base/bytes.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import type { EventStream } from '../../base/event-hub.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import { type Logger, nullLogger } from '../../base/logger.ts'
import { cryptoRng, type Rng } from '../../base/random.ts'
import { type Hash, hashOf, idBytes, type PeerId, parseTopicId } from '../ids.ts'
import { type EndpointAddr, toPeerAddr } from '../keys/address.ts'
import { createVerifier } from '../keys/ed25519.ts'
import type { Connection } from '../net/transport.ts'
import { DOCS_ALPN } from './alpn.ts'
import { AuthorBook } from './authors.ts'
import { ContentFetcher } from './content.ts'
import { type DocEvent, type DocsStats, newDocsStats } from './doc-events.ts'
import type { DocStatus, DocsOptions } from './docs-options.ts'
import { rangeFingerprint, sortText } from './entry-index.ts'
import { docsError } from './errors.ts'
import { type AuthorId, docIdBytes, type NamespaceId } from './ids.ts'
import { LiveDoc } from './live-doc.ts'
import { type EntryWrite, type Inserted, OpenDoc } from './open-doc.ts'
import { type Capability, mergeCapabilities, readCapability, writeCapability } from './proto/capability.ts'
import { type DocTicket, encodeDocTicket } from './proto/doc-ticket.ts'
import { entryId, isEmptyHash, type SignedEntry } from './proto/entry.ts'
import type { ContentStatus } from './proto/message.ts'
import type { DownloadPolicy } from './proto/policy.ts'
import { type DocQuery, runQuery } from './query.ts'
import { acceptSession } from './session.ts'
import { SessionGate } from './session-gate.ts'
import type { UsefulPeer } from './store.ts'

/** Events kept for a listener that is behind; then the newest are dropped and counted. */
const EVENT_BUFFER = 4_096

/** The documents of a node, compatible with iroh-docs 0.101 (docs 9 to 12). */
export class Docs implements Lifecycle {
  readonly name = 'docs'
  readonly #options: DocsOptions
  readonly #clock: Clock
  readonly #rng: Rng
  readonly #log: Logger
  readonly #stop = new AbortController()
  readonly #tasks: TaskGroup
  readonly #stats = newDocsStats()
  readonly #fetcher: ContentFetcher
  readonly #known = new Map<NamespaceId, Capability>()
  readonly #live = new Map<NamespaceId, Promise<LiveDoc>>()
  readonly #ready = new Map<NamespaceId, LiveDoc>()
  readonly #authors: AuthorBook
  readonly #gate = new SessionGate()
  readonly #verify = createVerifier()
  #detach = (): void => {}

  constructor(options: DocsOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#rng = options.rng ?? cryptoRng
    this.#log = options.log ?? nullLogger
    this.#authors = new AuthorBook(options.store, this.#rng)
    this.#tasks = new TaskGroup((error) =>
      this.#log.warn(
        { ev: 'docs-task', code: errorCode(error), reason: errorMessage(error) },
        'background work on documents failed',
      ),
    )
    this.#fetcher = new ContentFetcher(
      options.contents,
      {
        ready: (namespace, hash) => this.#ready.get(namespace)?.contentReady(hash),
        idle: (namespace) => this.#ready.get(namespace)?.contentsIdle(),
      },
      this.#stop.signal,
      (work) => this.#tasks.add(work),
    )
  }

  /** Reads what is stored, makes the default author if there is none, and answers the ALPN. Rejects `DOC_STORE_FAILED`. */
  async start(): Promise<void> {
    const { store, endpoint } = this.#options
    for (const capability of await store.capabilities()) this.#known.set(capability.id, capability)
    await this.#authors.load()
    this.#detach = endpoint.handle(DOCS_ALPN, (connection) => this.#serve(connection))
  }

  async stop(): Promise<void> {
    this.#detach()
    this.#stop.abort()
    for (const live of this.#ready.values()) {
      await live.leave().catch(() => {})
      live.close()
    }
    await this.#tasks.settled()
    await this.#options.store.close()
  }

  get stats(): Readonly<DocsStats> {
    return this.#stats
  }

  // Authors (docs 12)

  get defaultAuthor(): AuthorId {
    return this.#authors.default
  }

  authors(): readonly AuthorId[] {
    return this.#authors.all()
  }

  createAuthor(): Promise<AuthorId> {
    return this.#authors.create()
  }

  /** Stored before anything is signed with it. Rejects `KEY_BAD_SEED`. */
  importAuthor(seed: Uint8Array): Promise<AuthorId> {
    return this.#authors.import(seed)
  }

  /** Rejects `DOC_UNKNOWN_AUTHOR` for the default author, who stays. */
  deleteAuthor(id: AuthorId): Promise<void> {
    return this.#authors.delete(id)
  }

  // Documents

  list(): readonly { readonly id: NamespaceId; readonly kind: Capability['kind'] }[] {
    return [...this.#known.values()].map(({ id, kind }) => ({ id, kind })).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  async create(): Promise<NamespaceId> {
    return this.importCapability(writeCapability(this.#rng.bytes(32)))
  }

  /** Keeps the right to a document; a stronger one replaces a weaker one. */
  async importCapability(capability: Capability): Promise<NamespaceId> {
    const known = this.#known.get(capability.id)
    const merged = known === undefined ? { capability, outcome: 'inserted' as const } : mergeCapabilities(known, capability)
    if (merged.outcome !== 'unchanged') {
      await this.#options.store.putCapability(merged.capability)
      this.#known.set(capability.id, merged.capability)
      this.#ready.get(capability.id)?.doc.upgrade(merged.capability)
    }
    return capability.id
  }

  /**
   * Imports the right and begins to sync with the nodes of the ticket. Its first session may be over when this resolves: to hear of
   * everything it brings, call `importCapability` and `subscribe` before.
   */
  async importTicket(ticket: DocTicket): Promise<NamespaceId> {
    const id = await this.importCapability(ticket.capability)
    await this.startSync(id, ticket.nodes)
    return id
  }

  /** A ticket naming this node; the document is synced from now on (docs 10). Rejects `DOC_READ_ONLY`. */
  async share(id: NamespaceId, mode: 'read' | 'write', node: EndpointAddr): Promise<string> {
    const capability = this.#capability(id)
    if (mode === 'write' && capability.kind === 'read')
      throw docsError('DOC_READ_ONLY', 'denied', 'this document can only be read here, so writing to it cannot be shared')
    await this.startSync(id, [])
    return encodeDocTicket({ capability: mode === 'write' ? capability : readCapability(id), nodes: [node] })
  }

  /** Leaves the document and deletes everything of it here. */
  async drop(id: NamespaceId): Promise<void> {
    this.#capability(id)
    const live = await this.#live.get(id)
    await live?.leave()
    live?.close()
    this.#live.delete(id)
    this.#ready.delete(id)
    this.#known.delete(id)
    await this.#options.store.drop(id)
  }

  // Entries

  /** Keeps the content and writes the entry; as the default author when none is named. */
  async setBytes(id: NamespaceId, key: Uint8Array, value: Uint8Array, author?: AuthorId): Promise<SignedEntry> {
    if (value.length === 0) throw docsError('DOC_EMPTY_ENTRY', 'input', 'an empty value cannot be kept: delete the key instead')
    const { hash, size, release } = await this.#options.contents.add(value)
    try {
      return await this.setHash(id, key, { hash: idBytes(hash), len: size }, author)
    } finally {
      release()
    }
  }

  /** Writes an entry for a content that need not be here. */
  async setHash(
    id: NamespaceId,
    key: Uint8Array,
    content: { readonly hash: Uint8Array; readonly len: number },
    author?: AuthorId,
  ): Promise<SignedEntry> {
    if (content.len === 0 || isEmptyHash(content.hash))
      throw docsError('DOC_EMPTY_ENTRY', 'input', 'an empty value cannot be kept: delete the key instead')
    const live = await this.#load(id)
    const { entry } = await live.doc.insert(this.#authors.signer(author), key, content)
    await live.announce(entry)
    return entry
  }

  /**
   * Writes many entries as one author, in the given order and in one transaction; answers those that were written: a key with a
   * newer value is left out. Peers hear of few at once, and of many by a session.
   */
  async setHashes(id: NamespaceId, writes: readonly EntryWrite[], author?: AuthorId): Promise<readonly SignedEntry[]> {
    const live = await this.#load(id)
    const entries = (await live.doc.insertAll(this.#authors.signer(author), writes)).flatMap((done) => (done ? [done.entry] : []))
    await live.announceAll(entries)
    return entries
  }

  /** Tells the others that a content of this document is here now. Contents fetched by the documents are told by themselves. */
  async announceContent(id: NamespaceId, hash: Hash): Promise<void> {
    ;(await this.#load(id)).contentReady(hash)
  }

  /** Deletes the author's entries whose keys begin with `prefix`; answers how many there were. */
  async delete(id: NamespaceId, prefix: Uint8Array, author?: AuthorId): Promise<number> {
    const live = await this.#load(id)
    const { entry, removed }: Inserted = await live.doc.delete(this.#authors.signer(author), prefix)
    await live.announce(entry)
    return removed
  }

  /** The author's own entry of a key. */
  async getExact(id: NamespaceId, author: AuthorId, key: Uint8Array, includeEmpty = false): Promise<SignedEntry | undefined> {
    const { doc } = await this.#load(id)
    const entry = doc.replica.index.get(sortText(entryId(docIdBytes(id), docIdBytes(author), key)))?.entry
    return entry !== undefined && (includeEmpty || !isEmptyHash(entry.hash)) ? entry : undefined
  }

  async query(id: NamespaceId, query: DocQuery = {}): Promise<readonly SignedEntry[]> {
    return [...runQuery((await this.#load(id)).doc.replica, query)]
  }

  /** The content of an entry; undefined while it is not here. Rejects for more than `maxBytes`. */
  read(entry: SignedEntry, maxBytes: number): Promise<Uint8Array | undefined> {
    return isEmptyHash(entry.hash)
      ? Promise.resolve(new Uint8Array(0))
      : this.#options.contents.read(hashOf(entry.hash), maxBytes)
  }

  /** Contents that entries of any document name, again and again where several do: what a store of blobs must not throw away. */
  async *contents(): AsyncGenerator<Hash> {
    for (const { id } of this.list()) {
      for await (const { hash } of this.#options.store.entries(id)) if (!isEmptyHash(hash)) yield hashOf(hash)
    }
  }

  contentStatus(entry: SignedEntry): Promise<ContentStatus> {
    return this.#options.contents.status(hashOf(entry.hash))
  }

  // Syncing

  /**
   * Keeps the document in step with others from now on, and reconciles with the given nodes and those that were useful before.
   * Calling it again forces another round. Not remembered across restarts (docs 9.1).
   */
  async startSync(id: NamespaceId, nodes: readonly EndpointAddr[]): Promise<void> {
    const live = await this.#load(id)
    const { endpoint, store, gossip } = this.#options
    for (const node of nodes) endpoint.learn(toPeerAddr(node), 'ticket')
    const useful = await store.peers(id)
    const peers = [...new Set([...nodes.map((node) => node.id), ...useful.map((peer) => peer.id as PeerId)])]
    if (!live.isSyncing)
      live.listen(gossip.subscribe(parseTopicId(id), { bootstrap: peers.filter((peer) => peer !== endpoint.id) }))
    await live.meet(peers)
  }

  async leave(id: NamespaceId): Promise<void> {
    await this.#ready.get(id)?.leave()
  }

  /** Events of a document from now on. */
  async subscribe(id: NamespaceId, capacity = EVENT_BUFFER): Promise<EventStream<DocEvent>> {
    return (await this.#load(id)).events.subscribe({ capacity, overflow: 'drop' })
  }

  async status(id: NamespaceId): Promise<DocStatus> {
    const { doc, isSyncing } = await this.#load(id)
    const { index } = doc.replica
    const fingerprint = toHex(rangeFingerprint([[0, index.size]], index))
    return { id, kind: doc.capability.kind, syncing: isSyncing, entries: index.size, fingerprint }
  }

  syncPeers(id: NamespaceId): Promise<readonly UsefulPeer[]> {
    return this.#options.store.peers(id)
  }

  downloadPolicy(id: NamespaceId): Promise<DownloadPolicy> {
    return this.#options.store.policy(id)
  }

  setDownloadPolicy(id: NamespaceId, policy: DownloadPolicy): Promise<void> {
    this.#capability(id)
    return this.#options.store.setPolicy(id, policy)
  }

  async #serve(connection: Connection): Promise<void> {
    const leave = this.#gate.enter(connection.peer)
    if (leave === undefined) {
      this.#stats.turnedAway++
      return connection.close(0n, 'too many sessions')
    }
    await this.#converse(connection).finally(leave)
  }

  async #converse(connection: Connection): Promise<void> {
    const stop = new AbortController()
    const unlink = (): void => stop.abort()
    this.#stop.signal.addEventListener('abort', unlink, { once: true })
    try {
      await acceptSession(
        connection,
        async (namespace, peer) => {
          const live = this.#ready.get(namespace)
          if (live === undefined) return { kind: 'reject', reason: 'not-found' }
          const decision = live.init(peer)
          decision.signal?.addEventListener('abort', unlink, { once: true })
          return decision
        },
        { signal: stop.signal, clock: this.#clock, ...(this.#options.limits && { limits: this.#options.limits }) },
      )
    } catch (error) {
      this.#log.debug({ ev: 'docs-session', peer: connection.peer, code: errorCode(error), reason: errorMessage(error) })
    } finally {
      this.#stop.signal.removeEventListener('abort', unlink)
    }
  }

  #load(id: NamespaceId): Promise<LiveDoc> {
    let live = this.#live.get(id)
    if (live === undefined) {
      live = this.#open(this.#capability(id))
      this.#live.set(id, live)
      live.catch(() => this.#live.delete(id))
    }
    return live
  }

  async #open(capability: Capability): Promise<LiveDoc> {
    const { store, contents, endpoint, limits = {} } = this.#options
    const doc = await OpenDoc.load(capability, {
      store,
      clock: this.#clock,
      verify: this.#verify,
      // A store that cannot say has nothing to offer.
      status: (hash) => contents.status(hashOf(hash)).catch(() => 'missing' as const),
    })
    const live = new LiveDoc(doc, {
      me: endpoint.id,
      clock: this.#clock,
      log: this.#log,
      store,
      contents,
      fetcher: this.#fetcher,
      stats: this.#stats,
      limits,
      signal: this.#stop.signal,
      dial: (peer, deadlineMs, signal) => endpoint.dial(peer, DOCS_ALPN, { deadlineMs, signal }),
      run: (work) => this.#tasks.add(work),
    })
    this.#ready.set(capability.id, live)
    return live
  }

  #capability(id: NamespaceId): Capability {
    const capability = this.#known.get(id)
    if (capability === undefined)
      throw docsError('DOC_UNKNOWN', 'input', `there is no document ${id.slice(0, 10)}… here: import its ticket`)
    return capability
  }
}
