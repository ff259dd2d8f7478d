import { join } from 'node:path'
import { z } from 'zod'
import { fromHex, fromUtf8, toHex, utf8 } from '../../src/base/bytes.ts'
import { K2Error } from '../../src/base/errors.ts'
import {
  authorOf,
  type ContentStore,
  type DocEvent,
  Docs,
  decodeDocTicket,
  KvDocStore,
  keyOf,
  lmdbMap,
  memoryMap,
  type NamespaceId,
  parseNamespaceId,
  type SignedEntry,
} from '../../src/core/docs/index.ts'
import type { Gossip } from '../../src/core/gossip/index.ts'
import { parseHash } from '../../src/core/ids.ts'
import { endpointAddr } from '../../src/core/keys/address.ts'
import { parseEndpointId } from '../../src/core/keys/endpoint-id.ts'
import type { K2Endpoint } from '../../src/core/net/index.ts'

const MAX_VALUE = 1 << 20
const FILL_BATCH = 500

const doc = z.string().transform(parseNamespaceId)
const Doc = z.strictObject({ doc })
const Import = z.strictObject({ ticket: z.string(), subscribe: z.boolean().default(false) })
const Share = z.strictObject({ doc, mode: z.enum(['read', 'write']), with_addrs: z.boolean().default(false) })
const Put = z.strictObject({ doc, key: z.string(), value: z.string() })
const SetHash = z.strictObject({ doc, key: z.string(), hash: z.string().transform(parseHash), size: z.int() })
const Key = z.strictObject({ doc, key: z.string() })
const Entries = z.strictObject({ doc, prefix: z.string().default(''), include_empty: z.boolean().default(false) })
const Peer = z.union([
  z.string().transform((id) => endpointAddr(parseEndpointId(id))),
  z
    .strictObject({ id: z.string(), addrs: z.array(z.string()).default([]), relay: z.string().nullish() })
    .transform(({ id, addrs }) => endpointAddr(parseEndpointId(id), [], addrs)),
])
const Sync = z.strictObject({ doc, peers: z.array(Peer).default([]) })
const Fill = z.strictObject({ doc, count: z.int(), prefix: z.string().default('k') })

/** The documents of one node behind the commands of the lab: in a folder, or in memory. */
export class LabDocs {
  readonly #docs: Docs
  readonly #endpoint: K2Endpoint
  readonly #print: (line: object) => void
  readonly #watched = new Set<string>()

  private constructor(docs: Docs, endpoint: K2Endpoint, print: (line: object) => void) {
    this.#docs = docs
    this.#endpoint = endpoint
    this.#print = print
  }

  static async open(
    parts: { endpoint: K2Endpoint; gossip: Gossip; contents: ContentStore; folder: string | undefined },
    print: (line: object) => void,
  ): Promise<LabDocs> {
    const map = parts.folder === undefined ? memoryMap() : await lmdbMap(join(parts.folder, 'docs'))
    const docs = new Docs({ ...parts, store: await KvDocStore.open(map) })
    await docs.start()
    return new LabDocs(docs, parts.endpoint, print)
  }

  get docs(): Docs {
    return this.#docs
  }

  close(): Promise<void> {
    return this.#docs.stop()
  }

  readonly commands: Readonly<Record<string, (args: unknown) => Promise<object>>> = {
    'docs.create': async () => ({ doc: await this.#docs.create() }),
    'docs.author': async () => ({ author: this.#docs.defaultAuthor }),
    'docs.list': async () => ({ docs: this.#docs.list().map(({ id, kind }) => ({ doc: id, capability: kind })) }),
    'docs.import': async (args) => {
      const { ticket, subscribe } = Import.parse(args)
      const { capability, nodes } = decodeDocTicket(ticket)
      const id = await this.#docs.importCapability(capability)
      // Before the first session can begin: what it brings is told once.
      if (subscribe) await this.#watch(id)
      await this.#docs.startSync(id, nodes)
      return { doc: id }
    },
    'docs.share': async (args) => {
      const { doc: id, mode, with_addrs } = Share.parse(args)
      const { direct } = this.#endpoint.addr()
      return { ticket: await this.#docs.share(id, mode, endpointAddr(this.#endpoint.id, [], with_addrs ? direct : [])) }
    },
    'docs.put': async (args) => {
      const { doc: id, key, value } = Put.parse(args)
      if (value === '') return { hash: null }
      return { hash: toHex((await this.#docs.setBytes(id, utf8(key), utf8(value))).hash) }
    },
    'docs.set_hash': async (args) => {
      const { doc: id, key, hash, size } = SetHash.parse(args)
      await this.#docs.setHash(id, utf8(key), { hash: fromHex(hash), len: size })
      return {}
    },
    /** Many entries at once, for measurements: contents that nobody has. */
    'docs.fill': async (args) => {
      const { doc: id, count, prefix } = Fill.parse(args)
      const begun = performance.now()
      const entry = (i: number) => ({
        key: utf8(`${prefix}${String(i).padStart(7, '0')}.`),
        hash: new Uint8Array(32).fill(1 + (i % 250)),
        len: 1,
      })
      for (let from = 0; from < count; from += FILL_BATCH) {
        const length = Math.min(FILL_BATCH, count - from)
        await this.#docs.setHashes(
          id,
          Array.from({ length }, (_, i) => entry(from + i)),
        )
      }
      return { seconds: (performance.now() - begun) / 1000 }
    },
    'docs.get': async (args) => {
      const { doc: id, key } = Key.parse(args)
      const entry = await this.#docs.getExact(id, this.#docs.defaultAuthor, utf8(key))
      if (entry === undefined) return { value: null }
      const content = await this.#docs.read(entry, MAX_VALUE)
      if (content === undefined) throw new K2Error({ code: 'DOC_NO_CONTENT', kind: 'input', message: 'its content is not here' })
      return { value: Buffer.from(content).toString(), hash: toHex(entry.hash) }
    },
    'docs.delete': async (args) => {
      const { doc: id, key } = Key.parse(args)
      return { removed: await this.#docs.delete(id, utf8(key)) }
    },
    'docs.entries': async (args) => {
      const { doc: id, prefix, include_empty } = Entries.parse(args)
      const entries = await this.#docs.query(id, { key: { prefix: utf8(prefix) }, includeEmpty: include_empty })
      return { entries: entries.map(entryLine) }
    },
    'docs.start_sync': async (args) => {
      const { doc: id, peers } = Sync.parse(args)
      await this.#docs.startSync(id, peers)
      return {}
    },
    'docs.leave': async (args) => {
      await this.#docs.leave(Doc.parse(args).doc)
      return {}
    },
    'docs.status': async (args) => ({ sync: (await this.#docs.status(Doc.parse(args).doc)).syncing }),
    'docs.subscribe': async (args) => {
      await this.#watch(Doc.parse(args).doc)
      return {}
    },
  }

  async #watch(id: NamespaceId): Promise<void> {
    if (this.#watched.has(id)) return
    this.#watched.add(id)
    const events = await this.#docs.subscribe(id)
    void (async () => {
      for await (const event of events) this.#print({ ...eventLine(event), doc: id })
    })()
  }
}

const entryLine = (entry: SignedEntry): object => ({
  author: authorOf(entry.id),
  key: fromUtf8(keyOf(entry.id)) ?? toHex(keyOf(entry.id)),
  hash: toHex(entry.hash),
  size: Number(entry.len),
  timestamp: String(entry.timestamp),
})

function eventLine(event: DocEvent): object {
  switch (event.kind) {
    case 'insert-local':
      return { event: 'docs.insert_local', entry: entryLine(event.entry) }
    case 'insert-remote':
      return { event: 'docs.insert_remote', entry: entryLine(event.entry), from: event.from, content: event.content }
    case 'content-ready':
      return { event: 'docs.content_ready', hash: event.hash }
    case 'pending-content-ready':
      return { event: 'docs.pending_content_ready' }
    case 'neighbor-up':
    case 'neighbor-down':
      return { event: event.kind === 'neighbor-up' ? 'docs.neighbor_up' : 'docs.neighbor_down', peer: event.peer }
    case 'sync-finished':
      return {
        event: 'docs.sync_finished',
        peer: event.peer,
        origin: event.origin.kind,
        received: event.error ? null : event.received,
        sent: event.error ? null : event.sent,
        error: event.error?.message ?? null,
      }
  }
}
