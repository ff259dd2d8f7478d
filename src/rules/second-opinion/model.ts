import { z } from 'zod'
import { CONDITIONS, INTENTS, PRICE_UNITS, type Reading } from '../model.ts'

/** Changing what is asked or how it is answered changes these; cached answers of other versions are not used. */
export const PROMPT_VERSION = 1
export const SCHEMA_VERSION = 1

/** What leaves the process: one masked text and the reading of the rules; no names, ids, secrets or other people's words. */
export interface OpinionRequest {
  /** Cleaned and masked, at most 1,500 characters. */
  readonly text: string
  readonly lang_guess: string
  readonly channel_topic: string | null
  readonly rules_reading: {
    readonly intent: Reading['intent']
    readonly confidence: number
    readonly price: { readonly min: string | null; readonly max: string | null; readonly currency: string | null } | null
  }
  readonly schema_version: number
}

const name = (max: number) => z.string().min(1).max(max).nullish()
const amount = z.number().nonnegative().max(1e15).nullish()

/** What a model may answer; anything else refuses the whole answer. */
export const answerSchema = z.strictObject({
  intent: z.enum(INTENTS),
  item: name(120),
  want_item: name(120),
  quantity: z.number().positive().max(1e9).nullish(),
  condition: z.enum(CONDITIONS).nullish(),
  price_min: amount,
  price_max: amount,
  currency: z
    .string()
    .regex(/^[A-Z]{3,5}$/)
    .nullish(),
  price_unit: z.enum(PRICE_UNITS).nullish(),
  place: name(80),
  topic: name(60),
  confidence: z.number().min(0).max(1),
  /** Words of the text that show the intent. */
  evidence: z.array(z.string().min(1).max(300)).max(10),
})
export type OpinionAnswer = Readonly<z.output<typeof answerSchema>>

export const FAILURES = [
  'timeout',
  'http',
  'rate_limited',
  'invalid_json',
  'schema',
  'ungrounded',
  'budget',
  'open_circuit',
  'refused',
] as const
export type FailureKind = (typeof FAILURES)[number]

export interface OpinionFailure {
  readonly kind: FailureKind
  /** For the operator; holds nothing the endpoint wrote. */
  readonly detail: string
}

export type Answered =
  | { readonly ok: true; readonly answer: OpinionAnswer }
  | { readonly ok: false; readonly failure: OpinionFailure }

export const failed = (kind: FailureKind, detail: string): { readonly ok: false; readonly failure: OpinionFailure } => ({
  ok: false,
  failure: { kind, detail },
})
