import { wireError } from '../../wire/errors.ts'
import type { WireReader } from '../../wire/reader.ts'
import type { WireWriter } from '../../wire/writer.ts'
import { ALL, type ChunkRanges, NOTHING } from '../tree/ranges.ts'

/** Most boundaries of one range set and most tuples of a sequence that are read (blobs.md 9.5). */
export const MAX_BOUNDARIES = 65_536
const MAX_U64 = 0xffff_ffff_ffff_ffffn

/** From child `index` on (0 = the blob named in the request), `ranges` are wanted, until the next tuple. */
export interface RangeRun {
  readonly index: bigint
  readonly ranges: ChunkRanges
}

/** What a request wants of a blob and, if that is a hash sequence, of its children (blobs.md 5.2). */
export type RangesSeq = readonly RangeRun[]

/** A whole raw blob. */
export const RAW_BLOB: RangesSeq = [
  { index: 0n, ranges: ALL },
  { index: 1n, ranges: NOTHING },
]
/** A hash sequence and all its children. */
export const WHOLE_HASH_SEQ: RangesSeq = [{ index: 0n, ranges: ALL }]

/** Some ranges of a raw blob. */
export function rawRanges(ranges: ChunkRanges): RangesSeq {
  return ranges.length === 0
    ? []
    : [
        { index: 0n, ranges },
        { index: 1n, ranges: NOTHING },
      ]
}

/**
 * The canonical sequence of a finite list of range sets; `openEnd` repeats the last one for ever instead of ending.
 */
export function rangesSeqOf(list: readonly ChunkRanges[], openEnd = false): RangesSeq {
  const runs: RangeRun[] = []
  let previous: ChunkRanges = NOTHING
  for (const [i, ranges] of list.entries()) {
    if (!sameRanges(ranges, previous)) runs.push({ index: BigInt(i), ranges })
    previous = ranges
  }
  if (!openEnd && previous.length > 0) runs.push({ index: BigInt(list.length), ranges: NOTHING })
  return runs
}

/** The set wanted at `index`. */
export function rangesAt(seq: RangesSeq, index: bigint): ChunkRanges {
  let found: ChunkRanges = NOTHING
  for (const run of seq) {
    if (run.index > index) break
    found = run.ranges
  }
  return found
}

/** Indices with a non-empty set as runs `[from, to)`, ascending; `to` undefined = for ever. Never counts index by index. */
export function* selectedRuns(
  seq: RangesSeq,
): Generator<{ from: bigint; to: bigint | undefined; ranges: ChunkRanges }, void, undefined> {
  for (const [i, run] of seq.entries()) {
    const to = seq[i + 1]?.index
    if (run.ranges.length > 0 && to !== run.index) yield { from: run.index, to, ranges: run.ranges }
  }
}

/** True when only the named blob itself is wanted. */
export function isRawRequest(seq: RangesSeq): boolean {
  for (const { from, to } of selectedRuns(seq)) if (from !== 0n || to !== 1n) return false
  return true
}

export function sameRanges(a: ChunkRanges, b: ChunkRanges): boolean {
  return a.length === b.length && a.every((boundary, i) => boundary === b[i])
}

/** RangeSpec: delta-coded boundaries (blobs.md 5.1). */
export function writeRanges(writer: WireWriter, ranges: ChunkRanges): void {
  let previous = 0n
  writer.seq(ranges, (boundary) => {
    writer.u64(boundary - previous)
    previous = boundary
  })
}

/** @param budget boundaries that may be read, also those that cancel; what is read is taken from it. */
export function readRanges(reader: WireReader, budget: { left: number } = { left: MAX_BOUNDARIES }): ChunkRanges {
  const out: bigint[] = []
  let at = 0n
  let read = 0
  reader.seq(
    () => {
      read++
      at += reader.u64()
      if (at > MAX_U64) throw wireError('WIRE_OUT_OF_RANGE', 'a chunk number is larger than 2^64 - 1', { offset: reader.offset })
      // Zero widths cancel: two equal boundaries are none (blobs.md 5.4).
      if (out.at(-1) === at) out.pop()
      else out.push(at)
    },
    { max: budget.left },
  )
  budget.left -= read
  return out
}

export function writeRangesSeq(writer: WireWriter, seq: RangesSeq): void {
  let previous = 0n
  writer.seq(seq, (run) => {
    writer.u64(run.index - previous)
    writeRanges(writer, run.ranges)
    previous = run.index
  })
}

export function readRangesSeq(reader: WireReader): RangesSeq {
  const out: RangeRun[] = []
  let index = 0n
  // The bound holds for all sets together: each tuple could bring as many.
  const budget = { left: MAX_BOUNDARIES }
  reader.seq(
    () => {
      index += reader.u64()
      if (index > MAX_U64)
        throw wireError('WIRE_OUT_OF_RANGE', 'a child number is larger than 2^64 - 1', { offset: reader.offset })
      const run = { index, ranges: readRanges(reader, budget) }
      // A repeated index is legal: the later value replaces the earlier one.
      if (out.at(-1)?.index === index) out.pop()
      out.push(run)
    },
    { max: MAX_BOUNDARIES, minItemBytes: 2 },
  )
  return out
}
