import { randomBytes } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { READ_BYTES } from '../src/core/blobs/byte-reader.ts'
import { rawRanges } from '../src/core/blobs/proto/ranges-seq.ts'
import { BLOBS_ALPN, encodeRequest } from '../src/core/blobs/proto/requests.ts'
import type { ChunkRanges } from '../src/core/blobs/tree/ranges.ts'
import type { Hash } from '../src/core/ids.ts'
import { bindIrohTransport, type PeerAddr } from '../src/core/net/index.ts'

// Reads a response as fast as the binding gives it, and throws it away: what a fetch is compared with.

export interface RawInput {
  readonly entry: string
  readonly provider: PeerAddr
  readonly hash: Hash
  readonly ranges: ChunkRanges
}

const { provider, hash, ranges } = workerData as RawInput
const transport = await bindIrohTransport({ secretKey: new Uint8Array(randomBytes(32)), mode: 'loopback', alpns: [] })
const connection = await transport.connect(provider, BLOBS_ALPN)
const { send, recv } = await connection.openBi()
await send.write(encodeRequest({ kind: 'get', hash, ranges: rawRanges(ranges) }))
await send.finish()
let bytes = 0
for (let part = await recv.read(READ_BYTES); part !== null; part = await recv.read(READ_BYTES)) bytes += part.length
parentPort?.postMessage(bytes)
connection.close(0n, 'done')
await transport.close()
