import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../../src/base/bytes.ts'
import { errorCode, isK2Error } from '../../../src/base/errors.ts'
import { WireReader } from '../../../src/core/wire/reader.ts'
import { WireWriter } from '../../../src/core/wire/writer.ts'

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return errorCode(error)
  }
  return 'no error'
}
const reader = (hex: string): WireReader => new WireReader(fromHex(hex.replaceAll(' ', '')))

describe('varints (gossip 3)', () => {
  it.each([
    [0, '00'],
    [1, '01'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [16383, 'ff7f'],
    [16384, '808001'],
    [65535, 'ffff03'],
  ])('%d is %s for every width', (value, hex) => {
    expect(toHex(new WireWriter().u16(value).finish())).toBe(hex)
    expect(toHex(new WireWriter().u32(value).finish())).toBe(hex)
    expect(toHex(new WireWriter().u64(value).finish())).toBe(hex)
    expect(toHex(new WireWriter().u64(BigInt(value)).finish())).toBe(hex)
    expect(reader(hex).u16()).toBe(value)
    expect(reader(hex).u32()).toBe(value)
    expect(reader(hex).u64()).toBe(BigInt(value))
    expect(reader(hex).safeU64()).toBe(value)
  })

  it('accepts over-long forms that fit the permitted bytes', () => {
    expect(reader('8000').u16()).toBe(0)
    expect(reader('808000').u16()).toBe(0)
    expect(reader('808000').variant(1)).toBe(0)
    expect(reader('8080808000').u32()).toBe(0)
    expect(reader('80808080808080808000').u64()).toBe(0n)
  })

  it('takes the largest value of each width and refuses one more', () => {
    expect(reader('ffff03').u16()).toBe(0xffff)
    expect(codeOf(() => reader('808004').u16())).toBe('WIRE_BAD_VARINT')
    expect(codeOf(() => reader('80808000').u16())).toBe('WIRE_BAD_VARINT')
    expect(reader('ffffffff0f').u32()).toBe(0xffff_ffff)
    expect(codeOf(() => reader('8080808010').u32())).toBe('WIRE_BAD_VARINT')
    expect(codeOf(() => reader('808080808000').u32())).toBe('WIRE_BAD_VARINT')
    expect(reader('ffffffffffffffffff01').u64()).toBe(0xffff_ffff_ffff_ffffn)
    expect(codeOf(() => reader('80808080808080808002').u64())).toBe('WIRE_BAD_VARINT')
    expect(codeOf(() => reader('8080808080808080808000').u64())).toBe('WIRE_BAD_VARINT')
    expect(reader('ffffffffffffff0f').safeU64()).toBe(Number.MAX_SAFE_INTEGER)
    expect(codeOf(() => reader('8080808080808010').safeU64())).toBe('WIRE_OUT_OF_RANGE')
  })

  it('refuses to write what does not fit', () => {
    for (const bad of [-1, 1.5, 65536, Number.NaN]) expect(codeOf(() => new WireWriter().u16(bad))).toBe('WIRE_OUT_OF_RANGE')
    for (const bad of [-1, 256]) expect(codeOf(() => new WireWriter().u8(bad))).toBe('WIRE_OUT_OF_RANGE')
    expect(codeOf(() => new WireWriter().u32(2 ** 32))).toBe('WIRE_OUT_OF_RANGE')
    expect(codeOf(() => new WireWriter().u64(2 ** 53))).toBe('WIRE_OUT_OF_RANGE')
    expect(codeOf(() => new WireWriter().u64(1n << 64n))).toBe('WIRE_OUT_OF_RANGE')
  })

  it('round-trips every u64', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (value) => {
        expect(new WireReader(new WireWriter().u64(value).finish()).u64()).toBe(value)
      }),
    )
  })
})

describe('composite values', () => {
  it('reads and writes strings, byte strings, options and sequences', () => {
    const bytes = new WireWriter(1).string('Tech & IT').bytes(fromHex('0102')).fixed(fromHex('aabb')).finish()
    expect(toHex(bytes)).toBe('09546563682026204954020102aabb')
    const w = new WireWriter()
    w.option<number>(undefined, () => {}).option(7, (v) => w.u16(v))
    w.seq([1, 300], (v) => w.u32(v)).bool(true)
    expect(toHex(w.finish())).toBe('0001070201ac0201')
    const r = new WireReader(w.finish())
    expect(r.option(() => r.u16())).toBeUndefined()
    expect(r.option(() => r.u16())).toBe(7)
    expect(r.seq(() => r.u32())).toEqual([1, 300])
    expect(r.bool()).toBe(true)
    r.end()
  })

  it('names what is wrong', () => {
    expect(codeOf(() => reader('').u8())).toBe('WIRE_TRUNCATED')
    expect(codeOf(() => reader('02').bool())).toBe('WIRE_BAD_BOOL')
    const r = reader('02')
    expect(codeOf(() => r.option(() => r.u8()))).toBe('WIRE_BAD_OPTION')
    expect(codeOf(() => reader('06').variant(6))).toBe('WIRE_UNKNOWN_VARIANT')
    expect(codeOf(() => reader('02c328').string())).toBe('WIRE_BAD_UTF8')
    expect(codeOf(() => reader('0561').bytes())).toBe('WIRE_TRUNCATED')
    expect(codeOf(() => reader('03616263').string(2))).toBe('WIRE_TOO_LONG')
    expect(codeOf(() => reader('0000').end())).toBe('WIRE_TRAILING_BYTES')
  })

  it('refuses counts that the input cannot hold before reading an element', () => {
    let reads = 0
    const r = reader('ffffffff0f')
    const read = (): number => {
      reads++
      return 0
    }
    expect(codeOf(() => r.seq(read))).toBe('WIRE_TRUNCATED')
    expect(codeOf(() => reader('03000000').seq(read, { minItemBytes: 2 }))).toBe('WIRE_TRUNCATED')
    expect(codeOf(() => reader('03000000').seq(read, { max: 2 }))).toBe('WIRE_TOO_LONG')
    expect(reads).toBe(0)
  })

  it('keeps a BOM and every other valid string', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(new WireReader(new WireWriter().string(text).finish()).string()).toBe(text)
      }),
    )
  })

  it('throws only K2Error on arbitrary bytes', () => {
    const steps: ((r: WireReader) => unknown)[] = [
      (r) => r.u8(),
      (r) => r.bool(),
      (r) => r.u16(),
      (r) => r.u32(),
      (r) => r.u64(),
      (r) => r.string(),
      (r) => r.bytes(),
      (r) => r.fixed(4),
      (r) => r.option(() => r.u16()),
      (r) => r.seq(() => r.string()),
    ]
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.array(fc.nat(steps.length - 1), { maxLength: 20 }), (input, plan) => {
        const r = new WireReader(input)
        try {
          for (const step of plan) steps[step]?.(r)
        } catch (error) {
          expect(isK2Error(error) && error.code.startsWith('WIRE_')).toBe(true)
        }
        expect(r.offset + r.remaining).toBe(input.length)
      }),
    )
  })
})
