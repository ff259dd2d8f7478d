import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isK2Error } from '../../../../src/base/errors.ts'
import type { BlobEntry } from '../../../../src/core/blobs/store/backend.ts'
import { decodeEntry, decodeTag, encodeEntry, encodeTag } from '../../../../src/core/blobs/store/entry-codec.ts'
import { hashOf } from '../../../../src/core/ids.ts'

const content = 'ab'.repeat(12)
const entries: BlobEntry[] = [
  { kind: 'inline', size: 3, data: new Uint8Array([1, 2, 3]) },
  { kind: 'file', size: 2 ** 40, content },
  {
    kind: 'reference',
    size: 20_000,
    content,
    path: '/home/ü/a file',
    stamp: { size: 20_000, mtimeNs: 1_763_800_000_123_456_789n, inode: 2n ** 60n },
  },
  { kind: 'partial', size: 1_000_000, sizeVerified: true, content, groups: [0, 5, 9, 62] },
]

describe('entries of the index', () => {
  it.each(entries)('come back: $kind', (entry) => {
    expect(decodeEntry(encodeEntry(entry))).toEqual(entry)
  })

  it('tags come back', () => {
    const value = { hash: hashOf(new Uint8Array(32).fill(7)), format: 'hash-seq' as const }
    expect(decodeTag(encodeTag(value))).toEqual(value)
  })

  it('arbitrary and damaged bytes are refused with a code, never otherwise', () => {
    const damaged = fc
      .tuple(fc.constantFrom(...entries), fc.nat(), fc.integer({ min: 0, max: 255 }))
      .map(([entry, at, byte]) => encodeEntry(entry).map((b, i, all) => (i === at % all.length ? byte : b)))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
        for (const decode of [decodeEntry, decodeTag]) {
          try {
            decode(bytes)
          } catch (error) {
            expect(isK2Error(error)).toBe(true)
          }
        }
      }),
      { numRuns: 2000 },
    )
  })
})
