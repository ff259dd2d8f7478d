import { z } from 'zod'
import { compilePattern } from './language/regex.ts'

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/
/** Longest text in a condition; together with the count it bounds the work per message. */
const MAX_NEEDLE = 200
/** Most alternatives of one condition. */
const MAX_NEEDLES = 100

const needles = z.array(z.string().min(1).max(MAX_NEEDLE)).min(1).max(MAX_NEEDLES)

/** RE2 syntax: matched in linear time, whatever people write. */
const pattern = z
  .string()
  .min(1)
  .max(512)
  .superRefine((source, ctx) => {
    try {
      compilePattern(source)
    } catch (error) {
      ctx.addIssue({ code: 'custom', message: error instanceof Error ? error.message : 'not a pattern' })
    }
  })
const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day such as 22:30')

/** Scripts a text may be written in, by their Unicode names. */
export const SCRIPTS = [
  'Latin',
  'Cyrillic',
  'Greek',
  'Arabic',
  'Hebrew',
  'Han',
  'Hiragana',
  'Katakana',
  'Hangul',
  'Devanagari',
  'Thai',
] as const

/** All given conditions must hold; inside a list any entry may. Every check is linear in the text. */
export const conditionSchema = z.strictObject({
  network: z
    .array(z.enum(['discord', 'telegram', 'p2p', 'web']))
    .min(1)
    .optional(),
  /** Any of these occurs in the text, without regard to case. */
  textContains: needles.optional(),
  /** The text begins with any of these, without regard to case. */
  startsWith: needles.optional(),
  /** A link to any of these domains or their subdomains occurs. */
  linkDomain: needles.optional(),
  /** Author keys such as `telegram:12345`. */
  author: needles.optional(),
  senderClass: z
    .array(z.enum(['verified', 'hosted', 'claimed']))
    .min(1)
    .optional(),
  isBot: z.boolean().optional(),
  /** Any of these occurs in the author's name, without regard to case. */
  authorName: needles.optional(),
  /** The author has any of these roles: ids of Discord roles, `admin`, `moderator`. */
  role: needles.optional(),
  /** The text matches (RE2 syntax, without regard to case). */
  textMatches: pattern.optional(),
  /** The author's name matches. */
  nameMatches: pattern.optional(),
  /** Characters of the text, both ends included. */
  minLength: z.int().min(0).optional(),
  maxLength: z.int().min(0).optional(),
  /** Most letters of the text are of one of these scripts. */
  script: z.array(z.enum(SCRIPTS)).min(1).optional(),
  /** There is a link at all. */
  hasLink: z.boolean().optional(),
  /** There is an invitation to a Discord server, or to a Telegram group or channel. */
  hasInvite: z.boolean().optional(),
  /** A file of any of these kinds. */
  attachment: z
    .array(z.enum(['image', 'video', 'audio', 'voice', 'video-note', 'animation', 'sticker', 'file']))
    .min(1)
    .optional(),
  /** A file whose type begins with any of these, such as `image/` or `application/zip`. */
  attachmentType: needles.optional(),
  /** Bytes of the largest file, and number of files, at least. */
  minAttachmentBytes: z.int().min(0).optional(),
  minAttachments: z.int().min(1).max(100).optional(),
  /** Time of day the message was written; `from` may be later than `to`. */
  hours: z
    .strictObject({
      from: clockTime,
      to: clockTime,
      zone: z.string().max(64).refine(isZone, 'a time zone such as Europe/Berlin').optional(),
    })
    .optional(),
})

function isZone(zone: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: zone })
    return true
  } catch {
    return false
  }
}

const name = z.string().regex(NAME, '1 to 32 lower-case letters, digits or -')

/** One rule of the first rule set; the first rule whose condition holds decides. */
export const ruleSchema = z
  .strictObject({
    name,
    when: conditionSchema.default({}),
    action: z.enum(['ignore', 'prefix', 'route']),
    text: z.string().min(1).max(100).optional(),
    routes: z.array(name).min(1).optional(),
  })
  .refine((r) => r.action !== 'prefix' || r.text !== undefined, { message: 'a prefix rule needs text', path: ['text'] })
  .refine((r) => r.action !== 'route' || r.routes !== undefined, { message: 'a route rule needs routes', path: ['routes'] })

export type Condition = Readonly<z.input<typeof conditionSchema>>

export interface Rule {
  readonly name: string
  readonly when: Condition
  readonly action: 'ignore' | 'prefix' | 'route'
  /** For `prefix`: what stands before the message. */
  readonly text?: string | undefined
  /** For `route`: only these routes take the message. */
  readonly routes?: readonly string[] | undefined
}
