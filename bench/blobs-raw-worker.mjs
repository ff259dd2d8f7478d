// Reads responses as fast as the binding gives them, and throws them away: what a fetch is compared with. One message is one run, an
// order `{ hash, streams }` of chunk ranges, one stream each at the same time over one connection, as a thread of the downloader
// does it; it is answered with the number of bytes. Null ends the thread.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'

const { build, provider } = workerData
const module = (path) => import(pathToFileURL(join(build, 'core', path)).href)
const { READ_BYTES } = await module('blobs/byte-reader.js')
const { rawRanges } = await module('blobs/proto/ranges-seq.js')
const { BLOBS_ALPN, encodeRequest } = await module('blobs/proto/requests.js')
const { bindIrohTransport } = await module('net/index.js')

const transport = await bindIrohTransport({ secretKey: new Uint8Array(randomBytes(32)), mode: 'loopback', alpns: [] })
const connection = await transport.connect(provider, BLOBS_ALPN)

async function read(hash, ranges) {
  const { send, recv } = await connection.openBi()
  await send.write(encodeRequest({ kind: 'get', hash, ranges: rawRanges(ranges) }))
  await send.finish()
  let bytes = 0
  for (let part = await recv.read(READ_BYTES); part !== null; part = await recv.read(READ_BYTES)) bytes += part.length
  return bytes
}

async function run(order) {
  if (order === null) {
    connection.close(0n, 'done')
    await transport.close()
    parentPort.close()
    return
  }
  const bytes = await Promise.all(order.streams.map((ranges) => read(order.hash, ranges)))
  parentPort.postMessage(bytes.reduce((a, b) => a + b))
}

parentPort.on('message', (order) => void run(order))
parentPort.postMessage(0)
