import { describe, expect, it } from 'vitest'
import { equalBytes } from '../../../../src/base/bytes.ts'
import { BlobHasher } from '../../../../src/core/blobs/tree/outboard.ts'

describe('finishing in turns', () => {
  it.each([0, 1, 16_385, 64 * 1024 * 1024, 64 * 1024 * 1024 + 1, 150_000_000])('gives the same for %i bytes', async (size) => {
    const block = new Uint8Array(1024 * 1024).fill(5)
    const hasher = new BlobHasher()
    for (let at = 0; at < size; at += block.length) hasher.update(block.subarray(0, size - at))
    let turns = 0
    const inTurns = await hasher.finishInTurns(async () => {
      turns++
    })
    expect(turns > 0).toBe(size > 64 * 1024 * 1024)
    const again = new BlobHasher()
    for (let at = 0; at < size; at += block.length) again.update(block.subarray(0, size - at))
    const atOnce = again.finish()
    expect(inTurns.size).toBe(size)
    expect(equalBytes(inTurns.hash, atOnce.hash)).toBe(true)
    expect(equalBytes(inTurns.outboard, atOnce.outboard)).toBe(true)
  })
})
