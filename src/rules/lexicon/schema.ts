import { z } from 'zod'
import { INTENTS } from '../model.ts'

export const FAMILIES = ['tag', 'verb', 'market', 'price', 'offer_phrase', 'ask_phrase', 'role', 'structure'] as const
export const NEEDS = ['object', 'concrete', 'price', 'trade', 'service', 'price_or_concrete'] as const
export const SCOPES = ['message', 'sentence', 'clause'] as const

const phrases = z.array(z.string().min(1).max(4000)).max(5000)
const language = z.enum(['en', 'vi', 'es', 'ru', 'pt'])

const cueSchema = z
  .object({
    intent: z.enum(['buy', 'sell', 'exchange', 'service_wanted', 'service_offered']),
    strength: z.number().int().min(1).max(12),
    family: z.enum(FAMILIES),
    /** object: some noun follows; concrete: goods noun, model, price or quantity; trade, service: such a noun. */
    needs: z.enum(NEEDS).optional(),
    /** The object decides between goods and services: "looking for" + trade noun is a wanted service. */
    follows_object: z.boolean().default(false),
    /** Counts only in texts guessed to be in the file's language. */
    same_lang: z.boolean().default(false),
    /** Must be written in capitals. */
    upper: z.boolean().default(false),
    phrases,
  })
  .strict()

const guardSchema = z
  .object({
    kind: z.string().regex(/^[a-z_]{2,24}$/u),
    /** Points subtracted, or a veto. */
    penalty: z.union([z.number().int().min(1).max(20), z.literal('veto')]),
    scope: z.enum(SCOPES),
    /** Only these intents lose points; absent: all. */
    only: z.array(z.enum(INTENTS)).optional(),
    /** Short texts only: at most so many words. */
    max_words: z.number().int().min(1).max(64).optional(),
    same_lang: z.boolean().default(false),
    phrases,
  })
  .strict()

export const lexiconSchema = z
  .object({
    lang: language,
    version: z.number().int().min(1),
    function_words: z.array(z.string()).max(1000).default([]),
    cues: z.array(cueSchema).max(500).default([]),
    guards: z.array(guardSchema).max(500).default([]),
    terms: z.record(z.string().regex(/^[a-z0-9_]{2,32}$/u), phrases).default({}),
    /** Phrases in which a cue word is no cue. */
    idioms: phrases.default([]),
    /** Words one edit away from a cue that are words of their own. */
    not_typos: z.array(z.string()).max(1000).default([]),
    places: z.record(z.string(), z.string()).default({}),
  })
  .strict()
export type LexiconFile = z.infer<typeof lexiconSchema>
export type CueRule = z.infer<typeof cueSchema>
export type GuardRule = z.infer<typeof guardSchema>

const points = z.number().int().min(-20).max(20)
export const weightsSchema = z
  .object({
    version: z.number().int().min(1),
    threshold: points,
    bonus: z.object({ second_family: points, first_cue: points, price: points, concrete: points }).strict(),
    structure: z
      .object({
        have_want: points,
        tag: points,
        card: points,
        listing_line: points,
        trade_line: points,
        price_list: points,
        own_work: points.default(8),
      })
      .strict(),
    slope: z.number().min(0.1).max(10),
  })
  .strict()
export type Weights = z.infer<typeof weightsSchema>

const nouns = z.array(z.string().min(1).max(200)).max(2000)
export const taxonomySchema = z
  .object({
    version: z.number().int().min(1),
    topics: z
      .array(
        z
          .object({
            slug: z.string().regex(/^[a-z][a-z-]{1,30}$/u),
            k2_topic: z.enum(['Goods', 'Digital Assets', 'Freelance Job']),
            subtopic: z.string().max(60),
            nouns: nouns.default([]),
            /** Series and brands that name the kind of thing without a noun. */
            brands: nouns.default([]),
          })
          .strict(),
      )
      .max(100),
    services: z
      .array(z.object({ category: z.string().max(60), skill: z.string().max(60), nouns }).strict())
      .max(60)
      .default([]),
  })
  .strict()
export type TaxonomyFile = z.infer<typeof taxonomySchema>
