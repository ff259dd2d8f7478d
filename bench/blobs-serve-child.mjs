// A process that only keeps and serves blobs with the code of a build; see `blobs-fetch-child.mjs` for why. Started with an IPC
// channel, it answers orders (`ServeOrder` in `blobs-serve-process.ts`) in their order and ends with the channel.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'
import { currentBuild } from '../scripts/build.mjs'
import { watch } from './watch.mjs'

const build = await currentBuild()
const module = (path) => import(pathToFileURL(join(build, 'core', path)).href)
const { BLOBS_ALPN, BlobProvider, FsBlobStore } = await module('blobs/index.js')
const { bindIrohTransport } = await module('net/index.js')

const dir = await mkdtemp(join(tmpdir(), 'k2gw-bench-'))
const transport = await bindIrohTransport({ secretKey: new Uint8Array(randomBytes(32)), mode: 'loopback', alpns: [BLOBS_ALPN] })
const store = new FsBlobStore({ dir, maxBytes: 2 ** 34 })
const provider = new BlobProvider({ store })

async function accept() {
  for (let incoming = await transport.nextIncoming(); incoming !== null; incoming = await transport.nextIncoming())
    void provider.serve(await incoming.accept())
}
const accepting = accept()

let end
const does = {
  address: () => transport.localAddr(),
  /** Opens the store, which the first use does. */
  warm: async () => (await store.importBytes(new Uint8Array(100_000))).hash,
  async import({ path }) {
    const [cpu, begun] = [process.cpuUsage(), performance.now()]
    const { hash } = await store.importFile(path, { mode: 'copy' })
    const { user, system } = process.cpuUsage(cpu)
    return { hash, wall: (performance.now() - begun) / 1000, cpu: (user + system) / 1e6 }
  },
  watch() {
    end = watch()
  },
  unwatch: () => end(),
}

process.on('message', async (order) => process.send({ answer: await does[order.op](order) }))
process.on('disconnect', async () => {
  await transport.close()
  await accepting
  await store.close()
  await rm(dir, { recursive: true, force: true })
})
process.send({ answer: 'ready' })
