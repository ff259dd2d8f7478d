import { WireReader } from '../../wire/reader.ts'
import { WireWriter } from '../../wire/writer.ts'
import { type ChunkRanges, subtract, union } from '../tree/ranges.ts'
import { MAX_BOUNDARIES } from './ranges-seq.ts'

/** What a peer has of a blob (blobs.md 7.3). `ranges` has absolute boundaries; `[0]` = complete. */
export interface Bitfield {
  readonly size: bigint
  readonly ranges: ChunkRanges
}

export const UNKNOWN_BLOB: Bitfield = { size: 0n, ranges: [] }

/** One message of an observe response: LEB128 length, then size and boundaries. */
export function encodeBitfield(field: Bitfield): Uint8Array {
  const body = new WireWriter().u64(field.size)
  body.seq(field.ranges, (boundary) => body.u64(boundary))
  return new WireWriter().bytes(body.finish()).finish()
}

/** Reads the body of one message (without its length). Throws `WIRE_*`. */
export function decodeBitfield(body: Uint8Array): Bitfield {
  const r = new WireReader(body)
  const size = r.u64()
  const raw = r.seq(() => r.u64(), { max: MAX_BOUNDARIES })
  const sorted = raw.every((b, i) => i === 0 || b > (raw[i - 1] as bigint))
  return { size, ranges: sorted ? raw : raw.reduce<ChunkRanges>((set, b) => symmetricDifference(set, [b]), []) }
}

/** The update that brings an observer from one state to the next; undefined when nothing is new. */
export function updateBetween(sent: Bitfield, now: Bitfield): Bitfield | undefined {
  const ranges = symmetricDifference(sent.ranges, now.ranges)
  return ranges.length === 0 ? undefined : { size: now.size, ranges }
}

/** Adds an update to what was known: the union, with the size of the operand that reaches further. */
export function applyUpdate(known: Bitfield, update: Bitfield): Bitfield {
  return { size: reachesFurther(update, known) ? update.size : known.size, ranges: union(known.ranges, update.ranges) }
}

function reachesFurther(a: Bitfield, b: Bitfield): boolean {
  const openA = a.ranges.length % 2 === 1
  const openB = b.ranges.length % 2 === 1
  if (openA !== openB) return openA
  const endA = a.ranges.at(-1) ?? 0n
  const endB = b.ranges.at(-1) ?? 0n
  if (!openA && endA !== endB) return endA > endB
  return a.size > b.size
}

function symmetricDifference(a: ChunkRanges, b: ChunkRanges): ChunkRanges {
  return union(subtract(a, b), subtract(b, a))
}
