import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes, utf8 } from '../../../src/base/bytes.ts'
import { isK2Error } from '../../../src/base/errors.ts'
import { readJsonObject } from '../../../src/core/k2/json-reader.ts'
import { canonicalJson } from '../../../src/core/k2/json-writer.ts'

const read = (text: string): unknown => readJsonObject(utf8(text))
const failure = (reason: string): unknown =>
  expect.objectContaining({ code: 'K2_MALFORMED', data: expect.objectContaining({ reason }) })

test.each([
  ['', 'cut'],
  ['   ', 'cut'],
  ['[]', 'not-an-object'],
  ['"x"', 'not-an-object'],
  ['1', 'not-an-object'],
  ['{} {}', 'not-an-object'],
  ['{}x', 'not-an-object'],
  ['{"a":1', 'cut'],
  ['{"a', 'cut'],
  ['{"a\\"}', 'cut'],
  ['{"a":tru}', 'syntax'],
  ['{a:1}', 'syntax'],
  ["{'a':1}", 'syntax'],
  ['{"a":1,}', 'syntax'],
  ['{"a":[1}]', 'syntax'],
  ['{"a":NaN}', 'syntax'],
  ['{"a":1e999}', 'number'],
  ['\ufeff{"a":1}', 'not-an-object'],
  ['{"a":"\\ud800"}', 'surrogate'],
  ['{"\\udc00":1}', 'surrogate'],
  ['{"__proto__":{"x":1}}', 'forbidden-member'],
  ['{"a":[{"\\u005f_proto__":1}]}', 'forbidden-member'],
  ['{"constructor":1}', 'forbidden-member'],
  ['{"a":{"prototype":1}}', 'forbidden-member'],
  ['{"a":[[[[[[[[]]]]]]]]}', 'too-deep'],
  [`{"a":[${'0,'.repeat(1000)}0]}`, 'too-many-values'],
  [`{"a":"${'x'.repeat(4001)}"}`, 'long-string'],
  [`{"a":"${'ố'.repeat(1340)}"}`, 'long-string'],
])('refuses %s: %s', (text, reason) => {
  expect(() => read(text)).toThrow(failure(reason))
})

test('accepts what is just inside the limits', () => {
  expect(read('{"a":[[[[[[[]]]]]]]}')).toEqual({ a: [[[[[[[]]]]]]] })
  expect(read(`{"a":"${'x'.repeat(4000)}"}`)).toEqual({ a: 'x'.repeat(4000) })
  const full = `{"a":"${'x'.repeat(2000)}","b":"${'y'.repeat(4058 - 2000 - 15)}"}`
  expect(utf8(full)).toHaveLength(4058)
  expect(read(full)).toBeTruthy()
  expect(() => read(`${full} `)).toThrow(expect.objectContaining({ code: 'K2_TOO_LARGE' }))
  expect(read(' {"a" : "\\ud83d\\ude00" }\n')).toEqual({ a: '😀' })
})

test('refuses bytes that are not UTF-8', () => {
  expect(() => readJsonObject(concatBytes([utf8('{"a":"'), Uint8Array.of(0xff), utf8('"}')]))).toThrow(failure('utf8'))
})

test('hostile members never change what plain objects inherit', () => {
  expect(() => read('{"__proto__":{"polluted":true}}')).toThrow()
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
})

test('errors never quote the message', () => {
  try {
    read('{"secret words": nonsense}')
  } catch (error) {
    expect(String((error as Error).message)).not.toContain('secret')
    expect((error as Error).cause).toBeUndefined()
  }
})

const junk = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.json().map(utf8),
  fc.string({ unit: 'binary', maxLength: 200 }).map((s) => utf8(`{"a":${s}`)),
  fc
    .constantFrom('[', '{"a":', '{"', '\\', '"\\"', ',', '{"a":[')
    .chain((piece) => fc.nat(2000).map((n) => utf8(`{"x":${piece.repeat(n)}`))),
)

test('arbitrary bytes give a plain object or one of our errors', () => {
  fc.assert(
    fc.property(junk, (bytes) => {
      try {
        const value = readJsonObject(bytes)
        expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
        expect(readJsonObject(utf8(canonicalJson(value)))).toEqual(value)
      } catch (error) {
        if (!isK2Error(error)) throw error
      }
    }),
    { numRuns: 3000 },
  )
})

test('bombs cost one walk over their bytes and are refused before parsing', () => {
  const limits = { maxBytes: 8_000_000, maxDepth: 8, maxValues: 1000, maxStringBytes: 4000 }
  const parse = JSON.parse
  let parsed = 0
  JSON.parse = (...args: Parameters<typeof parse>) => {
    parsed++
    return parse(...args)
  }
  try {
    for (const bomb of ['['.repeat(4_000_000), '{"a":'.repeat(800_000), `${'0,'.repeat(2_000_000)}`, '"a":1,'.repeat(500_000)]) {
      expect(() => readJsonObject(utf8(`{"x":${bomb}`), limits)).toThrow(expect.objectContaining({ code: 'K2_MALFORMED' }))
    }
  } finally {
    JSON.parse = parse
  }
  expect(parsed).toBe(0)
})

test('writes members in byte order, compact, with only the necessary escapes', () => {
  expect(canonicalJson({ b: 1, a: { d: [true, null, 'x"\\\n\u0001'], c: 0.5 } })).toBe(
    '{"a":{"c":0.5,"d":[true,null,"x\\"\\\\\\n\\u0001"]},"b":1}',
  )
  expect(canonicalJson({ '\u{10000}': 1, '\uffff': 2, Z: 3, a: 4 })).toBe('{"Z":3,"a":4,"\uffff":2,"\u{10000}":1}')
  expect(canonicalJson('Hà \u2028\u007f😀')).toBe('"Hà \u2028\u007f😀"')
  expect(canonicalJson('half \ud800')).toBe('"half \ufffd"')
  expect(canonicalJson(1e21)).toBe('1e21')
  expect(() => canonicalJson(Number.NaN)).toThrow(expect.objectContaining({ code: 'K2_MALFORMED' }))
})
