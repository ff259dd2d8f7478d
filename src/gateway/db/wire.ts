import type { FieldInfo } from './pool.ts'

/** Statement parameter as it crosses to the engine: text form, bytes (bytea), or null. */
export type WireParam = string | Uint8Array | null

/** Client id of statements that belong to no checked-out client. */
export const NO_CLIENT = 0

export type EngineRequest =
  | {
      readonly op: 'query'
      readonly id: number
      readonly client: number
      readonly text: string
      /** Present and non-empty: extended protocol. */
      readonly params?: readonly WireParam[]
    }
  /** The client is not used any more: roll back what it left open, forget its channels. */
  | { readonly op: 'release'; readonly client: number }
  /** Checkpoint and shut down. */
  | { readonly op: 'close'; readonly id: number }

/** Fields of a Postgres error message, as `pg.DatabaseError` carries them. */
export interface WireError {
  readonly message: string
  readonly code?: string | undefined
  readonly severity?: string | undefined
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  readonly position?: string | undefined
  readonly where?: string | undefined
  readonly schema?: string | undefined
  readonly table?: string | undefined
  readonly column?: string | undefined
  readonly dataType?: string | undefined
  readonly constraint?: string | undefined
  readonly routine?: string | undefined
}

/** What the engine keeps for a client after a statement; with `nothing` it has forgotten the client. */
export type Held = 'nothing' | 'channels' | 'transaction'

export type EngineReply =
  | { readonly op: 'ready' }
  | { readonly op: 'failed'; readonly message: string; readonly code?: string | undefined }
  | {
      readonly op: 'result'
      readonly id: number
      readonly command: string
      readonly rowCount: number | null
      readonly fields: readonly FieldInfo[]
      readonly rows: readonly (string | null)[][]
      readonly held: Held
    }
  | { readonly op: 'error'; readonly id: number; readonly error: WireError; readonly held: Held }
  | { readonly op: 'closed'; readonly id: number }
  /** Whether writing is stopped because the disk is nearly full. */
  | { readonly op: 'disk'; readonly full: boolean }
  | { readonly op: 'notification'; readonly clients: readonly number[]; readonly channel: string; readonly payload: string }
  /** The engine took the client's transaction away (idle for too long). */
  | { readonly op: 'client-error'; readonly client: number; readonly error: WireError }
