import { z } from 'zod'
import { isTimeZone, parseHours } from '../alert/local-time.ts'
import { parseCron } from './cron.ts'
import { EVENTS } from './facts.ts'
import { durationSchema, keySchema, listOf, trustComparison } from './values.ts'

export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const
const MAX_RULES = 1_000
const MAX_EXAMPLES = 50
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/

const text = (max: number) => z.string().min(1).max(max)
const moment = z.union([z.string(), z.number()]).transform((value, ctx) => {
  const at = typeof value === 'number' ? value : Date.parse(value)
  if (Number.isFinite(at)) return at
  ctx.addIssue({ code: 'custom', message: 'not a date; write 2026-01-31 or 2026-01-31T12:00:00Z' })
  return z.NEVER
})

export const hoursSchema = listOf(z.string(), 10).transform((list, ctx) =>
  list.map((entry) => {
    const range = parseHours(entry)
    if (range !== undefined) return range
    ctx.addIssue({ code: 'custom', message: `\`${entry.slice(0, 20)}\` is no range of hours; write 09:00-17:30` })
    return z.NEVER
  }),
)
export const timeZoneSchema = z.string().refine(isTimeZone, 'not an IANA time zone such as Europe/Berlin')
export const daysSchema = listOf(z.enum(DAYS), 7)

const globs = listOf(text(200), 50)

export const triggerSchema = z.strictObject({
  events: listOf(z.enum(EVENTS)).optional(),
  cron: z
    .string()
    .refine((t) => parseCron(t) !== undefined, 'not a cron line of five fields: minute hour day month weekday')
    .optional(),
  platforms: globs.optional(),
  spaces: globs.optional(),
  channels: globs.optional(),
  threads: globs.optional(),
  authors: z
    .strictObject({
      trust: trustComparison.optional(),
      roles: listOf(text(100)).optional(),
      not_roles: listOf(text(100)).optional(),
      kinds: listOf(text(40)).optional(),
    })
    .optional(),
  profiles: listOf(z.enum(['off', 'observe', 'assist', 'auto'])).optional(),
})

const cooldownSchema = z.strictObject({ for: durationSchema, per: keySchema })
const limitSchema = z.strictObject({
  max: z.number().int().min(1).max(100_000),
  per: durationSchema.refine((ms) => ms > 0, 'must be longer than 0s'),
  key: keySchema,
  overflow: z.enum(['drop', 'queue', 'latest']).default('drop'),
})
const priority = z.number().int().min(-1000).max(1000)
const mode = z.enum(['live', 'dry_run', 'off'])

const amount = z.union([z.string(), z.number()])
const expectedReading = z.strictObject({
  intent: z.string().optional(),
  act: z.string().optional(),
  price: z
    .strictObject({
      min: amount.nullable().optional(),
      max: amount.nullable().optional(),
      currency: z.string().nullable().optional(),
    })
    .nullable()
    .optional(),
  topic: z.string().nullable().optional(),
  item: z.string().nullable().optional(),
  condition: z.string().nullable().optional(),
  quantity: z.number().optional(),
  place: z.string().nullable().optional(),
})
const exampleMessage = z.strictObject({
  author: text(60).optional(),
  text: z.string().max(4_096),
  reply_to: z.number().int().nonnegative().optional(),
  after: durationSchema.optional(),
  platform: z.enum(['discord', 'telegram', 'p2p', 'web']).optional(),
  channel: text(200).optional(),
})
const expectation = z.union([
  z.enum(['fires', 'silent']),
  z.strictObject({ fires_at: z.array(z.number().int().nonnegative()).max(50), act: z.string().optional() }),
])
export const exampleSchema = z
  .strictObject({
    text: z.string().max(4_096).optional(),
    platform: z.enum(['discord', 'telegram', 'p2p', 'web']).optional(),
    channel: text(200).optional(),
    author: text(60).optional(),
    event: z.enum(EVENTS).optional(),
    messages: z.array(exampleMessage).min(1).max(50).optional(),
    expect: expectation,
    reading: expectedReading.optional(),
    actions: z.array(text(40)).max(10).optional(),
  })
  .refine((e) => (e.text === undefined) !== (e.messages === undefined), { message: 'needs either text or messages' })

/** Conditions and actions are checked by their own compilers, which know the words of each leaf. */
export const ruleSchema = z.strictObject({
  id: z.string().regex(NAME, 'lower-case letters, digits and -, at most 63, not starting with -'),
  name: text(200).optional(),
  description: text(2_000).optional(),
  owner: text(200).optional(),
  mode: mode.optional(),
  priority: priority.optional(),
  when: triggerSchema.optional(),
  if: z.unknown().optional(),
  // biome-ignore lint/suspicious/noThenProperty: the key of the rule language
  then: z.array(z.unknown()).min(1).max(10),
  cooldown: cooldownSchema.optional(),
  limit: limitSchema.optional(),
  stop: z.boolean().default(false),
  active: z
    .strictObject({
      from: moment.optional(),
      until: moment.optional(),
      hours: hoursSchema.optional(),
      days: daysSchema.optional(),
      time_zone: timeZoneSchema.optional(),
    })
    .optional(),
  examples: z.array(exampleSchema).max(MAX_EXAMPLES).default([]),
})

export const fileSchema = z.strictObject({
  version: z.literal(1),
  name: text(200).optional(),
  description: text(2_000).optional(),
  tags: z.array(text(60)).max(50).default([]),
  defaults: z
    .strictObject({
      priority: priority.optional(),
      mode: mode.optional(),
      cooldown: cooldownSchema.optional(),
      limit: limitSchema.optional(),
    })
    .default({}),
  lists: z.record(z.string().regex(/^[a-z][a-z0-9_]{0,40}$/i), z.array(text(200)).max(5_000)).default({}),
  templates: z.record(z.string().regex(/^[a-z][a-z0-9_-]{0,40}$/i), text(2_000)).default({}),
  rules: z.array(z.unknown()).max(MAX_RULES),
})

export type FileBody = z.output<typeof fileSchema>
export type RuleBody = z.output<typeof ruleSchema>
export type Trigger = z.output<typeof triggerSchema>
export type Example = z.output<typeof exampleSchema>
export type Cooldown = z.output<typeof cooldownSchema>
export type Limit = z.output<typeof limitSchema>
export type Mode = z.output<typeof mode>
