import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesOfGroups, chunksOfGroups, GroupSet } from '../../../../src/core/blobs/store/group-set.ts'
import { ALL } from '../../../../src/core/blobs/tree/ranges.ts'

const run = fc.tuple(fc.nat(60), fc.nat(12)).map(([from, length]) => [from, from + length] as const)

describe('a set of groups', () => {
  it('is what a plain set would be', () => {
    fc.assert(
      fc.property(fc.array(run, { maxLength: 30 }), run, (runs, probe) => {
        const set = new GroupSet()
        const plain = new Set<number>()
        for (const [from, to] of runs) {
          const before = plain.size
          for (let i = from; i < to; i++) plain.add(i)
          expect(set.add(from, to)).toBe(plain.size - before)
        }
        expect(set.count).toBe(plain.size)
        expect(set.bounds.every((b, i) => i === 0 || b > (set.bounds[i - 1] as number))).toBe(true)
        const all = Array.from({ length: probe[1] - probe[0] }, (_, i) => plain.has(probe[0] + i))
        expect(set.covers(...probe)).toBe(all.every(Boolean))
        expect(new GroupSet(set.bounds).count).toBe(set.count)
      }),
    )
  })

  it('counts the last group by its length and leaves its end open once the size is proven', () => {
    const set = new GroupSet([0, 4])
    expect(bytesOfGroups(set, 50_000)).toBe(50_000)
    expect(chunksOfGroups(set, 50_000, true)).toEqual(ALL)
    expect(chunksOfGroups(set, 50_000, false)).toEqual([0n, 64n])
    expect(chunksOfGroups(new GroupSet([1, 2, 3, 4]), 50_000, true)).toEqual([16n, 32n, 48n])
    expect(bytesOfGroups(new GroupSet([3, 4]), 50_000)).toBe(848)
    expect(bytesOfGroups(new GroupSet([1, 2]), 50_000)).toBe(16_384)
    expect(chunksOfGroups(new GroupSet(), 50_000, true)).toEqual([])
  })
})
