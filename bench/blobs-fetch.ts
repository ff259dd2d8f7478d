import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { BLOBS_ALPN, Downloader, decodeBlobTicket, FsBlobStore, parallelFetch } from '../src/core/blobs/index.ts'
import { ALL, type ChunkRanges } from '../src/core/blobs/tree/ranges.ts'
import { parseHash } from '../src/core/ids.ts'
import { bindIrohTransport, type PeerAddr } from '../src/core/net/index.ts'
import { buildPeer } from '../test/interop/lab/build.ts'
import type { LabNode } from '../test/interop/lab/lab-node.ts'
import { LabRun } from '../test/interop/lab/lab-run.ts'
import type { RawInput } from './blobs-raw-worker.ts'

/** Figures of one number of threads: MiB/s, medians of rounds in which the candidates take turns. */
interface Threads {
  /** Fetched, verified and stored on disk by the downloader. */
  readonly fetch: number
  /** The same bytes read from the same provider by as many threads, and thrown away. */
  readonly raw: number
  readonly ratio: number
}

export interface BlobFetchBench {
  readonly mebibytes: number
  /** Who sends: a Rust peer, or a process of ours where there is no Rust tool chain. */
  readonly provider: 'rust' | 'ts'
  readonly oneThread: Threads
  readonly twoThreads: Threads
  /** In the main thread alone, without workers. */
  readonly noThread: number
  /** A Rust peer fetching from the same provider; 0 without a Rust tool chain. */
  readonly rustToRust: number
  /** Delay of the main thread's event loop while one thread fetches, ms: 99th percentile and worst. */
  readonly loopDelayMs: { readonly p99: number; readonly max: number }
  /** Largest resident memory during a fetch with one thread above that before the first one, MiB. */
  readonly rssAboveIdleMiB: number
}

const MIB = 1 << 20
const ROUNDS = 3
const BOOT = new URL('../src/core/blobs/fetch-boot.mjs', import.meta.url)
const RAW_WORKER = new URL('./blobs-raw-worker.ts', import.meta.url).href

interface Source {
  readonly ticket: string
  readonly hash: string
  readonly provider: PeerAddr
  readonly bytes: number
}

/** Fetches into a new store; answers seconds. */
async function fetchOnce(source: Source, threads: number): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'k2gw-bench-'))
  const transport = await bindIrohTransport({ secretKey: new Uint8Array(randomBytes(32)), mode: 'loopback', alpns: [] })
  const store = new FsBlobStore({ dir, maxBytes: 2 ** 34 })
  try {
    const parallel = threads === 0 ? undefined : parallelFetch({ mode: 'loopback', workers: threads })
    const downloader = new Downloader({ store, parallel, dial: (addr, call) => transport.connect(addr, BLOBS_ALPN, call) })
    const begun = performance.now()
    const { received } = await downloader.download({ hash: parseHash(source.hash), providers: [source.provider] })
    const seconds = (performance.now() - begun) / 1000
    if (received !== source.bytes) throw new Error(`${received} of ${source.bytes} bytes were fetched`)
    return seconds
  } finally {
    await store.close()
    await transport.close()
    await rm(dir, { recursive: true, force: true })
  }
}

/** Reads disjoint parts in as many threads, their start included as it is with a fetch; answers seconds. */
async function rawOnce(source: Source, threads: number): Promise<number> {
  const groups = Math.ceil(source.bytes / 16_384)
  const begun = performance.now()
  const workers = Array.from({ length: threads }, (_, i) => {
    const from = BigInt(Math.floor((groups * i) / threads) * 16)
    const to = BigInt(Math.floor((groups * (i + 1)) / threads) * 16)
    const ranges: ChunkRanges = threads === 1 ? ALL : i === threads - 1 ? [from] : [from, to]
    const workerData: RawInput = { entry: RAW_WORKER, provider: source.provider, hash: parseHash(source.hash), ranges }
    return new Worker(BOOT, { workerData, execArgv: [] })
  })
  const exits = workers.map((worker) => once(worker, 'exit'))
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  const seconds = (performance.now() - begun) / 1000
  await Promise.all(exits)
  return seconds
}

async function rustOnce(lab: LabRun, owner: LabNode, source: Source): Promise<number> {
  const asker = await lab.node('rust', { bind: { data_dir: await lab.folder() } })
  await asker.knows(owner)
  const begun = performance.now()
  await asker.peer.call('blobs.get', { ticket: source.ticket }, 300_000)
  const seconds = (performance.now() - begun) / 1000
  await asker.peer.end()
  return seconds
}

/** Fetching a file from a peer in a process of its own over loopback, on disk at both ends. */
export async function benchBlobFetch(options: { readonly quick?: boolean } = {}): Promise<BlobFetchBench> {
  const build = await buildPeer()
  const lab = new LabRun(build.status === 'built' ? build.binary : '')
  try {
    const provider = build.status === 'built' ? 'rust' : 'ts'
    const folder = await lab.folder()
    const owner = await lab.node(provider, { bind: { data_dir: join(folder, 'owner') } })
    const bytes = (options.quick === true ? 24 : 128) * MIB
    const source = await share(owner, join(folder, 'file'), bytes)
    // Compiles what all rounds use; its memory belongs to idle.
    await fetchOnce(await share(owner, join(folder, 'small'), 8 * MIB), 1)
    globalThis.gc?.()
    const idle = process.memoryUsage().rss
    const seconds = { raw1: [] as number[], fetch1: [] as number[], raw2: [] as number[], fetch2: [] as number[] }
    const alone: number[] = []
    const rust: number[] = []
    const meanwhile = watchProcess()
    seconds.fetch1.push(await fetchOnce(source, 1))
    const { loopDelayMs, rss } = meanwhile.end()
    for (let round = 0; round < ROUNDS; round++) {
      seconds.fetch1.push(await fetchOnce(source, 1))
      seconds.raw1.push(await rawOnce(source, 1))
      seconds.fetch2.push(await fetchOnce(source, 2))
      seconds.raw2.push(await rawOnce(source, 2))
      if (provider === 'rust') rust.push(await rustOnce(lab, owner, source))
    }
    alone.push(await fetchOnce(source, 0))
    const rate = (times: readonly number[]): number => (times.length === 0 ? 0 : bytes / MIB / median(times))
    return {
      mebibytes: bytes / MIB,
      provider,
      oneThread: threads(rate(seconds.fetch1), rate(seconds.raw1)),
      twoThreads: threads(rate(seconds.fetch2), rate(seconds.raw2)),
      noThread: round1(rate(alone)),
      rustToRust: round1(rate(rust)),
      loopDelayMs,
      rssAboveIdleMiB: round1((rss - idle) / MIB),
    }
  } finally {
    await lab.close()
  }
}

/** Watches this process: delay of its event loop and largest resident memory. */
function watchProcess(): { end(): { loopDelayMs: BlobFetchBench['loopDelayMs']; rss: number } } {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  let rss = process.memoryUsage().rss
  const sampler = setInterval(() => {
    rss = Math.max(rss, process.memoryUsage().rss)
  }, 100)
  delay.enable()
  return {
    end() {
      delay.disable()
      clearInterval(sampler)
      return { loopDelayMs: { p99: round1(delay.percentile(99) / 1e6), max: round1(delay.max / 1e6) }, rss }
    },
  }
}

async function share(owner: LabNode, path: string, bytes: number): Promise<Source> {
  await writeFile(path, randomBytes(bytes))
  const { hash } = await owner.peer.call<{ hash: string }>('blobs.add_file', { path }, 120_000)
  const { ticket } = await owner.peer.call<{ ticket: string }>('blobs.ticket', { hash })
  const { id } = decodeBlobTicket(ticket).addr
  return { ticket, hash, bytes, provider: { id, direct: owner.address.addrs } }
}

const threads = (fetch: number, raw: number): Threads => ({
  fetch: round1(fetch),
  raw: round1(raw),
  ratio: Math.round((fetch / raw) * 100) / 100,
})
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const round1 = (value: number): number => Math.round(value * 10) / 10
