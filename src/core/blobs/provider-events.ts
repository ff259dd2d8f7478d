import type { Hash, PeerId } from '../ids.ts'
import type { BlobRequest } from './proto/requests.ts'

export type RequestKind = BlobRequest['kind']

/** What happens at a provider, for metrics and logs (blobs.md 9.3). `request` numbers the requests of this process. */
export type ProviderEvent =
  | { readonly type: 'connected' | 'disconnected'; readonly peer: PeerId; readonly connection: number }
  /** Turned away at the door, with the code it was told. */
  | { readonly type: 'turned-away'; readonly peer: PeerId; readonly code: bigint }
  | { readonly type: 'request'; readonly peer: PeerId; readonly request: number; readonly kind: RequestKind }
  /** `index` 0 is the blob that was named, i the i-th child (for many hashes: the position). */
  | { readonly type: 'started'; readonly request: number; readonly index: number; readonly hash: Hash; readonly size: number }
  /** After every write. */
  | { readonly type: 'progress'; readonly request: number; readonly bytes: number }
  | {
      readonly type: 'completed' | 'aborted'
      readonly request: number
      readonly peer: PeerId
      /** Bytes of responses taken by the transport. */
      readonly bytes: number
      readonly ms: number
      /** Code of the error that ended it. */
      readonly reason?: string
    }

export interface ProviderStats {
  requests: number
  served: number
  refused: number
  malformed: number
  notFound: number
  failed: number
  /** The requester had enough, or left. */
  stopped: number
  bytes: number
}
