import { z } from 'zod'
import { parseAmount } from '../match/amount.ts'
import { CONDITIONS, INTENTS } from '../model.ts'
import { check } from './check.ts'
import type { Path, Report } from './problem.ts'
import { parseTemplate, type Template } from './template.ts'
import { durationSchema, keySchema, listOf } from './values.ts'

const word = (max = 200) => z.string().min(1).max(max)
const names = listOf(word(60), 50)

const SET_SLOTS = {
  item: z.string().min(1).max(120),
  want_item: z.string().min(1).max(120),
  price: z.union([
    z.number().nonnegative().max(1e15),
    z.string().refine((t) => parseAmount(t) !== undefined, 'not an amount such as 400 USD'),
  ]),
  quantity: z.number().positive(),
  condition: z.enum(CONDITIONS),
  place: z.string().min(1).max(80),
  topic: word(60),
} as const
export type SetSlot = keyof typeof SET_SLOTS
const capture = z.strictObject({ from: z.string().regex(/^\$\d$/, 'a group of the pattern, $0 to $9') })
const orCapture = <T extends z.ZodType>(schema: T) => z.union([capture, schema]).optional()
const setSchema = z.strictObject({
  item: orCapture(SET_SLOTS.item),
  want_item: orCapture(SET_SLOTS.want_item),
  price: orCapture(SET_SLOTS.price),
  quantity: orCapture(SET_SLOTS.quantity),
  condition: orCapture(SET_SLOTS.condition),
  place: orCapture(SET_SLOTS.place),
  topic: orCapture(SET_SLOTS.topic),
})

/** Whether a value captured from text may fill a slot; numbers are read from their text. */
export function slotValue(slot: SetSlot, text: string): string | number | undefined {
  const value = slot === 'quantity' ? Number(text) : text.trim()
  const result = (SET_SLOTS[slot] as z.ZodType<string | number>).safeParse(value)
  return result.success ? result.data : undefined
}

const recipient = z
  .string()
  .regex(/^(?:subscribers|owner|(?:user|role|channel):\S.{0,199})$/, 'subscribers, owner, user:<id>, role:<id> or channel:<ref>')

export const ACTIONS = {
  emit: z.strictObject({
    intent: z.enum(INTENTS).exclude(['none']).optional(),
    topic: word(60).optional(),
    set: setSchema.optional(),
    expires: durationSchema.refine((ms) => ms <= 90 * 86_400_000, 'at most 90d').optional(),
    /** Of an intent only this action opens; `draft` unless told. */
    status: z.enum(['draft', 'open']).optional(),
    publish: z.enum(['never', 'ask', 'auto']).default('never'),
  }),
  alert: z.strictObject({
    to: listOf(recipient, 50),
    template: word(60).optional(),
    urgency: z.enum(['instant', 'digest']).default('instant'),
    dedupe: keySchema.optional(),
  }),
  route: z.strictObject({
    to: listOf(word(), 50),
    as: z.enum(['copy', 'card', 'link']).default('copy'),
    drop: z.boolean().default(false),
  }),
  reply: z.strictObject({
    template: word(60),
    visibility: z.enum(['ephemeral', 'thread', 'channel', 'dm']),
    buttons: z
      .array(z.enum(['confirm', 'edit', 'dismiss', 'mute']))
      .max(4)
      .default([]),
  }),
  react: z.strictObject({ emoji: word(60) }),
  ask: z.strictObject({ for: z.enum(['publish', 'price', 'item', 'place', 'topic']), timeout: durationSchema.optional() }),
  job: z.strictObject({
    queue: word(60),
    name: word(60),
    data: z.record(z.string(), z.unknown()).default({}),
    delay: durationSchema.optional(),
    attempts: z.number().int().min(1).max(100).optional(),
    id: word(100).optional(),
  }),
  tag: z.strictObject({
    add: names.default([]),
    remove: names.default([]),
    on: z.enum(['message', 'thread', 'author', 'intent']).default('message'),
    for: durationSchema.optional(),
  }),
  count: z.strictObject({
    name: z.string().regex(/^[a-z][a-z0-9_-]{0,40}$/),
    per: keySchema,
    by: z.number().int().min(1).max(1_000).default(1),
  }),
  ignore: z.strictObject({ reason: word() }),
  notify_admin: z.strictObject({ template: word(60), level: z.enum(['info', 'warn', 'error']).default('warn') }),
} as const

export type ActionKind = keyof typeof ACTIONS
/** One action of a rule: its kind and checked fields. */
export type Action = {
  [K in ActionKind]: { readonly kind: K; readonly fields: z.output<(typeof ACTIONS)[K]>; readonly template?: Template }
}[ActionKind]

/** Checks one entry of `then`; faults go to the report. */
export function compileAction(
  value: unknown,
  templates: ReadonlyMap<string, Template>,
  path: Path,
  report: Report,
): Action | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    report.error(path, 'must be a map with one action', `one of ${Object.keys(ACTIONS).join(', ')}`)
    return undefined
  }
  const keys = Object.keys(value)
  const kind = keys[0]
  if (kind === undefined || keys.length > 1) {
    report.error(path, `has ${keys.length} actions`, 'write each action as an entry of its own')
    return undefined
  }
  if (!Object.hasOwn(ACTIONS, kind)) {
    report.unknown([...path, kind], 'action', kind, Object.keys(ACTIONS), 'key')
    return undefined
  }
  const fields = check(
    ACTIONS[kind as ActionKind] as z.ZodType<Record<string, unknown>>,
    (value as Record<string, unknown>)[kind],
    [...path, kind],
    report,
  )
  if (fields === undefined) return undefined
  const named = fields.template
  if (typeof named !== 'string') return { kind, fields } as unknown as Action
  const template = templates.get(named)
  if (template === undefined) {
    report.unknown([...path, kind, 'template'], 'template', named, templates.keys())
    return undefined
  }
  return { kind, fields, template } as unknown as Action
}

/** Reads the templates of a file; faults go to the report. */
export function compileTemplates(texts: Readonly<Record<string, string>>, report: Report): Map<string, Template> {
  const out = new Map<string, Template>()
  for (const [name, text] of Object.entries(texts)) {
    const { template, faults } = parseTemplate(text)
    for (const fault of faults) {
      if (fault.name === '') report.error(['templates', name], fault.message)
      else
        report.unknown(['templates', name], fault.message.replace(/^unknown (\w+(?: \w+)?) `.*$/, '$1'), fault.name, fault.known)
    }
    out.set(name, template)
  }
  return out
}
