import { z } from 'zod'
import { NETWORKS } from '../../bridges/model/place.ts'
import { INTENT_STATES, INTENTS, PLATFORMS, slotsSchema, TRUST_LEVELS, topicRefSchema } from '../../rules/model.ts'
import type { IntentRecord, LeanIntents } from '../../rules/thread/index.ts'
import type { MarketIntent, Origin, PersonSettings, PublishConsent, Reach } from './model.ts'

/** Checks of what the database holds: a store outlives versions of this program. */
const place = z.object({
  network: z.enum(NETWORKS),
  account: z.string(),
  space: z.string().optional(),
  channel: z.string(),
  thread: z.string().optional(),
})
const ref = z.object({
  network: z.enum(NETWORKS),
  account: z.string(),
  channel: z.string(),
  thread: z.string().optional(),
  id: z.string(),
})

const consentSchema = z.object({
  by: z.string(),
  at: z.number(),
  scope: z.enum(['message', 'channel']),
  shown: z.string(),
  revision: z.number(),
})

const record = z.object({
  intent: z.object({
    intent_id: z.string(),
    owner: z.string(),
    platform: z.enum(PLATFORMS),
    channel: z.string(),
    intent: z.enum(INTENTS).exclude(['none']),
    side: z.enum(['offer', 'want', 'exchange']),
    status: z.enum(INTENT_STATES),
    revision: z.number(),
    slots: slotsSchema,
    topic: topicRefSchema.nullable(),
    confidence: z.number(),
    score: z.number(),
    text: z.string(),
    flags: z.array(z.string()),
    trust: z.enum(TRUST_LEVELS),
    created_at: z.number(),
    updated_at: z.number(),
    expires_at: z.number(),
    consent: z.object({ by: z.string(), at: z.number(), scope: z.enum(['message', 'channel']) }).nullable(),
  }),
  message_id: z.string(),
  ordinal: z.number(),
  parts: z.array(z.string()),
  thread: z.string().nullable(),
  bumped_at: z.number(),
  interested: z.array(z.string()),
})

const reach = z.object({ network: z.enum(NETWORKS), account: z.string(), authorKey: z.string(), place })

const intentRow = z.object({
  record,
  origin: z.object({
    place,
    ref: ref.optional(),
    authorName: z.string(),
    peer: z.object({ nodeId: z.string(), intentKey: z.string(), kind: z.enum(['offer', 'request']) }).optional(),
  }),
  consent: consentSchema.nullable(),
  published: z
    .object({ kind: z.enum(['offer', 'request']), topic: z.string(), at: z.number(), by: z.string().optional() })
    .nullable(),
})

const texts = z.array(z.string()).max(2000)
const settings = z.object({
  optedOut: z.boolean().optional(),
  timeZone: z.string().optional(),
  quiet: z.string().optional(),
  dailyAt: z.string().optional(),
  perHour: z.number().optional(),
  perDay: z.number().optional(),
  currency: z.string().optional(),
  mutedAuthors: texts.optional(),
  mutedSearches: texts.optional(),
  blocked: texts.optional(),
  reach: reach.optional(),
})

/** Undefined for rows of another shape: they are left where they are. */
export function readIntentRow(row: unknown, lean: LeanIntents): MarketIntent | undefined {
  const parsed = intentRow.safeParse(row)
  if (!parsed.success) return undefined
  const { origin, consent, published } = parsed.data
  const record = parsed.data.record as IntentRecord
  return {
    record: { ...record, intent: lean.of(record.intent) },
    origin: origin as Origin,
    consent: consent as PublishConsent | null,
    published,
  }
}

export function readSettings(value: unknown): PersonSettings | undefined {
  const parsed = settings.safeParse(value)
  return parsed.success ? (parsed.data as PersonSettings) : undefined
}

export function readReach(value: unknown): Reach | undefined {
  const parsed = reach.safeParse(value)
  return parsed.success ? (parsed.data as Reach) : undefined
}
