import type { Token } from '../text/model.ts'
import { tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { NameSpan } from './place-names.ts'

/** Areas of British postcodes that people say for their part of a town. */
const AREAS = new WordSet(
  (
    'se sw nw ec wc e n w br cr da en ha ig kt rm sm tw ub bn bs cb cf co ct cv dd dn eh ex gl gu hp hu ip le ln ls lu me mk ml ng nn np nr ' +
    'ol ox pe pl po pr rg rh sg sk sl sn so sp ss st ta tn tq ts wa wd wf wn wr ws wv yo bt bh bd bl'
  ).split(' '),
)
const MOST = 99

/** "…, SE15" at an end: a postcode's first half, which no model is called by. */
export function postcodeAt(tokens: readonly Token[]): NameSpan | undefined {
  for (let i = tokens.length - 1; i > 0; i--) {
    const [area, number] = [tokens[i - 1] as Token, tokens[i] as Token]
    if (number.kind !== 'number' || !number.glued || area.caps !== 2 || !AREAS.has(area)) continue
    const [before, next] = [tokenAt(tokens, i - 2), tokens[i + 1]]
    if (Number(number.text) > MOST || (before?.kind !== 'op' && before?.kind !== 'line') || next?.kind === 'word') continue
    if (before.text === ',' || before.text === '.' || before.text === '(' || before.kind === 'line')
      return { start: i - 1, end: i + 1 }
  }
  return undefined
}
