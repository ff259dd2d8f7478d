import { type Gazetteer, placeKey } from '../lexicon/gazetteer.ts'
import type { Token } from '../text/model.ts'
import { textAt, tokenAt } from '../text/token-at.ts'

const STATE_LETTERS = 2

/** Countries whose parts are written behind a town by two letters. */
const FEDERAL = ['us', 'ca']

/** "NC" of "Asheville NC": a state or a province in capitals. */
export function isState(gazetteer: Gazetteer, token: Token | undefined): boolean {
  if (token?.kind !== 'word' || token.caps !== 2 || token.text.length !== STATE_LETTERS) return false
  return FEDERAL.some((country) => gazetteer.places.has(placeKey(`${country}-${token.text}`)))
}

/** Token index behind the state that follows a name, with or without a comma; `end` without one. */
export function stateEnd(gazetteer: Gazetteer, tokens: readonly Token[], end: number): number {
  const at = textAt(tokens, end) === ',' ? end + 1 : end
  const next = tokens[at + 1]
  if (!isState(gazetteer, tokens[at]) || tokenAt(tokens, end - 1)?.caps === 2) return end
  return next === undefined || next.kind !== 'number' ? at + 1 : end
}

/** The name in [start, end) as it is written, its state behind a comma: "Asheville, NC". */
export function nameText(gazetteer: Gazetteer, raw: string, tokens: readonly Token[], start: number, end: number): string {
  const last = tokens[end - 1] as Token
  const [first] = [tokens[start] as Token]
  if (end - start < 2 || !isState(gazetteer, last) || tokenAt(tokens, end - 2)?.caps === 2)
    return raw.slice(first.start, last.end)
  const name = textAt(tokens, end - 2) === ',' ? end - 2 : end - 1
  return `${raw.slice(first.start, (tokens[name - 1] as Token).end)}, ${raw.slice(last.start, last.end)}`
}
