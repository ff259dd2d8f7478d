import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../../src/base/bytes.ts'
import { FRAME_BYTES, frames, unframed } from '../../../src/gateway/backup/frames.ts'

const HEADER = utf8('{"format":"k2gw-backup"}\n')
const KEY = new Uint8Array(32).fill(7)

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function all(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(part)
  return Buffer.concat(parts)
}

const content = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (i * 31 + (i >> 8)) & 255)

describe.each([
  ['sealed', KEY],
  ['plain', undefined],
] as const)('frames, %s', (_, key) => {
  const write = (bytes: Uint8Array, size = 5000): Promise<Buffer> => all(frames(pieces(bytes, size), HEADER, key))
  const read = (bytes: Uint8Array, size = 7000, header = HEADER): Promise<Buffer> =>
    all(unframed(pieces(bytes, size), header, key))

  test.each([0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES + 17])('%i bytes come back', async (size) => {
    expect((await read(await write(content(size)))).equals(content(size))).toBe(true)
  })

  test('whatever pieces they are written and read in', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1000, max: 90_000 }), fc.integer({ min: 1000, max: 90_000 }), async (a, b) => {
        const bytes = content(100_000)
        expect((await read(await write(bytes, a), b)).equals(bytes)).toBe(true)
      }),
      { numRuns: 20 },
    )
  })

  test('any changed byte, a cut and an addition are noticed', async () => {
    const bytes = await write(content(2 * FRAME_BYTES))
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bad = Buffer.from(bytes)
        bad[at] = (bad[at] as number) ^ change
        await expect(read(bad)).rejects.toMatchObject({ code: expect.stringMatching(/^BACKUP_(DAMAGED|PASSPHRASE)$/) })
      }),
      { numRuns: 40 },
    )
    for (const cut of [1, 40, FRAME_BYTES, bytes.length - 3]) {
      await expect(read(bytes.subarray(0, -cut))).rejects.toMatchObject({ code: expect.stringMatching(/^BACKUP_/) })
    }
    await expect(read(Buffer.concat([bytes, Buffer.of(0)]))).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' })
  })

  test('another header is noticed', async () => {
    const bytes = await write(content(10))
    await expect(read(bytes, 100, utf8('{"format":"k2gw-other"}\n'))).rejects.toMatchObject({
      code: expect.stringMatching(/^BACKUP_/),
    })
  })
})

test('sealed frames cannot change places, and another key opens none', async () => {
  const bytes = await all(frames(pieces(content(3 * FRAME_BYTES), 4000), HEADER, KEY))
  const size = 4 + FRAME_BYTES + 16
  const swapped = Buffer.concat([bytes.subarray(size, 2 * size), bytes.subarray(0, size), bytes.subarray(2 * size)])
  await expect(all(unframed(pieces(swapped, 9000), HEADER, KEY))).rejects.toMatchObject({ code: 'BACKUP_PASSPHRASE' })
  await expect(all(unframed(pieces(bytes, 9000), HEADER, new Uint8Array(32)))).rejects.toMatchObject({
    code: 'BACKUP_PASSPHRASE',
  })
  expect(bytes.includes(Buffer.from(content(64)))).toBe(false)
})
