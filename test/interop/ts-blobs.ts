import { z } from 'zod'
import { fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import { K2Error } from '../../src/base/errors.ts'
import {
  BLOBS_ALPN,
  BlobProvider,
  collectionFiles,
  decodeBlobTicket,
  decodeCollectionNames,
  decodeHashSeq,
  encodeBlobTicket,
  encodeCollectionNames,
  encodeHashSeq,
  getRanges,
  MemoryBlobStore,
} from '../../src/core/blobs/index.ts'
import { blake3 } from '../../src/core/blobs/tree/blake3.ts'
import { ALL } from '../../src/core/blobs/tree/ranges.ts'
import { type Hash, parseHash } from '../../src/core/ids.ts'
import { endpointAddr } from '../../src/core/keys/address.ts'
import type { K2Endpoint } from '../../src/core/net/index.ts'

/** Largest content an answer carries as hex. */
const MAX_PRINTED = 1 << 20

export const content = z
  .strictObject({ hex: z.string().optional(), text: z.string().optional(), pattern: z.int().min(0).optional() })
  .transform(({ hex, text, pattern }) =>
    hex !== undefined ? fromHex(hex) : text !== undefined ? utf8(text) : patternBytes(pattern ?? 0),
  )

/** The test data of the specifications: byte i = i mod 251. */
function patternBytes(size: number): Uint8Array {
  const out = new Uint8Array(size)
  for (let i = 0; i < size; i++) out[i] = i % 251
  return out
}

const hash = z.string().transform(parseHash)
const Add = z.strictObject({ content })
const Named = z.strictObject({ hash })
const Ticket = z.strictObject({ hash, format: z.enum(['raw', 'hash_seq']).default('raw'), name: z.string().optional() })
const Parse = z.strictObject({ ticket: z.string() })
const Get = z.strictObject({
  ticket: z.string(),
  use_ticket_addrs: z.boolean().default(false),
  recursive: z.boolean().default(false),
})
const Collection = z.strictObject({ files: z.array(z.strictObject({ name: z.string(), content })) })

/** The blobs of one node behind the commands of the lab. */
export class LabBlobs {
  readonly #endpoint: K2Endpoint
  readonly #store = new MemoryBlobStore(1 << 30)

  constructor(endpoint: K2Endpoint) {
    this.#endpoint = endpoint
    const provider = new BlobProvider({ store: this.#store })
    endpoint.handle(BLOBS_ALPN, (connection) => provider.serve(connection))
  }

  readonly commands: Readonly<Record<string, (args: unknown) => object | Promise<object>>> = {
    'blobs.add': (args) => ({ hash: this.#store.add(Add.parse(args).content) }),
    'blobs.ticket': (args) => this.#ticket(Ticket.parse(args)),
    'blobs.get': (args) => this.#get(Get.parse(args)),
    'blobs.read': async (args) => {
      const { hash } = Named.parse(args)
      const data = await this.#bytes(hash)
      return {
        size: data.length,
        data: data.length <= MAX_PRINTED ? toHex(data) : null,
        matches: toHex(blake3(data)) === hash,
      }
    },
    'blobs.add_collection': (args) => this.#addCollection(Collection.parse(args)),
    'blobs.read_collection': (args) => this.#readCollection(Named.parse(args).hash),
    'blobs.read_hash_seq': async (args) => ({ hashes: decodeHashSeq(await this.#bytes(Named.parse(args).hash)) }),
  }

  static parseTicket(args: unknown): object {
    const { addr, format, hash } = decodeBlobTicket(Parse.parse(args).ticket)
    return { hash, format: format === 'raw' ? 'raw' : 'hash_seq', id: addr.id, addrs: addr.direct, relays: addr.relays }
  }

  #ticket({ hash, format, name }: z.infer<typeof Ticket>): object {
    const { id, direct } = this.#endpoint.addr()
    const addr = endpointAddr(id, [], direct)
    const ticket = encodeBlobTicket({ addr, format: format === 'raw' ? 'raw' : 'hash-seq', hash })
    return { ticket, share: name === undefined ? null : `${name}|${ticket}` }
  }

  async #get({ ticket, recursive }: z.infer<typeof Get>): Promise<object> {
    const { addr, hash } = decodeBlobTicket(ticket)
    const connection = await this.#endpoint.dial(addr.id, BLOBS_ALPN)
    const one = async (hash: Hash) => {
      const parts: Uint8Array[] = []
      const sink = {
        size: async () => {},
        pair: async () => {},
        leaf: async (_: number, data: Uint8Array) => void parts.push(data),
      }
      await getRanges(connection, { hash, ranges: ALL, maxSize: 1 << 30, stallMs: 15_000 }, sink)
      if (this.#store.add(Buffer.concat(parts)) !== hash) throw new Error('wrong bytes')
    }
    await one(hash)
    if (recursive) for (const child of decodeHashSeq(await this.#bytes(hash))) await one(child)
    return { hash }
  }

  async #bytes(hash: Hash): Promise<Uint8Array> {
    const source = await this.#store.open(hash)
    if (source === undefined) throw new K2Error({ code: 'BLOB_FAILED', kind: 'input', message: 'this blob is not here' })
    try {
      return await source.read(0, source.size)
    } finally {
      await source.close()
    }
  }

  #addCollection({ files }: z.infer<typeof Collection>): object {
    const hashes = files.map((file) => this.#store.add(file.content))
    const names = this.#store.add(encodeCollectionNames(files.map((file) => file.name)))
    return { hash: this.#store.add(encodeHashSeq([names, ...hashes])) }
  }

  async #readCollection(hash: Hash): Promise<object> {
    const hashes = decodeHashSeq(await this.#bytes(hash))
    const names = hashes[0] === undefined ? [] : decodeCollectionNames(await this.#bytes(hashes[0]))
    return { files: collectionFiles(names, hashes) }
  }
}
