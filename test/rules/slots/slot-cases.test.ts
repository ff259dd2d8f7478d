import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { shippedLexicon } from '../support/lexicon.ts'
import { predict } from '../support/score.ts'

interface SlotCase {
  readonly id: string
  readonly text: string
  readonly slot: 'quantity' | 'location' | 'topic'
  /** null: the slot stays empty. */
  readonly expected: number | string | null
}

const cases = readFileSync(fileURLToPath(new URL('../data/slot-cases.jsonl', import.meta.url)), 'utf8')
  .split('\n')
  .filter((l) => l !== '')
  .map((l) => JSON.parse(l) as SlotCase)

describe.each(['quantity', 'location', 'topic'] as const)('%s', (slot) => {
  it.each(cases.filter((c) => c.slot === slot))('$id $text', ({ text, expected }) => {
    const read = predict(shippedLexicon(), { id: 'c', text })
    expect(read.intent).not.toBe('none')
    expect(read[slot]).toBe(expected)
  })
})
