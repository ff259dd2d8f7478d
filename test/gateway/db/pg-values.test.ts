import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toWireParam } from '../../../src/gateway/db/pg-values.ts'

/** How `pg` itself prepares parameters. */
const { prepareValue } = createRequire(import.meta.url)('pg/lib/utils.js') as { prepareValue(value: unknown): unknown }

const plain = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.bigInt(),
  fc.boolean(),
  fc.constant(null),
  fc.constant(undefined),
)

describe('toWireParam', () => {
  it('prepares values the way pg does', () => {
    const values = fc.oneof(plain, fc.array(plain), fc.array(fc.array(fc.string())), fc.dictionary(fc.string(), fc.jsonValue()))
    fc.assert(
      fc.property(values, (value) => {
        // Elements of arrays: pg prints text of booleans and numbers the same, quoted.
        expect(toWireParam(value)).toEqual(prepareValue(value))
      }),
    )
  })
  it('sends bytes as bytes, also inside arrays', () => {
    expect(toWireParam(new Uint8Array([1, 255]).subarray(1))).toEqual(new Uint8Array([255]))
    expect(toWireParam([Buffer.from([1, 255])])).toBe('{"\\\\x01ff"}')
  })
  it('sends times with their zone', () => {
    expect(toWireParam(new Date(0))).toBe('1970-01-01T00:00:00.000Z')
  })
})
