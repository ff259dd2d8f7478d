import { randomBytes } from 'node:crypto'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { READ_BYTES } from '../src/core/blobs/byte-reader.ts'
import { rawRanges } from '../src/core/blobs/proto/ranges-seq.ts'
import { BLOBS_ALPN, encodeRequest } from '../src/core/blobs/proto/requests.ts'
import type { ChunkRanges } from '../src/core/blobs/tree/ranges.ts'
import type { Hash } from '../src/core/ids.ts'
import { bindIrohTransport, type PeerAddr } from '../src/core/net/index.ts'

// Reads responses as fast as the binding gives them, and throws them away: what a fetch is compared with.

export interface RawInput {
  readonly entry: string
  readonly provider: PeerAddr
}

/** One run; null ends the thread. It is answered with the number of bytes. */
export interface RawOrder {
  readonly hash: Hash
  /** One stream each, at the same time over one connection: as many as a thread of the downloader reads at once. */
  readonly streams: readonly ChunkRanges[]
}

const port = parentPort as MessagePort
const { provider } = workerData as RawInput
const transport = await bindIrohTransport({ secretKey: new Uint8Array(randomBytes(32)), mode: 'loopback', alpns: [] })
const connection = await transport.connect(provider, BLOBS_ALPN)

async function read(hash: Hash, ranges: ChunkRanges): Promise<number> {
  const { send, recv } = await connection.openBi()
  await send.write(encodeRequest({ kind: 'get', hash, ranges: rawRanges(ranges) }))
  await send.finish()
  let bytes = 0
  for (let part = await recv.read(READ_BYTES); part !== null; part = await recv.read(READ_BYTES)) bytes += part.length
  return bytes
}

async function run(order: RawOrder | null): Promise<void> {
  if (order === null) {
    connection.close(0n, 'done')
    await transport.close()
    port.close()
    return
  }
  const bytes = await Promise.all(order.streams.map((ranges) => read(order.hash, ranges)))
  port.postMessage(bytes.reduce((a, b) => a + b))
}

port.on('message', (order: RawOrder | null) => void run(order))
port.postMessage(0)
