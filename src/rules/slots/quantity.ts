import type { Token } from '../text/model.ts'
import type { Amount } from './amount.ts'
import type { Tags } from './tags.ts'

/** Counted things: `x3`, `3x`, `(14)`, a number before the object. */
export function readQuantity(
  tokens: readonly Token[],
  tags: Tags,
  amounts: readonly Amount[],
  objectStart: number,
  objectEnd: number,
): { value: number; unit: string | null } | null {
  for (const amount of amounts) {
    const value = Number((tokens[amount.at] as Token).text.replaceAll(',', ''))
    if (!Number.isFinite(value) || value <= 0) continue
    if (amount.role === 'quantity') {
      const next = tokens[amount.at + 1]
      // "2x16GB" is the make-up of a kit.
      if (next?.text === 'x' && tokens[amount.at + 2]?.kind === 'number') continue
      return { value, unit: null }
    }
    if (amount.role !== 'amount' || amount.currency !== undefined || amount.range) continue
    const before = tags.endingAt(amount.at)
    if (before.some((h) => tags.name(h) === 'with_word')) continue
    if (tags.at('quantity_after', amount.end) !== undefined) return { value, unit: null }
    const parenthesis = tokens[amount.at - 1]?.text === '(' && tokens[amount.end]?.text === ')'
    if (parenthesis && value < 1000) return { value, unit: null }
    if (amount.at >= objectStart - 2 && amount.at <= objectEnd && tags.at('goods', amount.end) !== undefined)
      return { value, unit: null }
    if (amount.at === objectStart && tokens[amount.end]?.kind === 'word' && tags.at('unit_measure', amount.end) === undefined)
      return { value, unit: null }
  }
  return null
}
