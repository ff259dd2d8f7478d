// A process that does nothing but fetch blobs with the code of a build, so that its figures are those of the product: no loader, no
// test peer, no compiler shares its threads and memory. `blobs-fetch-child <order as JSON>` prints its result as one line of JSON.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { argv, stdout } from 'node:process'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { currentBuild } from '../scripts/build.mjs'

/** @type {import('./blobs-fetch-process.ts').ChildOrder} */
const order = JSON.parse(argv[2])
const build = await currentBuild()
const module = (path) => import(pathToFileURL(join(build, 'core', path)).href)
const { BLOBS_ALPN, Downloader, FsBlobStore, parallelFetch } = await module('blobs/index.js')
const { YOUNG_MIB } = await module('blobs/fetch-pool.js')
const { bindIrohTransport } = await module('net/index.js')
const { parseHash } = await module('ids.js')
const { systemClock } = await module('../base/clock.js')

const MIB = 1 << 20
const GROUP_BYTES = 16_384
const CHUNKS_PER_GROUP = 16
const SAMPLE_MS = 20
const TURN_MS = 5

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
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MIB }
    return new Worker(new URL('./blobs-raw-worker.mjs', import.meta.url), { workerData, resourceLimits })
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

/** Resident memory by /proc, which has what is shared with other processes apart; 0 without it. */
function memory() {
  try {
    const status = readFileSync('/proc/self/status', 'latin1')
    const of = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024
    return { rss: of('VmRSS'), anonymous: of('RssAnon') }
  } catch {
    return { rss: process.memoryUsage().rss / MIB, anonymous: 0 }
  }
}

/** How long the main thread was ready to run while others ran instead, ms so far; 0 without /proc. */
function waited() {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}

/** The longest time the event loop could not turn, less what the main thread only waited for a processor, ms. */
function watchTurns() {
  let [at, idle, longest] = [performance.now(), waited(), 0]
  const look = () => {
    const [now, soFar] = [performance.now(), waited()]
    longest = Math.max(longest, now - at - (soFar - idle) - TURN_MS)
    at = now
    idle = soFar
  }
  const timer = setInterval(look, TURN_MS)
  return () => {
    look()
    clearInterval(timer)
    return longest
  }
}

/** One transfer in a process that has fetched nothing before. */
async function watched({ threads, source }) {
  const node = await openNode()
  await node.warm(source.hash)
  globalThis.gc?.()
  const idle = memory()
  const peak = { ...idle }
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const sampler = setInterval(() => {
    const now = memory()
    peak.rss = Math.max(peak.rss, now.rss)
    peak.anonymous = Math.max(peak.anonymous, now.anonymous)
  }, SAMPLE_MS)
  delay.enable()
  const turns = watchTurns()
  const parallel = threads === 0 ? undefined : parallelFetch({ mode: 'loopback', workers: threads })
  const took = await node.fetch(source, parallel)
  const longestTurn = turns()
  delay.disable()
  clearInterval(sampler)
  await parallel?.close()
  await node.close()
  return { took, idle, peak, loopDelayMs: { p99: delay.percentile(99) / 1e6, max: delay.max / 1e6, longestTurn } }
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
