import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes, fromHex, toHex } from '../../../src/base/bytes.ts'
import { type ByteSource, encodeFrame, FrameReader, FrameSplitter } from '../../../src/core/wire/frame.ts'

const MAX = 4096

/** A source that hands out the pieces in order and then the end. */
function sourceOf(pieces: readonly Uint8Array[]): ByteSource {
  const queue = pieces.filter((p) => p.length > 0)
  return { read: async () => queue.shift() ?? null }
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const out: Uint8Array[] = []
  let at = 0
  for (const size of sizes) {
    out.push(bytes.slice(at, at + size))
    at += size
  }
  out.push(bytes.slice(at))
  return out
}

async function readAll(reader: FrameReader): Promise<string[]> {
  const out: string[] = []
  for (;;) {
    const body = await reader.next()
    if (body === null) return out
    out.push(toHex(body))
  }
}

describe('frames (gossip 2.3)', () => {
  it('prefixes a big-endian length', () => {
    expect(toHex(encodeFrame(fromHex('0101')))).toBe('000000020101')
    expect(toHex(encodeFrame(new Uint8Array(0)))).toBe('00000000')
    expect(toHex(encodeFrame(new Uint8Array(300)).slice(0, 4))).toBe('0000012c')
  })

  it('reads frames over any piece boundaries', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 30 }),
        async (bodies, sizes) => {
          const stream = concatBytes(bodies.map(encodeFrame))
          expect(await readAll(new FrameReader(sourceOf(cut(stream, sizes)), MAX))).toEqual(bodies.map(toHex))
        },
      ),
    )
  })

  it('reads frames that come one byte at a time', async () => {
    const stream = concatBytes([encodeFrame(fromHex('aabbcc')), encodeFrame(new Uint8Array(0)), encodeFrame(fromHex('dd'))])
    const pieces = [...stream].map((b) => Uint8Array.of(b))
    expect(await readAll(new FrameReader(sourceOf(pieces), MAX))).toEqual(['aabbcc', '', 'dd'])
  })

  it('treats an end before or inside a length as clean and inside a body as an error, at every offset', async () => {
    const stream = concatBytes([encodeFrame(fromHex('0a0b')), encodeFrame(fromHex('0c0d0e'))])
    for (let size = 0; size <= stream.length; size++) {
      const reader = new FrameReader(sourceOf([stream.slice(0, size)]), MAX)
      const insideBody = (size >= 4 && size < 6) || (size >= 10 && size < 13)
      if (insideBody) await expect(readAll(reader)).rejects.toMatchObject({ code: 'WIRE_FRAME_TRUNCATED' })
      else expect((await readAll(reader)).length).toBe(size < 6 ? 0 : size < 13 ? 1 : 2)
    }
  })

  it('accepts the largest body and refuses a longer one from its length alone', async () => {
    const largest = new FrameSplitter(MAX)
    largest.push(encodeFrame(new Uint8Array(MAX)))
    expect(largest.next()?.length).toBe(MAX)
    await expect(new FrameReader(sourceOf([fromHex('00001001')]), MAX).next()).rejects.toMatchObject({
      code: 'WIRE_FRAME_TOO_LONG',
      data: { size: 4097, max: 4096 },
    })
    await expect(new FrameReader(sourceOf([fromHex('ffffffff')]), MAX).next()).rejects.toMatchObject({
      code: 'WIRE_FRAME_TOO_LONG',
      data: { size: 0xffff_ffff },
    })
  })

  it('hands out bodies that do not share memory with the stream', () => {
    const piece = encodeFrame(fromHex('0102'))
    const splitter = new FrameSplitter(MAX)
    splitter.push(piece)
    const body = splitter.next()
    piece.fill(0)
    expect(body).toEqual(fromHex('0102'))
    expect(body?.buffer.byteLength).toBe(2)
  })
})
