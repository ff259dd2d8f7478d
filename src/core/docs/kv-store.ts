import { concatBytes, fromUtf8, utf8 } from '../../base/bytes.ts'
import { blake3 } from '../blobs/tree/blake3.ts'
import { WireReader } from '../wire/reader.ts'
import { WireWriter } from '../wire/writer.ts'
import { docsError } from './errors.ts'
import { type AuthorId, authorIdOf, docIdBytes, type NamespaceId, parseAuthorId } from './ids.ts'
import { type Capability, decodeStoredCapability, encodeStoredCapability } from './proto/capability.ts'
import { readSignedEntry, type SignedEntry, writeSignedEntry } from './proto/entry.ts'
import { DOWNLOAD_EVERYTHING, type DownloadPolicy, decodePolicy, encodePolicy } from './proto/policy.ts'
import { type DocChange, type DocStore, type UsefulPeer, withPeer } from './store.ts'

/** An ordered map of bytes, as LMDB and a plain array both are one. Keys have at most 1,900 bytes. */
export interface ByteMap {
  get(key: Uint8Array): Uint8Array | undefined
  /** Pairs whose keys begin with `prefix`, in key order. Views may become invalid with the next step. */
  scan(prefix: Uint8Array): Iterable<readonly [key: Uint8Array, value: Uint8Array]>
  /** All changes made by `work` in one transaction, on disk when it resolves. */
  write(work: (put: (key: Uint8Array, value: Uint8Array) => void, del: (key: Uint8Array) => void) => void): Promise<void>
  close(): Promise<void>
}

/** Seals the secrets of authors and documents at rest; the default keeps them as they are. */
export interface SecretBox {
  seal(secret: Uint8Array): Uint8Array
  /** Throws for anything it did not seal. */
  open(sealed: Uint8Array): Uint8Array
}

const PLAIN: SecretBox = { seal: (secret) => secret, open: (sealed) => sealed }

const META = 0
const AUTHOR = 1
const NAMESPACE = 2
const ENTRY = 3
const HEAD = 4
const PEERS = 5
const POLICY = 6
const SCHEMA = 1
/** Entries read before others get their turn. */
const READ_SLICE = 500

const DEFAULT_AUTHOR_KEY = utf8('default-author')
const VERSION_KEY = utf8('schema')

/**
 * Documents over an ordered byte map. Entries lie under document ‖ BLAKE3(id), so that keys of any length fit (docs 14.3).
 */
export class KvDocStore implements DocStore {
  readonly #map: ByteMap
  readonly #box: SecretBox

  private constructor(map: ByteMap, box: SecretBox) {
    this.#map = map
    this.#box = box
  }

  /** Rejects `DOC_STORE_FAILED` for a store of a newer program. */
  static async open(map: ByteMap, box: SecretBox = PLAIN): Promise<KvDocStore> {
    const version = map.get(key(META, VERSION_KEY))
    if (version === undefined) await map.write((put) => put(key(META, VERSION_KEY), Uint8Array.of(SCHEMA)))
    else if (version[0] !== SCHEMA)
      throw docsError('DOC_STORE_FAILED', 'storage', 'the documents were written by a newer version of this program')
    return new KvDocStore(map, box)
  }

  async capabilities(): Promise<readonly Capability[]> {
    return [...this.#map.scan(key(NAMESPACE))].map(([, value]) => decodeStoredCapability(this.#box.open(value.slice())))
  }

  putCapability(capability: Capability): Promise<void> {
    const value = this.#box.seal(encodeStoredCapability(capability))
    return this.#map.write((put) => put(key(NAMESPACE, docIdBytes(capability.id)), value))
  }

  async drop(namespace: NamespaceId): Promise<void> {
    const id = docIdBytes(namespace)
    const gone = [ENTRY, HEAD].flatMap((table) => [...this.#map.scan(key(table, id))].map(([k]) => k.slice()))
    await this.#map.write((_, del) => {
      for (const table of [NAMESPACE, PEERS, POLICY]) del(key(table, id))
      for (const k of gone) del(k)
    })
  }

  async *entries(namespace: NamespaceId): AsyncIterable<SignedEntry> {
    let read = 0
    for (const [, value] of this.#map.scan(key(ENTRY, docIdBytes(namespace)))) {
      yield readSignedEntry(new WireReader(value.slice()))
      if (++read % READ_SLICE === 0) await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  async heads(namespace: NamespaceId): Promise<ReadonlyMap<AuthorId, bigint>> {
    const heads = new Map<AuthorId, bigint>()
    for (const [k, value] of this.#map.scan(key(HEAD, docIdBytes(namespace)))) {
      heads.set(authorIdOf(k.subarray(33)), new WireReader(value).u64())
    }
    return heads
  }

  commit({ namespace, puts, removed, heads }: DocChange): Promise<void> {
    const id = docIdBytes(namespace)
    return this.#map.write((put, del) => {
      for (const entry of removed) del(entryKey(id, entry))
      for (const entry of puts) {
        const writer = new WireWriter(320)
        writeSignedEntry(writer, entry)
        put(entryKey(id, entry.id), writer.finish())
      }
      for (const [author, time] of heads) put(key(HEAD, id, docIdBytes(author)), new WireWriter().u64(time).finish())
    })
  }

  async authors(): Promise<readonly Uint8Array[]> {
    return [...this.#map.scan(key(AUTHOR))].map(([, value]) => this.#box.open(value.slice()))
  }

  putAuthor(id: AuthorId, seed: Uint8Array): Promise<void> {
    const value = this.#box.seal(seed)
    return this.#map.write((put) => put(key(AUTHOR, docIdBytes(id)), value))
  }

  deleteAuthor(id: AuthorId): Promise<void> {
    return this.#map.write((_, del) => del(key(AUTHOR, docIdBytes(id))))
  }

  async defaultAuthor(): Promise<AuthorId | undefined> {
    const text = this.#map.get(key(META, DEFAULT_AUTHOR_KEY))
    return text === undefined ? undefined : parseAuthorId(fromUtf8(text) ?? '')
  }

  setDefaultAuthor(id: AuthorId): Promise<void> {
    return this.#map.write((put) => put(key(META, DEFAULT_AUTHOR_KEY), utf8(id)))
  }

  async peers(namespace: NamespaceId): Promise<readonly UsefulPeer[]> {
    const value = this.#map.get(key(PEERS, docIdBytes(namespace)))
    if (value === undefined) return []
    const reader = new WireReader(value.slice())
    return reader.seq(() => ({ id: authorIdOf(reader.fixed(32)), at: reader.safeU64() }), { minItemBytes: 33 })
  }

  async notePeer(namespace: NamespaceId, peer: UsefulPeer): Promise<void> {
    const peers = withPeer(await this.peers(namespace), peer)
    const writer = new WireWriter()
    writer.seq(peers, ({ id, at }) => writer.fixed(docIdBytes(id as AuthorId)).u64(at))
    await this.#map.write((put) => put(key(PEERS, docIdBytes(namespace)), writer.finish()))
  }

  async policy(namespace: NamespaceId): Promise<DownloadPolicy> {
    const value = this.#map.get(key(POLICY, docIdBytes(namespace)))
    return value === undefined ? DOWNLOAD_EVERYTHING : decodePolicy(value.slice())
  }

  setPolicy(namespace: NamespaceId, policy: DownloadPolicy): Promise<void> {
    return this.#map.write((put) => put(key(POLICY, docIdBytes(namespace)), encodePolicy(policy)))
  }

  close(): Promise<void> {
    return this.#map.close()
  }
}

/**
 * Seals the secrets of all documents and authors anew, in one transaction: after a rotation of the key they were sealed under.
 * `reseal` answers undefined for what it leaves as it is. Answers how many were sealed anew.
 */
export async function resealSecrets(map: ByteMap, reseal: (sealed: Uint8Array) => Uint8Array | undefined): Promise<number> {
  const found = [NAMESPACE, AUTHOR].flatMap((table) => [...map.scan(key(table))].map(([k, v]) => [k.slice(), v.slice()] as const))
  const anew = found.flatMap(([k, sealed]) => {
    const value = reseal(sealed)
    return value === undefined ? [] : [[k, value] as const]
  })
  if (anew.length > 0) {
    await map.write((put) => {
      for (const [k, value] of anew) put(k, value)
    })
  }
  return anew.length
}

const key = (table: number, ...parts: readonly Uint8Array[]): Uint8Array => concatBytes([Uint8Array.of(table), ...parts])
const entryKey = (namespace: Uint8Array, id: Uint8Array): Uint8Array => key(ENTRY, namespace, blake3(id))
