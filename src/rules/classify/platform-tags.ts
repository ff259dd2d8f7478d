import { Budget } from '../lexicon/graph.ts'
import { tagTokens } from '../slots/tags.ts'
import { tokenize } from '../text/tokens.ts'
import { findPatterns } from './hits.ts'
import type { Evidence, Weighing } from './weighing.ts'

const MAX_TAGS = 10
const MAX_TAG = 60
const STEPS = 2000

/** Tags set on a post count like bracketed tags of the text. */
export function tagEvidence(input: Weighing): Evidence[] {
  if (input.platformTags.length === 0) return []
  const { lexicon } = input
  const out: Evidence[] = []
  for (const tag of input.platformTags.slice(0, MAX_TAGS)) {
    const tokens = tokenize(tag.slice(0, MAX_TAG))
    const budget = new Budget(STEPS)
    const { cues } = findPatterns(lexicon, tokens, tagTokens(lexicon, tokens, budget), budget)
    const cue = cues.find((c) => c.rule.strength >= 6)
    if (cue === undefined) continue
    const { intent } = cue.rule
    const points = lexicon.weights.structure.tag
    out.push({ intent, points, family: 'tag', cue: cue.label, start: 0, end: 0, object: undefined, postfix: false })
  }
  return out
}
