import type { BlobSink } from '../../../../src/core/blobs/store.ts'
import { RangeDecoder } from '../../../../src/core/blobs/tree/decode.ts'
import { encodeRanges, encodeSize, memorySource } from '../../../../src/core/blobs/tree/encode.ts'
import { hashBlob } from '../../../../src/core/blobs/tree/outboard.ts'
import type { ChunkRanges } from '../../../../src/core/blobs/tree/ranges.ts'
import { type Hash, idBytes, parseHash } from '../../../../src/core/ids.ts'

export const EMPTY: Hash = parseHash('af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262')

/** Everything an async source yields. */
export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = []
  for await (const item of source) out.push(item)
  return out
}

/** All bytes a source yields. */
export async function collectBytes(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part.slice())
  return new Uint8Array(Buffer.concat(parts))
}

/** Feeds a sink with what an honest provider would send for these ranges, verified as a getter does. */
export async function deliver(sink: BlobSink, data: Uint8Array, hash: Hash, ranges: ChunkRanges): Promise<void> {
  const source = memorySource(data, hashBlob(data).outboard)
  const decoder = new RangeDecoder({ hash: idBytes(hash), ranges, maxSize: Number.MAX_SAFE_INTEGER })
  const feed = async (piece: Uint8Array): Promise<void> => {
    for (const event of decoder.push(piece)) {
      if (event.kind === 'size') await sink.size(event.size)
      else if (event.kind === 'pair') await sink.pair(event.index, event.pair)
      else if (event.kind === 'leaf') await sink.leaf(event.offset, event.data)
    }
  }
  if (ranges.length === 0) return
  await feed(encodeSize(data.length))
  for await (const piece of encodeRanges(source, idBytes(hash), ranges)) await feed(piece)
}
