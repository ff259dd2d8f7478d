import { randomBytes, randomFillSync } from 'node:crypto'

/** Source of randomness, passed in so that simulations repeat. */
export interface Rng {
  /** Uniform unsigned 32-bit integer. */
  u32(): number
  /** `n` random bytes. */
  bytes(n: number): Uint8Array
}

/** Uniform integer in [0, n); n in 1..2^32. Rejection sampling, no modulo bias. */
export function below(rng: Rng, n: number): number {
  if (!(n >= 1)) return 0
  const limit = 0x1_0000_0000 - (0x1_0000_0000 % n)
  for (;;) {
    const v = rng.u32()
    if (v < limit) return v % n
  }
}

/** Uniform float in [0, 1). */
export function unit(rng: Rng): number {
  return rng.u32() / 0x1_0000_0000
}

/** A uniformly chosen element, undefined when empty. */
export function pick<T>(rng: Rng, items: readonly T[]): T | undefined {
  return items.length === 0 ? undefined : items[below(rng, items.length)]
}

/** A shuffled copy (Fisher–Yates). */
export function shuffled<T>(rng: Rng, items: readonly T[]): T[] {
  const out = items.slice()
  for (let i = out.length - 1; i > 0; i--) {
    const j = below(rng, i + 1)
    const tmp = out[i] as T
    out[i] = out[j] as T
    out[j] = tmp
  }
  return out
}

/** Ids and codes come from the buffer, keys do not. */
const SHARED_BYTES = 16

/** Cryptographic randomness, buffered so that single draws stay cheap. */
export const cryptoRng: Rng = (() => {
  const pool = new Uint8Array(4096)
  const view = new DataView(pool.buffer)
  let at = pool.length
  const take = (n: number): number => {
    if (at + n > pool.length) {
      randomFillSync(pool)
      at = 0
    }
    at += n
    return at - n
  }
  return {
    u32: () => view.getUint32(take(4)),
    bytes(n: number) {
      if (n > SHARED_BYTES) return new Uint8Array(randomBytes(n))
      const from = take(n)
      const bytes = pool.slice(from, from + n)
      // What was handed out is not kept here.
      pool.fill(0, from, from + n)
      return bytes
    },
  }
})()

/** Deterministic generator (xoshiro128**, seeded by splitmix32) for tests and simulations; not for keys. */
export function seededRng(seed: number): Rng {
  let x = seed >>> 0
  const mix = (): number => {
    x = (x + 0x9e3779b9) >>> 0
    let z = x
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return (z ^ (z >>> 16)) >>> 0
  }
  let a = mix()
  let b = mix()
  let c = mix()
  let d = mix()
  const rotl = (v: number, k: number): number => ((v << k) | (v >>> (32 - k))) >>> 0
  const u32 = (): number => {
    const result = Math.imul(rotl(Math.imul(b, 5), 7), 9) >>> 0
    const t = (b << 9) >>> 0
    c = (c ^ a) >>> 0
    d = (d ^ b) >>> 0
    b = (b ^ c) >>> 0
    a = (a ^ d) >>> 0
    c = (c ^ t) >>> 0
    d = rotl(d, 11)
    return result
  }
  return {
    u32,
    bytes(n) {
      const out = new Uint8Array(n)
      for (let i = 0; i < n; i++) out[i] = u32() & 0xff
      return out
    },
  }
}
