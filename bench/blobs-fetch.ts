import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { decodeBlobTicket } from '../src/core/blobs/index.ts'
import type { PeerAddr } from '../src/core/net/index.ts'
import { buildPeer } from '../test/interop/lab/build.ts'
import type { LabNode } from '../test/interop/lab/lab-node.ts'
import { LabRun } from '../test/interop/lab/lab-run.ts'
import { type Cost, costOf, MIB, MOST_MEMORY_MIB, randomFile, round1 } from './blob-cost.ts'
import { fetchProcess, type Source, type Took, type Turns, type Watched } from './blobs-fetch-process.ts'

/** Figures of one number of threads: MiB/s, medians of rounds in which the candidates take turns. */
interface Threads {
  /** Fetched, verified and stored on disk by the downloader. */
  readonly fetch: number
  /** The same bytes read from the same provider by as many threads, and thrown away. */
  readonly raw: number
  /** Of each fetch to the raw read of the same round; the median. */
  readonly ratio: number
  /** CPU time of all threads of this process per MiB, ms. */
  readonly fetchCpuMs: number
  readonly rawCpuMs: number
  /** The same ratio by CPU time: what is left of it where nothing else disturbs the clock. */
  readonly cpuRatio: number
}

/**
 * Transfers with one thread and with two, each in a process that has fetched nothing before: endpoint and store are open. Of several the
 * most memory, and the event loop of the one in the middle: now and then a virtual machine stands still for longer than the bar.
 */
interface Large {
  readonly mebibytes: number
  readonly oneThread: Cost
  readonly twoThreads: Cost
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
  readonly large: Large
  /**
   * Bars that do not hold: a fetch has nine tenths of raw reads by CPU time; one without threads has 5 MiB/s; a large one, with one thread
   * or two, takes at most 64 MiB, and never stops the event loop for more than 20 ms that are not a wait for a processor.
   */
  readonly missed: readonly string[]
}

/** Single rounds of one pair differ by a quarter. */
const ROUNDS = 9
const LARGE_ROUNDS = 3
/** Least part of the raw throughput. */
const LEAST_RATIO = 0.9
/** Without threads (blobs.md 19). */
const LEAST_ALONE = 5
const LONGEST_TURN_MS = 20

interface Shared extends Source {
  readonly ticket: string
  readonly provider: PeerAddr
}

async function rustOnce(lab: LabRun, owner: LabNode, source: Shared): Promise<number> {
  const asker = await lab.node('rust', { bind: { data_dir: await lab.folder() } })
  await asker.knows(owner)
  const begun = performance.now()
  await asker.peer.call('blobs.get', { ticket: source.ticket }, 300_000)
  const seconds = (performance.now() - begun) / 1000
  await asker.peer.end()
  return seconds
}

/** Fetching a file from a peer over loopback, each in a process of its own, on disk at both ends. */
export async function benchBlobFetch(options: {
  readonly quick?: boolean
  readonly report?: (step: string) => void
}): Promise<BlobFetchBench> {
  const { quick = false, report = () => {} } = options
  const build = await buildPeer()
  const lab = new LabRun(build.status === 'built' ? build.binary : '')
  try {
    const provider = build.status === 'built' ? 'rust' : 'ts'
    const folder = await lab.folder()
    const owner = await lab.node(provider, { bind: { data_dir: join(folder, 'owner') } })
    const source = await share(owner, join(folder, 'file'), quick ? 24 : 64)
    const small = await share(owner, join(folder, 'small'), 8)
    const large = await share(owner, join(folder, 'large'), quick ? 64 : 1024)
    const { throughput, watched, alone } = fetchProcess(source.provider)
    const one = figures(await throughput({ threads: 1, rounds: ROUNDS, source, small }), source)
    report('one thread')
    const two = figures(await throughput({ threads: 2, rounds: ROUNDS, source, small }), source)
    report('two threads')
    const rust: number[] = []
    for (let i = 0; i < ROUNDS && provider === 'rust'; i++) rust.push(await rustOnce(lab, owner, source))
    const noThread = round1(source.bytes / MIB / (await alone(source)).took.wall)
    report('Rust to Rust, and no thread')
    const kept: Large = {
      mebibytes: large.bytes / MIB,
      oneThread: await middle(() => watched(1, large)),
      twoThreads: await middle(() => watched(2, large)),
    }
    const missed = [
      ...([one, two].some(({ cpuRatio }) => cpuRatio < LEAST_RATIO) ? ['cpuRatio'] : []),
      ...(noThread < LEAST_ALONE ? ['noThread'] : []),
      ...missedBy('oneThread', kept.oneThread),
      ...missedBy('twoThreads', kept.twoThreads),
    ]
    if (missed.length > 0) process.exitCode = 1
    return {
      mebibytes: source.bytes / MIB,
      provider,
      oneThread: one,
      twoThreads: two,
      noThread,
      rustToRust: rust.length === 0 ? 0 : round1(source.bytes / MIB / median(rust)),
      large: kept,
      missed,
    }
  } finally {
    await lab.close()
  }
}

async function middle(transfer: () => Promise<Watched>): Promise<Cost> {
  const costs: Cost[] = []
  for (let i = 0; i < LARGE_ROUNDS; i++) costs.push(costOf(await transfer()))
  const most = (by: (cost: Cost) => number): number => Math.max(...costs.map(by))
  const byTurn = costs.toSorted((a, b) => a.loopDelayMs.longestUnexplained - b.loopDelayMs.longestUnexplained)
  return {
    memoryAboveIdleMiB: most((cost) => cost.memoryAboveIdleMiB),
    anonymousAboveIdleMiB: most((cost) => cost.anonymousAboveIdleMiB),
    loopDelayMs: (byTurn[Math.floor(LARGE_ROUNDS / 2)] as Cost).loopDelayMs,
  }
}

/** Bars a large transfer does not hold. */
const missedBy = (which: string, { memoryAboveIdleMiB, loopDelayMs }: Cost): string[] => [
  ...(memoryAboveIdleMiB > MOST_MEMORY_MIB ? [`${which}.memoryAboveIdleMiB`] : []),
  ...(loopDelayMs.longestUnexplained > LONGEST_TURN_MS ? [`${which}.longestUnexplained`] : []),
]

function figures({ fetch, raw }: Turns, { bytes }: Source): Threads {
  const perMib = (runs: readonly Took[], by: keyof Took): number => (median(runs.map((took) => took[by])) * MIB) / bytes
  return {
    fetch: round1(1 / perMib(fetch, 'wall')),
    raw: round1(1 / perMib(raw, 'wall')),
    ratio: ratioOf(fetch, raw, 'wall'),
    fetchCpuMs: round1(1000 * perMib(fetch, 'cpu')),
    rawCpuMs: round1(1000 * perMib(raw, 'cpu')),
    cpuRatio: ratioOf(fetch, raw, 'cpu'),
  }
}

/** Median of the ratios of neighbours in time: what disturbs one run of a pair mostly disturbs the other too. */
const ratioOf = (fetch: readonly Took[], raw: readonly Took[], by: keyof Took): number =>
  Math.round(median(fetch.map((took, i) => (raw[i]?.[by] ?? 0) / took[by])) * 100) / 100

async function share(owner: LabNode, path: string, mebibytes: number): Promise<Shared> {
  await randomFile(path, mebibytes)
  const { hash } = await owner.peer.call<{ hash: string }>('blobs.add_file', { path }, 300_000)
  const { ticket } = await owner.peer.call<{ ticket: string }>('blobs.ticket', { hash })
  const { id } = decodeBlobTicket(ticket).addr
  return { ticket, hash, bytes: mebibytes * MIB, provider: { id, direct: owner.address.addrs } }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
