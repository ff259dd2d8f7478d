import { z } from 'zod'

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/
/** Longest text in a condition; together with the count it bounds the work per message. */
const MAX_NEEDLE = 200
/** Most alternatives of one condition. */
const MAX_NEEDLES = 100

const needles = z.array(z.string().min(1).max(MAX_NEEDLE)).min(1).max(MAX_NEEDLES)

/** All given conditions must hold; inside a list any entry may. No regular expressions: every check is linear in the text. */
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
})

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
