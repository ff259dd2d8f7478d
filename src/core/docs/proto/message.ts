import { WireReader } from '../../wire/reader.ts'
import { WireWriter } from '../../wire/writer.ts'
import { docIdBytes, type NamespaceId, namespaceIdOf } from '../ids.ts'
import {
  ID_PREFIX_BYTES,
  MIN_SIGNED_ENTRY_BYTES,
  readEntryId,
  readSignedEntry,
  type SignedEntry,
  writeSignedEntry,
} from './entry.ts'

/** Whether the sender of an entry has its content (docs 6.3). */
export type ContentStatus = 'complete' | 'incomplete' | 'missing'

const STATUSES = ['complete', 'incomplete', 'missing'] as const satisfies readonly ContentStatus[]

/** A subset of the ids of a document: everything when x = y, wrapping around when x > y (docs 6.1). */
export interface IdRange {
  readonly x: Uint8Array
  readonly y: Uint8Array
}

export interface SentValue {
  readonly entry: SignedEntry
  readonly status: ContentStatus
}

export type MessagePart =
  | { readonly kind: 'fingerprint'; readonly range: IdRange; readonly fingerprint: Uint8Array }
  | {
      readonly kind: 'items'
      readonly range: IdRange
      readonly values: readonly SentValue[]
      /** False: the receiver answers with what it has in the range and was not shown. */
      readonly haveLocal: boolean
    }

/** One step of a reconciliation. */
export type SyncMessage = readonly MessagePart[]

/** Frames of a session (docs 7.3). */
export type SyncFrame =
  | { readonly kind: 'init'; readonly namespace: NamespaceId; readonly message: SyncMessage }
  | { readonly kind: 'sync'; readonly message: SyncMessage }
  | { readonly kind: 'abort'; readonly reason: AbortReason }

export type AbortReason = 'not-found' | 'already-syncing' | 'internal-error'

const REASONS = ['not-found', 'already-syncing', 'internal-error'] as const satisfies readonly AbortReason[]

const MIN_ID_BYTES = 1 + ID_PREFIX_BYTES
const MIN_PART_BYTES = 1 + 2 * MIN_ID_BYTES + 2

export function writeSyncMessage(writer: WireWriter, message: SyncMessage): void {
  writer.seq(message, (part) => {
    writer.variant(part.kind === 'fingerprint' ? 0 : 1)
    writer.bytes(part.range.x).bytes(part.range.y)
    if (part.kind === 'fingerprint') {
      writer.fixed(part.fingerprint)
      return
    }
    writer.seq(part.values, ({ entry, status }) => {
      writeSignedEntry(writer, entry)
      writer.variant(STATUSES.indexOf(status))
    })
    writer.bool(part.haveLocal)
  })
}

/** Throws `WIRE_*`. Counts are bounded by the bytes that are there. */
export function readSyncMessage(reader: WireReader): SyncMessage {
  return reader.seq(() => readPart(reader), { minItemBytes: MIN_PART_BYTES })
}

function readPart(reader: WireReader): MessagePart {
  const isItems = reader.variant(2) === 1
  const range = { x: readEntryId(reader), y: readEntryId(reader) }
  if (!isItems) return { kind: 'fingerprint', range, fingerprint: reader.fixed(32) }
  const values = reader.seq(
    (): SentValue => ({ entry: readSignedEntry(reader), status: STATUSES[reader.variant(STATUSES.length)] as ContentStatus }),
    { minItemBytes: MIN_SIGNED_ENTRY_BYTES + 1 },
  )
  return { kind: 'items', range, values, haveLocal: reader.bool() }
}

export function encodeSyncFrame(frame: SyncFrame): Uint8Array {
  const writer = new WireWriter(1024)
  if (frame.kind === 'abort') return writer.variant(2).variant(REASONS.indexOf(frame.reason)).finish()
  if (frame.kind === 'init') writer.variant(0).fixed(docIdBytes(frame.namespace))
  else writer.variant(1)
  writeSyncMessage(writer, frame.message)
  return writer.finish()
}

/** Throws `WIRE_*`; bytes behind the value are tolerated, as Rust nodes do. */
export function decodeSyncFrame(bytes: Uint8Array): SyncFrame {
  const reader = new WireReader(bytes)
  switch (reader.variant(3)) {
    case 0:
      return { kind: 'init', namespace: namespaceIdOf(reader.fixed(32)), message: readSyncMessage(reader) }
    case 1:
      return { kind: 'sync', message: readSyncMessage(reader) }
    default:
      return { kind: 'abort', reason: REASONS[reader.variant(REASONS.length)] as AbortReason }
  }
}
