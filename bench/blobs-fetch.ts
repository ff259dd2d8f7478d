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
  /** CPU time of all threads of this process per MiB, ms: what the ratio rests on where the cores are busy. */
  readonly fetchCpuMs: number
  readonly rawCpuMs: number
}

/** What one run took, seconds. */
interface Took {
  readonly wall: number
  readonly cpu: number
}

/** Times a run, its threads' start and end included. */
async function timed(run: () => Promise<unknown>): Promise<Took> {
  const [cpu, begun] = [process.cpuUsage(), performance.now()]
  await run()
  const { user, system } = process.cpuUsage(cpu)
  return { wall: (performance.now() - begun) / 1000, cpu: (user + system) / 1e6 }
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

/** Fetches into a new store. */
async function fetchOnce(source: Source, threads: number): Promise<Took> {
  const dir = await mkdtemp(join(tmpdir(), 'k2gw-bench-'))
  const transport = await bindIrohTransport({ secretKey: new Uint8Array(randomBytes(32)), mode: 'loopback', alpns: [] })
  const store = new FsBlobStore({ dir, maxBytes: 2 ** 34 })
  try {
    const parallel = threads === 0 ? undefined : parallelFetch({ mode: 'loopback', workers: threads })
    const downloader = new Downloader({ store, parallel, dial: (addr, call) => transport.connect(addr, BLOBS_ALPN, call) })
    return await timed(async () => {
      const { received } = await downloader.download({ hash: parseHash(source.hash), providers: [source.provider] })
      if (received !== source.bytes) throw new Error(`${received} of ${source.bytes} bytes were fetched`)
    })
  } finally {
    await store.close()
    await transport.close()
    await rm(dir, { recursive: true, force: true })
  }
}

/** Reads disjoint parts in as many threads. */
function rawOnce(source: Source, threads: number): Promise<Took> {
  const groups = Math.ceil(source.bytes / 16_384)
  const read = (i: number): Promise<unknown> => {
    const from = BigInt(Math.floor((groups * i) / threads) * 16)
    const to = BigInt(Math.floor((groups * (i + 1)) / threads) * 16)
    const ranges: ChunkRanges = threads === 1 ? ALL : i === threads - 1 ? [from] : [from, to]
    const workerData: RawInput = { entry: RAW_WORKER, provider: source.provider, hash: parseHash(source.hash), ranges }
    return once(new Worker(BOOT, { workerData, execArgv: [] }), 'exit')
  }
  return timed(() => Promise.all(Array.from({ length: threads }, (_, i) => read(i))))
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
    const took = { raw1: [] as Took[], fetch1: [] as Took[], raw2: [] as Took[], fetch2: [] as Took[] }
    const rust: number[] = []
    const meanwhile = watchProcess()
    took.fetch1.push(await fetchOnce(source, 1))
    const { loopDelayMs, rss } = meanwhile.end()
    for (let round = 0; round < ROUNDS; round++) {
      took.fetch1.push(await fetchOnce(source, 1))
      took.raw1.push(await rawOnce(source, 1))
      took.fetch2.push(await fetchOnce(source, 2))
      took.raw2.push(await rawOnce(source, 2))
      if (provider === 'rust') rust.push(await rustOnce(lab, owner, source))
    }
    const alone = await fetchOnce(source, 0)
    const perMib = (times: readonly number[]): number => (median(times) * MIB) / bytes
    const threads = (fetch: readonly Took[], raw: readonly Took[]): Threads => {
      const [ours, theirs] = [perMib(fetch.map(({ wall }) => wall)), perMib(raw.map(({ wall }) => wall))]
      return {
        fetch: round1(1 / ours),
        raw: round1(1 / theirs),
        ratio: Math.round((theirs / ours) * 100) / 100,
        fetchCpuMs: round1(1000 * perMib(fetch.map(({ cpu }) => cpu))),
        rawCpuMs: round1(1000 * perMib(raw.map(({ cpu }) => cpu))),
      }
    }
    return {
      mebibytes: bytes / MIB,
      provider,
      oneThread: threads(took.fetch1, took.raw1),
      twoThreads: threads(took.fetch2, took.raw2),
      noThread: round1(bytes / MIB / alone.wall),
      rustToRust: rust.length === 0 ? 0 : round1(1 / perMib(rust)),
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

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const round1 = (value: number): number => Math.round(value * 10) / 10
