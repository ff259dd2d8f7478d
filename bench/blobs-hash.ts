import { performance } from 'node:perf_hooks'
import { blake3 as noble } from '@noble/hashes/blake3.js'
import { createBLAKE3 } from 'hash-wasm'
import { useSimd } from '../src/core/blobs/tree/blake3.ts'
import { hashBlob } from '../src/core/blobs/tree/outboard.ts'

/** Megabytes (10^6) per second on one core, medians; the candidates take turns. */
export interface BlobHashBench {
  /** Hash and outboard, as the store and the verifier use it. */
  readonly ours: number
  /** The same without the vector kernel. */
  readonly oursScalar: number
  /** Root hash only. */
  readonly nobleHashes: number
  readonly hashWasm: number
  readonly ratioToHashWasm: number
  readonly simd: boolean
  /** Bars that do not hold: 200 MB/s on one core (blobs.md 19). */
  readonly missed: readonly string[]
}

const ROUNDS = 7
const LEAST_MB_PER_SECOND = 200

export async function benchBlobHash(options: { readonly quick?: boolean } = {}): Promise<BlobHashBench> {
  const data = new Uint8Array((options.quick === true ? 8 : 64) << 20).map((_, i) => i * 7)
  // The slow reference gets a part: its speed does not depend on the length.
  const part = data.subarray(0, data.length / 16)
  const wasm = await createBLAKE3()
  const simd = useSimd(true)
  const runs: Record<'ours' | 'scalar' | 'noble' | 'wasm', number[]> = { ours: [], scalar: [], noble: [], wasm: [] }
  const timed = (into: number[], bytes: number, work: () => unknown): void => {
    const begun = performance.now()
    work()
    into.push(bytes / 1e3 / (performance.now() - begun))
  }
  for (let round = 0; round < ROUNDS; round++) {
    useSimd(true)
    timed(runs.ours, data.length, () => hashBlob(data))
    useSimd(false)
    timed(runs.scalar, data.length, () => hashBlob(data))
    timed(runs.noble, part.length, () => noble(part))
    timed(runs.wasm, data.length, () => wasm.init().update(data).digest())
  }
  useSimd(true)
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
  const [ours, hashWasm] = [median(runs.ours), median(runs.wasm)]
  const missed = ours < LEAST_MB_PER_SECOND ? ['ours'] : []
  if (missed.length > 0) process.exitCode = 1
  return {
    ours: Math.round(ours),
    oursScalar: Math.round(median(runs.scalar)),
    nobleHashes: Math.round(median(runs.noble)),
    hashWasm: Math.round(hashWasm),
    ratioToHashWasm: Math.round((ours / hashWasm) * 100) / 100,
    simd,
    missed,
  }
}
