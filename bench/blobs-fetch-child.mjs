// A process that does nothing but fetch blobs with the code of a build, so that its figures are those of the product: no loader, no
// test peer, no compiler shares its threads and memory. `blobs-fetch-child <order as JSON>` prints its result as one line of JSON.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { argv, stdout } from 'node:process'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { currentBuild } from '../scripts/build.mjs'
import { watch } from './watch.mjs'

/** @type {import('./blobs-fetch-process.ts').ChildOrder} */
const order = JSON.parse(argv[2])
const build = await currentBuild()
const module = (path) => import(pathToFileURL(join(build, 'core', path)).href)
const { BLOBS_ALPN, Downloader, FsBlobStore, parallelFetch } = await module('blobs/index.js')
const { FETCH_THREAD_LIMITS } = await module('blobs/fetch-pool.js')
const { bindIrohTransport } = await module('net/index.js')
const { parseHash } = await module('ids.js')
const { systemClock } = await module('../base/clock.js')

const GROUP_BYTES = 16_384
const CHUNKS_PER_GROUP = 16

async function timed(run) {
  const [cpu, begun] = [process.cpuUsage(), performance.now()]
  await run()
  const { user, system } = process.cpuUsage(cpu)
  return { wall: (performance.now() - begun) / 1000, cpu: (user + system) / 1e6 }
}

const bind = () => bindIrohTransport({ secretKey: new Uint8Array(randomBytes(32)), mode: 'loopback', alpns: [] })

/** A new store with the endpoint of a node, as a gateway has them before anybody asks for a file. */
async function openNode() {
  const dir = await mkdtemp(join(tmpdir(), 'k2gw-bench-'))
  const transport = await bind()
  const store = new FsBlobStore({ dir, maxBytes: 2 ** 34 })
  return {
    async fetch({ hash, bytes }, parallel) {
      const downloader = new Downloader({ store, parallel, dial: (addr, call) => transport.connect(addr, BLOBS_ALPN, call) })
      return await timed(async () => {
        const { received } = await downloader.download({ hash: parseHash(hash), providers: [order.provider] })
        if (received !== bytes) throw new Error(`${received} of ${bytes} bytes were fetched`)
      })
    },
    /** Opens the store, which the first use does. */
    warm: (hash) => store.status(parseHash(hash)),
    async close() {
      await store.close()
      await transport.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** Fetches into a new store. */
async function fetchOnce(source, parallel) {
  const node = await openNode()
  try {
    await node.warm(source.hash)
    return await node.fetch(source, parallel)
  } finally {
    await node.close()
  }
}

/** Threads that read disjoint parts with as many endpoints and streams as a fetch uses, with the same memory per thread. */
async function rawReaders(threads, lanes) {
  const workers = Array.from({ length: threads }, () => {
    const workerData = { build, provider: order.provider }
    return new Worker(new URL('./blobs-raw-worker.mjs', import.meta.url), { workerData, resourceLimits: FETCH_THREAD_LIMITS })
  })
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  return {
    read: ({ hash, bytes }) =>
      timed(async () => {
        const at = (part) => BigInt(Math.floor((Math.ceil(bytes / GROUP_BYTES) * part) / lanes) * CHUNKS_PER_GROUP)
        const ranges = Array.from({ length: lanes }, (_, i) => (i === lanes - 1 ? [at(i)] : [at(i), at(i + 1)]))
        const read = await Promise.all(
          workers.map(async (worker, n) => {
            worker.postMessage({ hash: parseHash(hash), streams: ranges.filter((_, i) => i % threads === n) })
            return (await once(worker, 'message'))[0]
          }),
        )
        const sum = read.reduce((a, b) => a + b)
        if (sum < bytes) throw new Error(`${sum} of ${bytes} bytes were read`)
      }),
    async close() {
      await Promise.all(
        workers.map((worker) => {
          worker.postMessage(null)
          return once(worker, 'exit')
        }),
      )
    },
  }
}

/** Threads of both sides stay: neither their start nor compiling their code is throughput. */
const KEEPING = { ...systemClock, after: () => () => {} }

async function throughput({ threads, rounds, source, small }) {
  const parallel = parallelFetch({ mode: 'loopback', workers: threads, clock: KEEPING })
  const readers = await rawReaders(threads, parallel.lanes)
  for (let i = 0; i < 2; i++) {
    await fetchOnce(small, parallel)
    await readers.read(small)
  }
  const [fetch, raw] = [[], []]
  for (let i = 0; i < rounds; i++) {
    // Who comes first changes, so that what drifts favours nobody.
    if (i % 2 === 0) fetch.push(await fetchOnce(source, parallel))
    raw.push(await readers.read(source))
    if (i % 2 === 1) fetch.push(await fetchOnce(source, parallel))
  }
  await Promise.all([parallel.close(), readers.close()])
  return { fetch, raw }
}

/** MiB of small objects, several times the engine's room for new ones. */
const LIVED_MIB = 128

/** As in a process that has run for minutes and not just been loaded: all of its room for new objects was in use. */
function live() {
  let last = []
  for (let kib = 0; kib < LIVED_MIB * 1024; kib++) last = new Array(128).fill(last.length)
  return last
}

/** One transfer in a process that has fetched nothing before, or only `before`. */
async function watched({ threads, source, before }) {
  const node = await openNode()
  await node.warm(source.hash)
  const parallel = threads === 0 ? undefined : parallelFetch({ mode: 'loopback', workers: threads, clock: KEEPING })
  if (before !== undefined) await node.fetch(before, parallel)
  live()
  const end = watch()
  const took = await node.fetch(source, parallel)
  const seen = end()
  await parallel?.close()
  await node.close()
  return { took, ...seen }
}

/** Making a build of the sources is all it does: that takes memory, which a watched process must not have. */
async function built() {
  return {}
}

async function alone({ source }) {
  return { took: await fetchOnce(source) }
}

const result = await { built, throughput, watched, alone }[order.task](order)
stdout.write(`${JSON.stringify(result)}\n`)
