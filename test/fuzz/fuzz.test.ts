import { describe, expect, test } from 'vitest'
import { isK2Error, K2Error } from '../../src/base/errors.ts'
import { seededRng } from '../../src/base/random.ts'
import { corpusOf } from './corpus.ts'
import { FuzzFinding, fuzz, mutate } from './fuzz.ts'
import { OutcomeBook } from './outcomes.ts'
import { TARGETS } from './targets.ts'

describe('the fuzzer', () => {
  test('repeats itself for a seed, and changes its inputs', () => {
    const corpus = [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)]
    const take = (seed: number): string[] => {
      const rng = seededRng(seed)
      return Array.from({ length: 50 }, () => Buffer.from(mutate(rng, corpus)).toString('hex'))
    }
    expect(take(1)).toEqual(take(1))
    expect(take(1)).not.toEqual(take(2))
    expect(new Set(take(3)).size).toBeGreaterThan(30)
  })

  test('finds an error that is not ours, and an input that takes too long', () => {
    const seeds = [Uint8Array.of(1, 2, 3)]
    const bug = (bytes: Uint8Array): number => {
      if (bytes[0] === 0x80) throw new TypeError('a bug')
      return 0
    }
    const limits = { inputs: 20_000, hangMs: 50 }
    expect(() => fuzz({ name: 'buggy', seeds, decode: bug }, seededRng(1), limits)).toThrow(FuzzFinding)
    const slow = (bytes: Uint8Array): void => {
      if (bytes[0] !== 0x80) return
      const { user } = process.cpuUsage()
      while (process.cpuUsage().user - user < 80_000) Math.sqrt(2)
    }
    expect(() => fuzz({ name: 'slow', seeds, decode: slow }, seededRng(1), limits)).toThrow(/took/)
  })
})

test('the shortest input of every outcome is kept', () => {
  const book = new OutcomeBook()
  const refused = (message: string) => new K2Error({ code: 'X', kind: 'protocol', message })
  const bytes = (length: number): Uint8Array => new Uint8Array(length)
  const news = [
    book.note({ a: 1 }, bytes(5)),
    book.note({ a: 2 }, bytes(3)),
    book.note({ a: [{ b: 'x' }] }, bytes(4)),
    book.note(refused('12 bytes are too many'), bytes(2)),
    book.note(refused('7 bytes are too many'), bytes(1)),
    book.note(refused('the end is missing'), bytes(9)),
    book.note(undefined, bytes(8)),
  ]
  expect(news).toEqual([true, false, true, true, false, true, true])
  expect(book.inputs().map((input) => input.length)).toEqual([3, 4, 1, 9, 8])
})

describe('decoders take anything', () => {
  test.each(TARGETS)('$name', (target) => {
    for (const seed of target.seeds) expect(() => target.decode(seed)).not.toThrow()
    for (const input of corpusOf(target)) {
      try {
        target.decode(input)
      } catch (error) {
        expect(isK2Error(error)).toBe(true)
      }
    }
    const { inputs } = fuzz(target, seededRng(20_251_122), { inputs: 1_000, hangMs: 50 })
    expect(inputs).toBe(1_000)
  })
})
