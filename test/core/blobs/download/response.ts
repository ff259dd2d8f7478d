import type { BlobRequest } from '../../../../src/core/blobs/proto/requests.ts'
import { encodeRanges, encodeSize, memorySource } from '../../../../src/core/blobs/tree/encode.ts'
import { hashBlob } from '../../../../src/core/blobs/tree/outboard.ts'
import { ALL, type ChunkRanges } from '../../../../src/core/blobs/tree/ranges.ts'

const rangesOf = (request: BlobRequest): ChunkRanges => (request.kind === 'get' ? (request.ranges[0]?.ranges ?? []) : ALL)

/** The honest response to a request for `data`, header first. */
export async function response(data: Uint8Array, request: BlobRequest): Promise<Uint8Array> {
  const { hash, outboard } = hashBlob(data)
  const parts = [encodeSize(data.length)]
  for await (const piece of encodeRanges(memorySource(data, outboard), hash, rangesOf(request))) parts.push(piece)
  return new Uint8Array(Buffer.concat(parts))
}
