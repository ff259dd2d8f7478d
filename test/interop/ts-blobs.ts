import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { z } from 'zod'
import { fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import { K2Error } from '../../src/base/errors.ts'
import {
  BLOBS_ALPN,
  BlobProvider,
  type BlobStore,
  blobBytes,
  collectionFiles,
  Downloader,
  decodeBlobTicket,
  decodeCollectionNames,
  encodeBlobTicket,
  encodeCollectionNames,
  encodeHashSeq,
  FsBlobStore,
  MemoryBlobStore,
  type ParallelFetch,
  parallelFetch,
  readBlob,
} from '../../src/core/blobs/index.ts'
import { blobContents, type ContentStore } from '../../src/core/docs/index.ts'
import { type Hash, parseHash } from '../../src/core/ids.ts'
import { endpointAddr } from '../../src/core/keys/address.ts'
import type { IrohReach, K2Endpoint } from '../../src/core/net/index.ts'

/** Largest content an answer carries as hex. */
const MAX_PRINTED = 1 << 20
const STORE_BYTES = 2 ** 31

export const content = z
  .strictObject({ hex: z.string().optional(), text: z.string().optional(), pattern: z.int().min(0).optional() })
  .transform(({ hex, text, pattern }) =>
    hex !== undefined ? fromHex(hex) : text !== undefined ? utf8(text) : patternBytes(pattern ?? 0),
  )

/** The test data of the specifications: byte i = i mod 251. */
export function patternBytes(size: number): Uint8Array {
  const out = new Uint8Array(size)
  for (let i = 0; i < size; i++) out[i] = i % 251
  return out
}

const hash = z.string().transform(parseHash)
const Add = z.strictObject({ content })
const AddFile = z.strictObject({ path: z.string() })
const Named = z.strictObject({ hash })
const Export = z.strictObject({ hash, path: z.string() })
const Ticket = z.strictObject({ hash, format: z.enum(['raw', 'hash_seq']).default('raw'), name: z.string().optional() })
const Parse = z.strictObject({ ticket: z.string() })
const Get = z.strictObject({
  ticket: z.string(),
  use_ticket_addrs: z.boolean().default(false),
  recursive: z.boolean().default(false),
  /** Ours only: boundaries of chunks. */
  ranges: z.array(z.int().min(0)).optional(),
})
const GetMany = z.strictObject({ ticket: z.string(), hashes: z.array(hash), max_bytes: z.int().min(0) })
const Collection = z.strictObject({ files: z.array(z.strictObject({ name: z.string(), content })) })

/** Attempts end soon after a provider was killed: the scenario decides when it is asked again. */
const LIMITS = { connectMs: 5_000, stallMs: 5_000, failuresPerProvider: 1 }

export interface LabBlobsInit {
  readonly endpoint: K2Endpoint
  readonly reach: IrohReach
  /** In files below it, or in memory. */
  readonly folder: string | undefined
}

/** The blobs of one node behind the commands of the lab. */
export class LabBlobs {
  readonly #endpoint: K2Endpoint
  readonly #store: BlobStore
  readonly #downloader: Downloader
  readonly #parallel: ParallelFetch
  readonly #isPersistent: boolean
  readonly #provider: BlobProvider
  #turnedAway = 0
  readonly #emit: (event: object) => void

  /** For documents. */
  get contents(): ContentStore {
    return blobContents(this.#store, this.#downloader, STORE_BYTES)
  }

  constructor({ endpoint, reach, folder }: LabBlobsInit, emit: (event: object) => void) {
    this.#endpoint = endpoint
    this.#emit = emit
    this.#isPersistent = folder !== undefined
    this.#store =
      folder === undefined
        ? new MemoryBlobStore(STORE_BYTES)
        : new FsBlobStore({ dir: join(folder, 'blobs'), maxBytes: STORE_BYTES })
    const provider = new BlobProvider({
      store: this.#store,
      onEvent: ({ type }) => {
        if (type === 'turned-away') this.#turnedAway++
      },
    })
    this.#provider = provider
    endpoint.handle(BLOBS_ALPN, (connection) => provider.serve(connection))
    const dial = (addr: { id: typeof endpoint.id; direct: readonly string[] }, call: object) =>
      endpoint.dial(addr.id, BLOBS_ALPN, { ...call, ...(addr.direct.length > 0 && { addr }) })
    // As in the gateway: large blobs come through threads, whose endpoints know nobody.
    this.#parallel = parallelFetch({ ...reach, known: (id) => endpoint.book.dialable(id, Date.now()) })
    this.#downloader = new Downloader({ store: this.#store, dial, parallel: this.#parallel })
  }

  readonly commands: Readonly<Record<string, (args: unknown) => object | Promise<object>>> = {
    'blobs.add': async (args) => ({ hash: (await this.#store.importBytes(Add.parse(args).content)).hash }),
    'blobs.add_file': async (args) => {
      const { hash, size } = await this.#store.importFile(AddFile.parse(args).path, { mode: 'reference' })
      return { hash, size, by_reference: this.#isPersistent }
    },
    'blobs.ticket': (args) => this.#ticket(Ticket.parse(args)),
    'blobs.get': (args) => this.#get(Get.parse(args)),
    'blobs.get_many': (args) => this.#getMany(GetMany.parse(args)),
    'blobs.status': async (args) => {
      const status = await this.#store.status(Named.parse(args).hash)
      if (status.kind === 'absent') return { status: 'missing' }
      if (status.kind === 'complete') return { status: 'complete', size: status.size }
      return { status: 'partial', size: status.size, ranges: status.ranges.map(Number) }
    },
    'blobs.read': (args) => this.#read(Named.parse(args).hash),
    'blobs.export': async (args) => {
      const { hash, path } = Export.parse(args)
      await this.#store.export(hash, path)
      return {}
    },
    'blobs.delete': async (args) => ({ removed: (await this.#store.delete(Named.parse(args).hash)) ? 1 : 0 }),
    /** Ours only: what the provider has counted. */
    'blobs.provider': () => ({ ...this.#provider.stats, turned_away: this.#turnedAway, ...this.#provider.load() }),
    'blobs.add_collection': (args) => this.#addCollection(Collection.parse(args)),
    'blobs.read_collection': (args) => this.#readCollection(Named.parse(args).hash),
    'blobs.read_hash_seq': async (args) => ({ hashes: await this.#store.hashSeq(Named.parse(args).hash) }),
  }

  static parseTicket(args: unknown): object {
    const { addr, format, hash } = decodeBlobTicket(Parse.parse(args).ticket)
    return { hash, format: format === 'raw' ? 'raw' : 'hash_seq', id: addr.id, addrs: addr.direct, relays: addr.relays }
  }

  async close(): Promise<void> {
    await this.#parallel.close()
    await this.#store.close()
  }

  #ticket({ hash, format, name }: z.infer<typeof Ticket>): object {
    const { id, direct } = this.#endpoint.addr()
    const addr = endpointAddr(id, [], direct)
    const ticket = encodeBlobTicket({ addr, format: format === 'raw' ? 'raw' : 'hash-seq', hash })
    return { ticket, share: name === undefined ? null : `${name}|${ticket}` }
  }

  async #get({ ticket, recursive, use_ticket_addrs, ranges }: z.infer<typeof Get>): Promise<object> {
    const { addr, hash } = decodeBlobTicket(ticket)
    const result = await this.#downloader.download({
      hash,
      format: recursive ? 'hash-seq' : 'raw',
      providers: [{ id: addr.id, direct: use_ticket_addrs ? addr.direct : [] }],
      limits: LIMITS,
      onProgress: ({ received, present }) => this.#emit({ event: 'blobs.progress', hash, received, present }),
      ...(ranges && { ranges: ranges.map(BigInt) }),
    })
    return { hash, received: result.received, total: result.total }
  }

  /** From whom the ticket names. Ours only. */
  async #getMany({ ticket, hashes, max_bytes }: z.infer<typeof GetMany>): Promise<object> {
    const { id } = decodeBlobTicket(ticket).addr
    const missing = await this.#downloader.downloadMany({
      blobs: hashes.map((hash) => ({ hash, maxBytes: max_bytes })),
      providers: [{ id, direct: [] }],
      limits: LIMITS,
    })
    return { missing }
  }

  async #read(hash: Hash): Promise<object> {
    const digest = createHash('sha256')
    const parts: Uint8Array[] = []
    let size = 0
    for await (const piece of blobBytes(this.#store, hash)) {
      digest.update(piece)
      size += piece.length
      if (size <= MAX_PRINTED) parts.push(piece.slice())
    }
    // What is read is verified on the way.
    return { size, matches: true, sha256: digest.digest('hex'), data: size <= MAX_PRINTED ? toHex(Buffer.concat(parts)) : null }
  }

  async #addCollection({ files }: z.infer<typeof Collection>): Promise<object> {
    const add = async (data: Uint8Array) => (await this.#store.importBytes(data)).hash
    const hashes: Hash[] = []
    for (const file of files) hashes.push(await add(file.content))
    const names = await add(encodeCollectionNames(files.map((file) => file.name)))
    return { hash: (await this.#store.importBytes(encodeHashSeq([names, ...hashes]), { format: 'hash-seq' })).hash }
  }

  async #readCollection(hash: Hash): Promise<object> {
    const hashes = await this.#store.hashSeq(hash)
    const [names] = hashes
    if (names === undefined) throw new K2Error({ code: 'BLOB_BAD_COLLECTION', kind: 'input', message: 'no metadata' })
    return { files: collectionFiles(decodeCollectionNames(await readBlob(this.#store, names, MAX_PRINTED)), hashes) }
  }
}
