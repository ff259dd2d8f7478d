// Runs `blobs-fetch-child.mjs` in a process of its own on a build of the sources.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { PeerAddr } from '../src/core/net/index.ts'

/** A blob and who has it. */
export interface Source {
  readonly hash: string
  readonly bytes: number
}

/** What one run took, seconds. */
export interface Took {
  readonly wall: number
  /** CPU time of all threads of the process. */
  readonly cpu: number
}

interface Memory {
  /** Resident, MiB. */
  readonly rss: number
  /** The part of it that no file stands behind, MiB. */
  readonly anonymous: number
}

/** Delay of the main thread's event loop, ms. */
export interface LoopDelay {
  readonly p99: number
  readonly max: number
  /** The worst without the time in which the main thread was ready to run and others had the processor. */
  readonly longestTurn: number
  /** The worst of that without what it waited, not for a processor, while another thread of the process waited for one. */
  readonly longestUnexplained: number
  /** What of it the main thread computed: the rest it waited for locks, memory or the disk. */
  readonly longestOwn: number
}

/** One transfer, mostly in a process that has fetched nothing before. */
export interface Watched {
  readonly took: Took
  /** With endpoint and store open, before it. */
  readonly idle: Memory
  /** Largest while it went on. */
  readonly peak: Memory
  readonly loopDelayMs: LoopDelay
}

/** Fetches and raw reads of the same bytes with as many threads, endpoints and streams, in turns. */
export interface Turns {
  readonly fetch: readonly Took[]
  readonly raw: readonly Took[]
}

type Task =
  | { readonly task: 'built' }
  | {
      readonly task: 'throughput'
      readonly threads: number
      readonly rounds: number
      readonly source: Source
      readonly small: Source
    }
  /** Without threads everything comes through the main one. */
  | { readonly task: 'watched'; readonly threads: number; readonly source: Source; readonly before?: Source }
  | { readonly task: 'alone'; readonly source: Source }

export type ChildOrder = Task & { readonly provider: PeerAddr | undefined }

const CHILD = fileURLToPath(new URL('./blobs-fetch-child.mjs', import.meta.url))

/** Makes a build of the sources, which takes more memory than a transfer: in a process before the one that is watched. */
export const makeBuild = (): Promise<unknown> => run({ task: 'built' })

async function run<T>(order: Task, provider?: PeerAddr, flags: readonly string[] = []): Promise<T> {
  const full: ChildOrder = { ...order, provider }
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, CHILD, JSON.stringify(full)])
  return JSON.parse(stdout) as T
}

export const fetchProcess = (provider: PeerAddr) => ({
  throughput: (order: Omit<Extract<Task, { task: 'throughput' }>, 'task'>) =>
    run<Turns>({ ...order, task: 'throughput' }, provider),
  /** `before` is fetched first, unwatched; `flags` are those of node. */
  async watched(
    threads: number,
    source: Source,
    options: { readonly before?: Source; readonly flags?: readonly string[] } = {},
  ): Promise<Watched> {
    const { before, flags } = options
    await makeBuild()
    return await run<Watched>({ task: 'watched', threads, source, ...(before && { before }) }, provider, flags)
  },
  alone: (source: Source) => run<{ readonly took: Took }>({ task: 'alone', source }, provider),
})
