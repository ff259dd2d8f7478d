import type { NamespaceId } from '../../core/docs/index.ts'
import type { Hash, PeerId } from '../../core/index.ts'
import type { BaseFile, Link } from '../../core/sync/index.ts'
import type { PgPool } from '../db/pool.ts'
import type { Sealer } from '../db/repos/webhooks.ts'
import { num, numOrNull, run } from '../db/sql/statement.ts'
import * as sql from './store-sql.ts'

/** Rows written by one statement. */
const ROWS_AT_ONCE = 500

/** What is known of a file without reading it again. */
export interface Stamp {
  readonly size: number
  readonly mtimeNs: bigint
  readonly inode: bigint
}

/** A file of the folder as it was last read. */
export interface SeenFile extends Stamp {
  readonly hash: Hash
}

export interface FileState {
  readonly base: BaseFile | undefined
  readonly local: SeenFile | undefined
}

export interface RootState {
  /** Identity of the folder on disk, so that an unmounted disk is noticed. */
  readonly device: string
  readonly inode: string
  /** ms since 1970; undefined: never to its end. */
  readonly scannedAt: number | undefined
}

export interface Invitation {
  readonly folder: NamespaceId
  readonly peer: PeerId
  readonly name: string
  /** A secret: whoever has it may write to the folder. */
  readonly ticket: string | undefined
  readonly state: 'pending' | 'accepted' | 'rejected'
  /** ms since 1970. */
  readonly at: number
}

/** What folder sync remembers in the database. Tickets are sealed. */
export class SyncStore {
  readonly #pool: PgPool
  readonly #gateway: string
  readonly #sealer: Sealer

  constructor(pool: PgPool, gateway: string, sealer: Sealer) {
    this.#pool = pool
    this.#gateway = gateway
    this.#sealer = sealer
  }

  async files(folder: NamespaceId): Promise<Map<string, FileState>> {
    const rows = await run<sql.FileRow>(this.#pool, sql.FILES, [this.#gateway, folder])
    return new Map(rows.map((row) => [row.path, stateOf(row)]))
  }

  /** Writes states in batches; undefined forgets a path. */
  async putFiles(folder: NamespaceId, states: ReadonlyMap<string, FileState | undefined>): Promise<void> {
    const all = [...states]
    for (let at = 0; at < all.length; at += ROWS_AT_ONCE) {
      const batch = all.slice(at, at + ROWS_AT_ONCE)
      const kept = batch.flatMap(([path, state]) => (state === undefined ? [] : [rowOf(path, state)]))
      const gone = batch.filter(([, state]) => state === undefined).map(([path]) => path)
      if (kept.length > 0) await run(this.#pool, sql.PUT_FILES, [this.#gateway, folder, JSON.stringify(kept)])
      if (gone.length > 0) await run(this.#pool, sql.DROP_FILES, [this.#gateway, folder, gone])
    }
  }

  async root(folder: NamespaceId): Promise<RootState | undefined> {
    const [row] = await run<sql.FolderRow>(this.#pool, sql.FOLDER, [this.#gateway, folder])
    return row && { device: row.device, inode: row.inode, scannedAt: numOrNull(row.scanned_at) ?? undefined }
  }

  async putRoot(folder: NamespaceId, root: RootState): Promise<void> {
    await run(this.#pool, sql.PUT_FOLDER, [this.#gateway, folder, root.device, root.inode, root.scannedAt ?? null])
  }

  async forget(folder: NamespaceId): Promise<void> {
    await run(this.#pool, sql.DROP_ALL_FILES, [this.#gateway, folder])
    await run(this.#pool, sql.DROP_FOLDER, [this.#gateway, folder])
  }

  /** Pending ones, oldest first. */
  async invitations(): Promise<readonly Invitation[]> {
    const rows = await run<sql.InviteRow>(this.#pool, sql.INVITES, [this.#gateway])
    return rows.map((row) => this.#invitation(row))
  }

  async invitation(folder: string): Promise<Invitation | undefined> {
    const [row] = await run<sql.InviteRow>(this.#pool, sql.INVITE, [this.#gateway, folder])
    return row && this.#invitation(row)
  }

  async putInvitation(invitation: Omit<Invitation, 'state' | 'ticket'> & { readonly ticket: string }): Promise<void> {
    const { folder, peer, name, ticket, at } = invitation
    await run(this.#pool, sql.PUT_INVITE, [this.#gateway, folder, peer, name, this.#sealer.seal(ticket), at])
  }

  /** False when it was answered before. Its ticket is forgotten. */
  async endInvitation(folder: string, state: 'accepted' | 'rejected'): Promise<boolean> {
    return (await run(this.#pool, sql.END_INVITE, [this.#gateway, folder, state])).length > 0
  }

  async pruneInvitations(before: number): Promise<void> {
    await run(this.#pool, sql.PRUNE_INVITES, [this.#gateway, before])
  }

  /** When linked devices are to be asked; their states are in the settings document. */
  async links(): Promise<ReadonlyMap<string, Omit<Link, 'state'>>> {
    const rows = await run<sql.LinkRow>(this.#pool, sql.LINKS, [this.#gateway])
    return new Map(
      rows.map((row) => [
        linkKey(row.folder, row.peer),
        { dueAt: num(row.due_at), failures: row.failures, refusedAt: numOrNull(row.refused_at) ?? undefined },
      ]),
    )
  }

  async putLink(folder: string, peer: string, link: Link): Promise<void> {
    await run(this.#pool, sql.PUT_LINK, [this.#gateway, folder, peer, link.dueAt, link.failures, link.refusedAt ?? null])
  }

  async dropLink(folder: string, peer: string): Promise<void> {
    await run(this.#pool, sql.DROP_LINK, [this.#gateway, folder, peer])
  }

  #invitation(row: sql.InviteRow): Invitation {
    return {
      folder: row.folder as NamespaceId,
      peer: row.peer as PeerId,
      name: row.name,
      ticket: this.#sealer.open(row.ticket),
      state: row.state,
      at: num(row.at),
    }
  }
}

export const linkKey = (folder: string, peer: string): string => `${folder} ${peer}`

function stateOf(row: sql.FileRow): FileState {
  const { base_kind: kind, base_hash: base, local_hash: local } = row
  return {
    base: kind === null || base === null ? undefined : { kind, hash: base as Hash },
    local:
      local === null
        ? undefined
        : {
            hash: local as Hash,
            size: num(row.local_size ?? 0),
            mtimeNs: BigInt(row.local_mtime ?? 0),
            inode: BigInt(row.local_inode ?? 0),
          },
  }
}

function rowOf(path: string, { base, local }: FileState): object {
  return {
    path,
    base_kind: base?.kind ?? null,
    base_hash: base?.hash ?? null,
    local_hash: local?.hash ?? null,
    local_size: local?.size ?? null,
    // Numbers of this size lose digits in JSON.
    local_mtime: local === undefined ? null : String(local.mtimeNs),
    local_inode: local === undefined ? null : String(local.inode),
  }
}
