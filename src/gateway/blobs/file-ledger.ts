import { createHash } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import { uuidv7 } from '../../base/ids.ts'
import type { Rng } from '../../base/random.ts'
import type { BlobFormat } from '../../core/blobs/index.ts'
import type { Hash } from '../../core/index.ts'
import type { PgPool } from '../db/pool.ts'
import { num, run } from '../db/sql/statement.ts'
import { FilesInMaking } from './files-in-making.ts'
import { hashSchema } from './model.ts'
import {
  ADD_FILE,
  ADD_LINK,
  DELETE_FILES,
  EXPIRE_FILES,
  type FileRow,
  GET_FILE,
  GET_LINK,
  LIST_FILES,
  type LinkRow,
  PRUNE,
  REVOKE_LINKS,
} from './sql.ts'

export type FileOrigin = FileRow['origin']

/** A blob of the store under a name people gave it. */
export interface StoredFile {
  readonly id: string
  readonly hash: Hash
  readonly format: BlobFormat
  readonly name: string
  readonly mime: string
  /** Bytes; of a collection, of all its files. */
  readonly size: number
  /** `name|ticket`, as people hand it on. */
  readonly share: string
  /** Requester key of whoever brought it. */
  readonly owner: string
  readonly origin: FileOrigin
  readonly createdAt: number
  readonly expiresAt: number
}

export type LinkTarget =
  | { readonly kind: 'blob'; readonly hash: Hash; readonly name: string; readonly mime: string }
  | { readonly kind: 'media'; readonly sha256: string; readonly name: string }

/** A UUID that follows from the parts (version 8, RFC 9562). */
export function uuidOf(parts: readonly (string | number)[]): string {
  const h = createHash('sha256').update(parts.join('\0')).digest('hex')
  const variant = ((Number.parseInt(h[16] as string, 16) & 3) | 8).toString(16)
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-8${h.slice(13, 16)}-${variant}${h.slice(17, 20)}-${h.slice(20, 32)}`
}

/** Name of the tag that keeps a file's blob in the store. */
export const fileTag = (id: string): string => `${FILE_TAGS}${id}`
export const FILE_TAGS = 'files/'

/** Names, owners and lifetimes of the files in the store, and the links to them. */
export class FileLedger {
  readonly #pool: PgPool
  readonly #gateway: string
  readonly #clock: Clock
  readonly #rng: Rng
  readonly making = new FilesInMaking()

  constructor(options: { readonly pool: PgPool; readonly gateway: string; readonly clock: Clock; readonly rng: Rng }) {
    this.#pool = options.pool
    this.#gateway = options.gateway
    this.#clock = options.clock
    this.#rng = options.rng
  }

  newId(): string {
    return uuidv7(this.#clock.now(), this.#rng)
  }

  /** Answers the file of this id that is known already, if there is one. */
  async add(file: Omit<StoredFile, 'createdAt'>): Promise<StoredFile> {
    const { id, hash, format, name, mime, size, share, owner, origin, expiresAt } = file
    const now = this.#clock.now()
    const values = [id, this.#gateway, hash, format, name, mime, size, share, owner, origin, now, expiresAt]
    await run(this.#pool, ADD_FILE, values)
    return (await this.get(id)) ?? { ...file, createdAt: now }
  }

  async get(id: string): Promise<StoredFile | undefined> {
    return fileOf((await run<FileRow>(this.#pool, GET_FILE, [this.#gateway, id]))[0])
  }

  /** Newest first. */
  async list(limit: number): Promise<readonly StoredFile[]> {
    return (await run<FileRow>(this.#pool, LIST_FILES, [this.#gateway, limit])).map((row) => fileOf(row) as StoredFile)
  }

  /** Forgets a file by id, or all of a hash, with their links. Answers what is gone. */
  async remove(idOrHash: string): Promise<readonly { readonly id: string; readonly hash: Hash }[]> {
    return gone(await run(this.#pool, DELETE_FILES, [this.#gateway, idOrHash]))
  }

  async expire(): Promise<readonly { readonly id: string; readonly hash: Hash }[]> {
    return gone(await run(this.#pool, EXPIRE_FILES, [this.#gateway, this.#clock.now()]))
  }

  /** A new link to a file; the same id twice is one link. */
  async addLink(fileId: string, expiresAt: number, id = this.newId()): Promise<string> {
    await run(this.#pool, ADD_LINK, [id, this.#gateway, fileId, null, null, this.#clock.now(), expiresAt])
    return id
  }

  /** A link to a file of messages. Its id follows from the arguments, so that the same ones are one link. */
  async addMediaLink(sha256: string, name: string, expiresAt: number): Promise<string> {
    const id = uuidOf([this.#gateway, sha256, name, expiresAt])
    await run(this.#pool, ADD_LINK, [id, this.#gateway, null, sha256, name, this.#clock.now(), expiresAt])
    return id
  }

  /** What a link leads to; undefined when it is unknown, expired or revoked. */
  async link(id: string): Promise<LinkTarget | undefined> {
    const [row] = await run<LinkRow>(this.#pool, GET_LINK, [this.#gateway, id, this.#clock.now()])
    if (row === undefined) return undefined
    if (row.sha256 !== null) return { kind: 'media', sha256: row.sha256, name: row.name }
    return { kind: 'blob', hash: hashSchema.parse(row.hash), name: row.name, mime: row.mime ?? '' }
  }

  /** Ends a link, or all of a file; answers how many. */
  async revoke(id: string): Promise<number> {
    return (await run(this.#pool, REVOKE_LINKS, [this.#gateway, id, this.#clock.now()])).length
  }

  /** Removes rows nobody asks for any more. */
  async prune(keepMs: number): Promise<void> {
    for (const statement of PRUNE) await run(this.#pool, statement, [this.#clock.now() - keepMs])
  }
}

const gone = (rows: readonly unknown[]): readonly { id: string; hash: Hash }[] =>
  (rows as { id: string; hash: string }[]).map((row) => ({ id: row.id, hash: hashSchema.parse(row.hash) }))

function fileOf(row: FileRow | undefined): StoredFile | undefined {
  return (
    row && {
      id: row.id,
      hash: hashSchema.parse(row.hash),
      format: row.format,
      name: row.name,
      mime: row.mime,
      size: num(row.size),
      share: row.share,
      owner: row.owner,
      origin: row.origin,
      createdAt: num(row.created_at),
      expiresAt: num(row.expires_at),
    }
  )
}
