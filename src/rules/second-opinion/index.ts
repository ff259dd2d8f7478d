import type { Lexicon } from '../lexicon/compile.ts'
import type { Reading } from '../model.ts'
import { readAnswer } from './answer.ts'
import { readCompletion } from './completion.ts'
import { groundAnswer } from './grounding.ts'
import { type Merged, mergeOpinion } from './merge.ts'
import type { Answered } from './model.ts'

export { readAnswer } from './answer.ts'
export {
  type AnswerFormat,
  type CompletionBody,
  completionBody,
  FORMATS,
  nextFormat,
  readCompletion,
  retryAfterMs,
} from './completion.ts'
export { groundAnswer } from './grounding.ts'
export {
  type Admission,
  ANSWER_WITHIN_MS,
  CONNECT_TIMEOUT_MS,
  DEFAULT_LIMITS,
  OpinionGate,
  type OpinionLimits,
  type OpinionResult,
  TOTAL_TIMEOUT_MS,
} from './limits.ts'
export { type Merged, mergeOpinion } from './merge.ts'
export type { FailureKind, OpinionAnswer, OpinionFailure, OpinionRequest } from './model.ts'
export { buildRequest, cacheKey, maskedText, notAsked } from './request.ts'

/** From the bytes of a completion to a grounded answer; everything an endpoint can send wrong is a failure. Never throws. */
export function checkedAnswer(
  status: number,
  body: string,
  scope: { readonly lexicon: Lexicon; readonly text: string; readonly currency?: string },
): Answered & { readonly tokens?: number } {
  const completion = readCompletion(status, body)
  if (!completion.ok) return completion
  const tokens = completion.tokens === undefined ? {} : { tokens: completion.tokens }
  const read = readAnswer(completion.content)
  return { ...(read.ok ? groundAnswer(read.answer, scope) : read), ...tokens }
}

/** The merged reading, or the rules' own when the answer is a failure. */
export function withOpinion(rules: Reading, answered: Answered, lexicon: Lexicon): Merged {
  return answered.ok ? mergeOpinion(rules, answered.answer, lexicon) : { reading: rules, draft: null }
}
