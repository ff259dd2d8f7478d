import { z } from 'zod'
import { place } from './places.ts'
import { secret } from './secrets.ts'
import { duration } from './units.ts'

const INTENTS = ['buy', 'sell', 'exchange', 'service_wanted', 'service_offered'] as const
const confidence = z.number().min(0).max(1)
const zone = z.string().refine(isZone, 'not an IANA time zone such as Europe/Berlin')

function isZone(text: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: text })
    return true
  } catch {
    return false
  }
}

/** Settings of channels (rules 9.5). The first profile one of whose globs fits a place decides. */
const profile = z.strictObject({
  places: z
    .array(z.string().min(1).max(300))
    .min(1)
    .max(200)
    .describe('places as in routes, with * within and ** across parts: telegram/main/-100*, discord/**'),
  mode: z
    .enum(['off', 'observe', 'assist', 'auto'])
    .describe('observe: read and count; assist: ask the author; auto: act within thresholds'),
  language: z.enum(['en', 'vi', 'es', 'ru', 'pt']).optional(),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional(),
  timeZone: zone.optional(),
  currency: z
    .string()
    .regex(/^[A-Z]{3,5}$/)
    .optional()
    .describe('of amounts written without one'),
  topic: z.string().max(60).optional().describe('slug for things whose kind is not recognised'),
  prior: z.partialRecord(z.enum(INTENTS), z.number().int().min(-2).max(3)).optional(),
  forwards: z.enum(['ignore', 'as_author']).default('ignore'),
  bots: z.enum(['ignore', 'read']).default('ignore'),
  private: z.boolean().default(false).describe('true: what is offered here is told only to people of this place'),
  minConfidence: z.strictObject({ alert: confidence.default(0.8), publish: confidence.default(0.9) }).prefault({}),
  rules: z.array(z.string().max(60)).max(50).optional().describe('tags of the rule files that hold here; default: all'),
})

export const marketSchema = z.strictObject({
  enabled: z.boolean().default(true).describe('false: messages are bridged and not read'),
  rules: z
    .string()
    .min(1)
    .optional()
    .describe('folder or file of rules; default: rules in the data directory, else the shipped ones'),
  lexicon: z.string().min(1).optional().describe('folder of word lists; default: the shipped ones'),
  profiles: z.array(profile).max(1000).default([]).describe('channels without a profile are observed only'),
  timeZone: zone.default('UTC').describe('of people who set none'),
  rates: z
    .strictObject({
      base: z.string().regex(/^[A-Z]{3}$/),
      time: z.iso.datetime().describe('when the rates held; after seven days they are not used'),
      rates: z.record(z.string().regex(/^[A-Z]{3,5}$/), z.number().positive()),
    })
    .optional()
    .describe('exchange rates: units of each currency for one of the base'),
  model: z
    .strictObject({
      url: z.url().describe('base of an OpenAI-compatible API, for example https://api.groq.com/openai/v1'),
      model: z.string().min(1).max(200),
      key: secret().optional(),
      timeout: duration().prefault('4s'),
      perMinute: z.int().min(1).max(10_000).default(60),
      tokensPerDay: z.int().min(1000).default(500_000),
    })
    .optional()
    .describe('a second reader for doubtful messages; it never publishes anything'),
  adoptAfter: duration()
    .prefault('10m')
    .describe('where gateways share a database: offers agreed to at one that is gone for this long are repeated by another'),
  operator: place
    .optional()
    .describe('place where notify_admin and faults of rule files are told, such as telegram/main/-100123'),
  jobs: z
    .record(
      z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'a queue has 1 to 32 lower-case letters, digits or -'),
      z.strictObject({
        url: z.url({ protocol: /^https?$/ }).describe('gets every job as JSON in a POST; 2xx means done'),
        key: secret().optional().describe('sent as a bearer token'),
        timeout: duration().prefault('10s'),
      }),
    )
    .default({})
    .describe('queues rules may order jobs in, by name'),
})

export type MarketConfig = z.output<typeof marketSchema>
export type ChannelProfile = MarketConfig['profiles'][number]
