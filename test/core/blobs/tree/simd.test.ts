import { blake3 as oracle } from '@noble/hashes/blake3.js'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { toHex } from '../../../../src/base/bytes.ts'
import { blake3, subtreeCv, useSimd } from '../../../../src/core/blobs/tree/blake3.ts'
import { hashBlob } from '../../../../src/core/blobs/tree/outboard.ts'
import { openSimd } from '../../../../src/core/blobs/tree/simd.ts'
import { simdModule } from '../../../../src/core/blobs/tree/simd-code.ts'

afterAll(() => void useSimd(true))

const GROUP = 16_384

function bytes(size: number, seed: number): Uint8Array {
  const out = new Uint8Array(size)
  for (let i = 0, x = seed | 1; i < size; i++) {
    x = Math.imul(x, 1_664_525) + 1_013_904_223
    out[i] = x >>> 24
  }
  return out
}

/** Both versions of the same computation. */
function both(work: () => Uint8Array): [string, string] {
  useSimd(true)
  const vector = toHex(work())
  useSimd(false)
  return [vector, toHex(work())]
}

describe('four chunks at a time', () => {
  it('is what runs here', () => {
    expect(useSimd(true)).toBe(true)
    expect(simdModule().length).toBeLessThan(12_000)
  })

  it('agrees with the reference for whole blobs', () => {
    useSimd(true)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12 }), fc.integer({ min: -2, max: 1_500 }), fc.nat(), (groups, more, seed) => {
        const data = bytes(Math.max(0, groups * GROUP + more), seed)
        const want = toHex(oracle(data))
        expect(toHex(blake3(data))).toBe(want)
        expect(toHex(hashBlob(data).hash)).toBe(want)
      }),
      { numRuns: 60 },
    )
  })

  it('agrees with the scalar version for groups anywhere in a blob, also behind 2^32 chunks', () => {
    const start = fc.oneof(fc.nat(1_000), fc.constantFrom(2 ** 28 - 1, 2 ** 28, 2 ** 28 + 1, 2 ** 40))
    fc.assert(
      fc.property(start, fc.boolean(), fc.nat(), (group, isRoot, seed) => {
        const data = bytes(GROUP, seed)
        const [vector, scalar] = both(() => subtreeCv(data, group * 16, isRoot))
        expect(vector).toBe(scalar)
      }),
      { numRuns: 60 },
    )
  })

  it('leaves subtrees that begin inside a group to the scalar version', () => {
    const data = bytes(GROUP, 5)
    const [vector, scalar] = both(() => subtreeCv(data.subarray(0, 8 * 1024), 8, false))
    expect(vector).toBe(scalar)
  })

  it('answers the bytes of views at odd offsets', () => {
    const data = bytes(3 * GROUP + 5, 9)
    useSimd(true)
    expect(toHex(blake3(data.subarray(5)))).toBe(toHex(oracle(data.slice(5))))
  })

  it('is left out where the engine cannot', () => {
    expect(openSimd(undefined)).toBeDefined() // the default is the engine’s own
    const without = { validate: () => false, Module: Object, Instance: Object } as never
    expect(openSimd(without)).toBeUndefined()
  })
})
