import type { AuthorId, NamespaceId } from './ids.ts'
import type { Capability } from './proto/capability.ts'
import type { SignedEntry } from './proto/entry.ts'
import type { DownloadPolicy } from './proto/policy.ts'

/** A peer a session succeeded with. */
export interface UsefulPeer {
  /** 32 bytes hex. */
  readonly id: string
  /** ms since 1970. */
  readonly at: number
}

/** What one step changed in a document; written in one transaction. */
export interface DocChange {
  readonly namespace: NamespaceId
  readonly puts: readonly SignedEntry[]
  /** Ids of entries that were replaced or pruned; ids of `puts` may be among them. */
  readonly removed: readonly Uint8Array[]
  /** Newest time per author that is stored now, µs. */
  readonly heads: ReadonlyMap<AuthorId, bigint>
}

/** What a node keeps of its documents (docs 14.1). Every write is on disk when it resolves; all reject `DOC_STORE_FAILED`. */
export interface DocStore {
  capabilities(): Promise<readonly Capability[]>
  putCapability(capability: Capability): Promise<void>
  /** Removes the document with everything that belongs to it. */
  drop(namespace: NamespaceId): Promise<void>

  entries(namespace: NamespaceId): AsyncIterable<SignedEntry>
  heads(namespace: NamespaceId): Promise<ReadonlyMap<AuthorId, bigint>>
  commit(change: DocChange): Promise<void>

  /** Author seeds, 32 bytes each. */
  authors(): Promise<readonly Uint8Array[]>
  putAuthor(id: AuthorId, seed: Uint8Array): Promise<void>
  deleteAuthor(id: AuthorId): Promise<void>
  defaultAuthor(): Promise<AuthorId | undefined>
  setDefaultAuthor(id: AuthorId): Promise<void>

  /** Newest first, at most `MAX_USEFUL_PEERS`. */
  peers(namespace: NamespaceId): Promise<readonly UsefulPeer[]>
  notePeer(namespace: NamespaceId, peer: UsefulPeer): Promise<void>
  policy(namespace: NamespaceId): Promise<DownloadPolicy>
  setPolicy(namespace: NamespaceId, policy: DownloadPolicy): Promise<void>
  close(): Promise<void>
}

/** docs 9.7 */
export const MAX_USEFUL_PEERS = 5

/** A peer in front, without repeats, cut. */
export function withPeer(known: readonly UsefulPeer[], peer: UsefulPeer): readonly UsefulPeer[] {
  return [peer, ...known.filter((other) => other.id !== peer.id)].slice(0, MAX_USEFUL_PEERS)
}
