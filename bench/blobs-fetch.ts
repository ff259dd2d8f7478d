import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { Worker } from 'node:worker_threads'
import { YOUNG_MIB } from '../src/core/blobs/fetch-pool.ts'
import {
  BLOBS_ALPN,
  Downloader,
  decodeBlobTicket,
  FsBlobStore,
  type ParallelFetch,
  parallelFetch,
} from '../src/core/blobs/index.ts'
import type { ChunkRanges } from '../src/core/blobs/tree/ranges.ts'
import { parseHash } from '../src/core/ids.ts'
import { bindIrohTransport, type PeerAddr } from '../src/core/net/index.ts'
import { buildPeer } from '../test/interop/lab/build.ts'
import type { LabNode } from '../test/interop/lab/lab-node.ts'
import { LabRun } from '../test/interop/lab/lab-run.ts'
import type { RawInput, RawOrder } from './blobs-raw-worker.ts'

/** Figures of one number of threads: MiB/s, medians of rounds in which the candidates take turns. */
interface Threads {
  /** Fetched, verified and stored on disk by the downloader. */
  readonly fetch: number
  /** The same bytes read from the same provider by as many threads, and thrown away. */
  readonly raw: number
  /** Of each fetch to the raw read right after it; the median. */
  readonly ratio: number
  /** CPU time of all threads of this process per MiB, ms. */
  readonly fetchCpuMs: number
  readonly rawCpuMs: number
  /** The same ratio by CPU time: what is left of it where nothing else disturbs the clock. */
  readonly cpuRatio: number
}

/** What one run took, seconds. */
interface Took {
  readonly wall: number
  readonly cpu: number
}

/** Times a run, by the clock and by the CPU time of all threads. */
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
const ROUNDS = 5
const BOOT = new URL('../src/core/blobs/fetch-boot.mjs', import.meta.url)
const RAW_WORKER = new URL('./blobs-raw-worker.ts', import.meta.url).href

interface Source {
  readonly ticket: string
  readonly hash: string
  readonly provider: PeerAddr
  readonly bytes: number
}

/** Fetches into a new store. */
async function fetchOnce(source: Source, parallel?: ParallelFetch): Promise<Took> {
  const dir = await mkdtemp(join(tmpdir(), 'k2gw-bench-'))
  const transport = await bindIrohTransport({ secretKey: new Uint8Array(randomBytes(32)), mode: 'loopback', alpns: [] })
  const store = new FsBlobStore({ dir, maxBytes: 2 ** 34 })
  try {
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

/** Reads disjoint parts in as many threads, endpoints and streams as a fetch uses, with the same memory per thread. */
class RawReaders {
  readonly #workers: readonly Worker[]
  readonly #lanes: number

  private constructor(workers: readonly Worker[], lanes: number) {
    this.#workers = workers
    this.#lanes = lanes
  }

  static async open(provider: PeerAddr, threads: number, lanes: number): Promise<RawReaders> {
    const workers = Array.from({ length: threads }, () => {
      const workerData: RawInput = { entry: RAW_WORKER, provider }
      return new Worker(BOOT, { workerData, execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB } })
    })
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    return new RawReaders(workers, lanes)
  }

  read({ hash, bytes }: Source): Promise<Took> {
    const groups = Math.ceil(bytes / 16_384)
    const at = (part: number): bigint => BigInt(Math.floor((groups * part) / this.#lanes) * 16)
    const last = this.#lanes - 1
    const ranges = Array.from({ length: this.#lanes }, (_, i): ChunkRanges => (i === last ? [at(i)] : [at(i), at(i + 1)]))
    return timed(async () => {
      const read = await Promise.all(
        this.#workers.map(async (worker, n) => {
          const streams = ranges.filter((_, i) => i % this.#workers.length === n)
          worker.postMessage({ hash: parseHash(hash), streams } satisfies RawOrder)
          return ((await once(worker, 'message')) as [number])[0]
        }),
      )
      const sum = read.reduce((a, b) => a + b)
      if (sum < bytes) throw new Error(`${sum} of ${bytes} bytes were read`)
    })
  }

  async close(): Promise<void> {
    await Promise.all(
      this.#workers.map((worker) => {
        worker.postMessage(null)
        return once(worker, 'exit')
      }),
    )
  }
}

/** A number of threads, fetching and reading in turns; all of them are ready before the first run. */
interface Candidate {
  readonly parallel: ParallelFetch
  readonly readers: RawReaders
  readonly fetch: Took[]
  readonly raw: Took[]
}

async function candidate(source: Source, threads: number): Promise<Candidate> {
  const parallel = parallelFetch({ mode: 'loopback', workers: threads })
  return { parallel, readers: await RawReaders.open(source.provider, threads, parallel.lanes), fetch: [], raw: [] }
}

async function round({ parallel, readers, fetch, raw }: Candidate, source: Source): Promise<void> {
  fetch.push(await fetchOnce(source, parallel))
  raw.push(await readers.read(source))
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
    const bytes = (options.quick === true ? 24 : 64) * MIB
    const source = await share(owner, join(folder, 'file'), bytes)
    const small = await share(owner, join(folder, 'small'), 8 * MIB)
    const [one, two] = [await candidate(source, 1), await candidate(source, 2)]
    // Starts the threads and compiles what all rounds use; its memory belongs to idle.
    for (const { parallel } of [one, two]) await fetchOnce(small, parallel)
    globalThis.gc?.()
    const idle = process.memoryUsage().rss
    const meanwhile = watchProcess()
    await fetchOnce(source, one.parallel)
    const { loopDelayMs, rss } = meanwhile.end()
    const rust: number[] = []
    for (let i = 0; i < ROUNDS; i++) {
      // Idle threads end after a while; starting them is not what is measured.
      await fetchOnce(small, one.parallel)
      await round(one, source)
      await fetchOnce(small, two.parallel)
      await round(two, source)
      if (provider === 'rust') rust.push(await rustOnce(lab, owner, source))
    }
    for (const { parallel, readers } of [one, two]) await Promise.all([parallel.close(), readers.close()])
    const alone = await fetchOnce(source)
    const perMib = (times: readonly number[]): number => (median(times) * MIB) / bytes
    const threads = ({ fetch, raw }: Candidate): Threads => {
      const [ours, theirs] = [perMib(fetch.map(({ wall }) => wall)), perMib(raw.map(({ wall }) => wall))]
      return {
        fetch: round1(1 / ours),
        raw: round1(1 / theirs),
        ratio: ratioOf(fetch, raw, 'wall'),
        fetchCpuMs: round1(1000 * perMib(fetch.map(({ cpu }) => cpu))),
        rawCpuMs: round1(1000 * perMib(raw.map(({ cpu }) => cpu))),
        cpuRatio: ratioOf(fetch, raw, 'cpu'),
      }
    }
    return {
      mebibytes: bytes / MIB,
      provider,
      oneThread: threads(one),
      twoThreads: threads(two),
      noThread: round1(bytes / MIB / alone.wall),
      rustToRust: rust.length === 0 ? 0 : round1(1 / perMib(rust)),
      loopDelayMs,
      rssAboveIdleMiB: round1((rss - idle) / MIB),
    }
  } finally {
    await lab.close()
  }
}

/** Median of the ratios of neighbours in time: what disturbs one run of a pair mostly disturbs the other too. */
const ratioOf = (fetch: readonly Took[], raw: readonly Took[], by: keyof Took): number =>
  Math.round(median(fetch.map((took, i) => (raw[i]?.[by] ?? 0) / took[by])) * 100) / 100

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
