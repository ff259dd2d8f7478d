import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toBase32 } from '../../src/base/bytes.ts'
import { hashId, uuidv7 } from '../../src/base/ids.ts'
import { cryptoRng, unit } from '../../src/base/random.ts'

test('random bytes have the length asked for, are used once and belong to whoever asked', () => {
  const seen = new Set<string>()
  const lengths = [4, 16, 12, 32, 1, 0, 64, 16]
  for (let n = 0; n < 4_000; n++) {
    const bytes = cryptoRng.bytes(lengths[n % lengths.length] as number)
    expect(bytes.length).toBe(lengths[n % lengths.length])
    expect(bytes.buffer.byteLength).toBe(bytes.length)
    if (bytes.length < 12) continue
    const hex = Buffer.from(bytes).toString('hex')
    expect(hex).not.toMatch(/^0+$/)
    expect(seen.has(hex)).toBe(false)
    seen.add(hex)
    bytes.fill(0)
  }
})

test('single draws are spread evenly', () => {
  const counts = new Array<number>(10).fill(0)
  for (let n = 0; n < 20_000; n++) counts[Math.floor(unit(cryptoRng) * 10)]! += 1
  // 2,000 each; 1,700 is seven standard deviations away.
  expect(Math.min(...counts)).toBeGreaterThan(1_700)
})

test('ids of the same instant differ and sort by time', () => {
  const ids = Array.from({ length: 2_000 }, (_, n) => uuidv7(1_700_000_000_000 + Math.floor(n / 100), cryptoRng))
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true)
  expect((ids[1_999] as string) > (ids[0] as string)).toBe(true)
})

test('deterministic ids are base32 of SHA-256 over the parts', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.integer())), (parts) => {
      const digest = createHash('sha256')
        .update(Buffer.from(parts.join('\0'), 'utf8'))
        .digest()
      expect(hashId(parts)).toBe(toBase32(digest).slice(0, 26))
    }),
  )
})
