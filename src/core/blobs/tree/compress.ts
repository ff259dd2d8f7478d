/**
 * The BLAKE3 compression function (blobs.md 3.1), with all sixteen state and message words in local variables: that is
 * what lets the engine keep them in registers. The quarter rounds stand written out for the same reason.
 */

export const CHUNK_START = 1
export const CHUNK_END = 2
export const PARENT = 4
export const ROOT = 8

export const IV = Int32Array.of(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19)

export interface Block {
  /** Message words, little-endian; sixteen are read from `at`. */
  readonly words: Int32Array
  at: number
  /** Chunk counter: low and high 32 bits. */
  counterLow: number
  counterHigh: number
  /** Bytes of the block that count, 0..64. */
  length: number
  flags: number
}

/** One compression of `block` into the chaining value `cv[at..at+8]`, in place. */
export function compress(cv: Int32Array, at: number, block: Block): void {
  const { words } = block
  const from = block.at
  let m0 = words[from] as number
  let m1 = words[from + 1] as number
  let m2 = words[from + 2] as number
  let m3 = words[from + 3] as number
  let m4 = words[from + 4] as number
  let m5 = words[from + 5] as number
  let m6 = words[from + 6] as number
  let m7 = words[from + 7] as number
  let m8 = words[from + 8] as number
  let m9 = words[from + 9] as number
  let m10 = words[from + 10] as number
  let m11 = words[from + 11] as number
  let m12 = words[from + 12] as number
  let m13 = words[from + 13] as number
  let m14 = words[from + 14] as number
  let m15 = words[from + 15] as number
  let s0 = cv[at] as number
  let s1 = cv[at + 1] as number
  let s2 = cv[at + 2] as number
  let s3 = cv[at + 3] as number
  let s4 = cv[at + 4] as number
  let s5 = cv[at + 5] as number
  let s6 = cv[at + 6] as number
  let s7 = cv[at + 7] as number
  let s8 = 0x6a09e667
  let s9 = -0x4498517b
  let s10 = 0x3c6ef372
  let s11 = -0x5ab00ac6
  let s12 = block.counterLow | 0
  let s13 = block.counterHigh | 0
  let s14 = block.length
  let s15 = block.flags
  for (let round = 0; ; round++) {
    s0 = (s0 + s4 + m0) | 0
    s12 ^= s0
    s12 = (s12 >>> 16) | (s12 << 16)
    s8 = (s8 + s12) | 0
    s4 ^= s8
    s4 = (s4 >>> 12) | (s4 << 20)
    s0 = (s0 + s4 + m1) | 0
    s12 ^= s0
    s12 = (s12 >>> 8) | (s12 << 24)
    s8 = (s8 + s12) | 0
    s4 ^= s8
    s4 = (s4 >>> 7) | (s4 << 25)
    s1 = (s1 + s5 + m2) | 0
    s13 ^= s1
    s13 = (s13 >>> 16) | (s13 << 16)
    s9 = (s9 + s13) | 0
    s5 ^= s9
    s5 = (s5 >>> 12) | (s5 << 20)
    s1 = (s1 + s5 + m3) | 0
    s13 ^= s1
    s13 = (s13 >>> 8) | (s13 << 24)
    s9 = (s9 + s13) | 0
    s5 ^= s9
    s5 = (s5 >>> 7) | (s5 << 25)
    s2 = (s2 + s6 + m4) | 0
    s14 ^= s2
    s14 = (s14 >>> 16) | (s14 << 16)
    s10 = (s10 + s14) | 0
    s6 ^= s10
    s6 = (s6 >>> 12) | (s6 << 20)
    s2 = (s2 + s6 + m5) | 0
    s14 ^= s2
    s14 = (s14 >>> 8) | (s14 << 24)
    s10 = (s10 + s14) | 0
    s6 ^= s10
    s6 = (s6 >>> 7) | (s6 << 25)
    s3 = (s3 + s7 + m6) | 0
    s15 ^= s3
    s15 = (s15 >>> 16) | (s15 << 16)
    s11 = (s11 + s15) | 0
    s7 ^= s11
    s7 = (s7 >>> 12) | (s7 << 20)
    s3 = (s3 + s7 + m7) | 0
    s15 ^= s3
    s15 = (s15 >>> 8) | (s15 << 24)
    s11 = (s11 + s15) | 0
    s7 ^= s11
    s7 = (s7 >>> 7) | (s7 << 25)
    s0 = (s0 + s5 + m8) | 0
    s15 ^= s0
    s15 = (s15 >>> 16) | (s15 << 16)
    s10 = (s10 + s15) | 0
    s5 ^= s10
    s5 = (s5 >>> 12) | (s5 << 20)
    s0 = (s0 + s5 + m9) | 0
    s15 ^= s0
    s15 = (s15 >>> 8) | (s15 << 24)
    s10 = (s10 + s15) | 0
    s5 ^= s10
    s5 = (s5 >>> 7) | (s5 << 25)
    s1 = (s1 + s6 + m10) | 0
    s12 ^= s1
    s12 = (s12 >>> 16) | (s12 << 16)
    s11 = (s11 + s12) | 0
    s6 ^= s11
    s6 = (s6 >>> 12) | (s6 << 20)
    s1 = (s1 + s6 + m11) | 0
    s12 ^= s1
    s12 = (s12 >>> 8) | (s12 << 24)
    s11 = (s11 + s12) | 0
    s6 ^= s11
    s6 = (s6 >>> 7) | (s6 << 25)
    s2 = (s2 + s7 + m12) | 0
    s13 ^= s2
    s13 = (s13 >>> 16) | (s13 << 16)
    s8 = (s8 + s13) | 0
    s7 ^= s8
    s7 = (s7 >>> 12) | (s7 << 20)
    s2 = (s2 + s7 + m13) | 0
    s13 ^= s2
    s13 = (s13 >>> 8) | (s13 << 24)
    s8 = (s8 + s13) | 0
    s7 ^= s8
    s7 = (s7 >>> 7) | (s7 << 25)
    s3 = (s3 + s4 + m14) | 0
    s14 ^= s3
    s14 = (s14 >>> 16) | (s14 << 16)
    s9 = (s9 + s14) | 0
    s4 ^= s9
    s4 = (s4 >>> 12) | (s4 << 20)
    s3 = (s3 + s4 + m15) | 0
    s14 ^= s3
    s14 = (s14 >>> 8) | (s14 << 24)
    s9 = (s9 + s14) | 0
    s4 ^= s9
    s4 = (s4 >>> 7) | (s4 << 25)
    if (round === 6) break
    const t0 = m0
    m0 = m2
    m2 = m3
    m3 = m10
    m10 = m12
    m12 = m9
    m9 = m11
    m11 = m5
    m5 = t0
    const t1 = m1
    m1 = m6
    m6 = m4
    m4 = m7
    m7 = m13
    m13 = m14
    m14 = m15
    m15 = m8
    m8 = t1
  }
  cv[at] = s0 ^ s8
  cv[at + 1] = s1 ^ s9
  cv[at + 2] = s2 ^ s10
  cv[at + 3] = s3 ^ s11
  cv[at + 4] = s4 ^ s12
  cv[at + 5] = s5 ^ s13
  cv[at + 6] = s6 ^ s14
  cv[at + 7] = s7 ^ s15
}
