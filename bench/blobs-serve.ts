// Keeping and serving large blobs: what the process that does it is like meanwhile.
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { PeerAddr } from '../src/core/net/index.ts'
import { buildPeer } from '../test/interop/lab/build.ts'
import type { LabNode } from '../test/interop/lab/lab-node.ts'
import { LabRun } from '../test/interop/lab/lab-run.ts'
import { type Cost, costOf, MIB, MOST_MEMORY_MIB, randomFile, round1 } from './blob-cost.ts'
import type { Took } from './blobs-fetch-process.ts'
import { ServeProcess } from './blobs-serve-process.ts'

interface Importing extends Cost {
  readonly mebibytes: number
  readonly mibPerSecond: number
  /** CPU time per MiB of all threads, ms. */
  readonly cpuMs: number
  /** The same file copied to the same disk by the same calls, without hashing, and made durable. */
  readonly copyMibPerSecond: number
}

interface Serving extends Cost {
  readonly downloads: number
  /** Of each download. */
  readonly mebibytes: number
  /** Of all together. */
  readonly mibPerSecond: number
}

export interface BlobServeBench {
  /** Into the store by copy, with outboard. */
  readonly importing: Importing
  /** To one Rust peer, in the process that has just imported it and served nothing before. */
  readonly one: Serving
  /** To four at once. */
  readonly four: Serving
  /** Bars that do not hold: at most 64 MiB for a large blob, and with four downloads a loop delay below 50 ms (p99). */
  readonly missed: readonly string[]
}

const MOST_DELAY_MS = 50
const CALL_MS = 600_000

/** Seconds of a copy as the store makes it, without what the store is for. */
async function plainCopy(from: string, to: string): Promise<number> {
  const begun = performance.now()
  const [source, target] = [await open(from, 'r'), await open(to, 'w')]
  const block = Buffer.alloc(MIB)
  for (;;) {
    const { bytesRead } = await source.read(block, 0, MIB)
    if (bytesRead === 0) break
    await target.write(block, 0, bytesRead)
  }
  await target.datasync()
  await Promise.all([source.close(), target.close()])
  return (performance.now() - begun) / 1000
}

async function served(server: ServeProcess, askers: readonly LabNode[], hash: string, mebibytes: number): Promise<Serving> {
  const { id, direct } = await server.call<PeerAddr>({ op: 'address' })
  await server.call({ op: 'watch' })
  const begun = performance.now()
  await Promise.all(askers.map((asker) => asker.peer.call('blobs.fetch', { peer: { id, addrs: direct }, hash }, CALL_MS)))
  const seconds = (performance.now() - begun) / 1000
  const cost = costOf(await server.call({ op: 'unwatch' }))
  return { downloads: askers.length, mebibytes, mibPerSecond: round1((mebibytes * askers.length) / seconds), ...cost }
}

/** Importing a large file, and serving it to Rust peers on disk. Rejects without a Rust tool chain. */
export async function benchBlobServe(options: {
  readonly quick?: boolean
  readonly report?: (step: string) => void
}): Promise<BlobServeBench> {
  const { quick = false, report = () => {} } = options
  const build = await buildPeer()
  if (build.status !== 'built') throw new Error('the Rust peer is needed, and cargo for it')
  const lab = new LabRun(build.binary)
  try {
    const folder = await lab.folder()
    const size = quick ? 64 : 1024
    const path = join(folder, 'large')
    await randomFile(path, size)
    await plainCopy(path, join(folder, 'copy')) // the file comes from memory from here on
    const copy = await plainCopy(path, join(folder, 'copy'))
    const askers = await Promise.all(
      Array.from({ length: 4 }, (_, i) => lab.node('rust', { bind: { data_dir: join(folder, `asker${i}`) } })),
    )
    const run = async (work: (server: ServeProcess) => Promise<Serving>): Promise<Serving> => {
      const server = await ServeProcess.start()
      try {
        await server.call({ op: 'warm' })
        return await work(server)
      } finally {
        await server.end()
      }
    }
    let importing: Importing | undefined
    const one = await run(async (server) => {
      await server.call({ op: 'watch' })
      const { hash, wall, cpu } = await server.call<{ hash: string } & Took>({ op: 'import', path })
      const cost = costOf(await server.call({ op: 'unwatch' }))
      const perSecond = { mibPerSecond: round1(size / wall), copyMibPerSecond: round1(size / copy) }
      importing = { mebibytes: size, ...perSecond, cpuMs: round1((cpu * 1000) / size), ...cost }
      report('imported')
      return await served(server, askers.slice(0, 1), hash, size)
    })
    report('one download')
    const part = quick ? 16 : 48
    await randomFile(join(folder, 'part'), part)
    const four = await run(async (server) => {
      const { hash } = await server.call<{ hash: string }>({ op: 'import', path: join(folder, 'part') })
      return await served(server, askers, hash, part)
    })
    if (importing === undefined) throw new Error('nothing was imported')
    const missed = [
      ...(importing.memoryAboveIdleMiB > MOST_MEMORY_MIB ? ['importing.memoryAboveIdleMiB'] : []),
      ...(one.memoryAboveIdleMiB > MOST_MEMORY_MIB ? ['one.memoryAboveIdleMiB'] : []),
      ...(four.loopDelayMs.p99 >= MOST_DELAY_MS ? ['four.loopDelayMs.p99'] : []),
    ]
    if (missed.length > 0) process.exitCode = 1
    return { importing, one, four, missed }
  } finally {
    await lab.close()
  }
}
