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

/** Applies an update (a symmetric difference) to what was known; the size of the operand that reaches further wins. */
export function applyUpdate(known: Bitfield, update: Bitfield): Bitfield {
  const ranges = symmetricDifference(known.ranges, update.ranges)
  // biome-ignore lint/complexity/useMathMinMax: Math.max does not take bigints
  return { size: update.size > known.size ? update.size : known.size, ranges }
}

function symmetricDifference(a: ChunkRanges, b: ChunkRanges): ChunkRanges {
  return union(subtract(a, b), subtract(b, a))
}
