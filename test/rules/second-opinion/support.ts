import { emptySlots, type Reading } from '../../../src/rules/model.ts'
import { readMessage } from '../../../src/rules/reading/index.ts'
import { checkedAnswer, type OpinionAnswer, withOpinion } from '../../../src/rules/second-opinion/index.ts'
import { shippedLexicon } from '../support/lexicon.ts'

export const lexicon = shippedLexicon()
export const read = (text: string): Reading => readMessage({ id: 'm', text }, { lexicon })

export const answer = (part: Partial<OpinionAnswer> = {}): OpinionAnswer => ({
  intent: 'sell',
  confidence: 0.9,
  evidence: [],
  ...part,
})

/** A chat completion with this content. */
export const completion = (content: unknown, tokens = 100): string =>
  JSON.stringify({
    choices: [{ message: { role: 'assistant', content: typeof content === 'string' ? content : JSON.stringify(content) } }],
    usage: { total_tokens: tokens },
  })

/** From an endpoint's bytes to the merged reading of a text. */
export function opinionOn(text: string, rules: Reading, body: string, status = 200) {
  const answered = checkedAnswer(status, body, { lexicon, text })
  return { answered, ...withOpinion(rules, answered, lexicon) }
}

/** A doubtful reading of the rules. */
export const doubtful = (part: Partial<Reading> = {}): Reading => ({
  ...read('good morning'),
  intent: 'sell',
  act: 'open',
  confidence: 0.6,
  slots: emptySlots(),
  ...part,
})
