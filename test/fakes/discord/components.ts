import { z } from 'zod'

const Button = z
  .strictObject({
    type: z.literal(2),
    style: z.int().min(1).max(5),
    label: z.string().min(1).max(80).optional(),
    emoji: z.unknown().optional(),
    custom_id: z.string().min(1).max(100).optional(),
    url: z.url().max(512).optional(),
    disabled: z.boolean().optional(),
  })
  .refine((b) => (b.style === 5) === (b.url !== undefined), 'link buttons and only they have a url')
  .refine((b) => (b.style === 5) === (b.custom_id === undefined), 'other buttons need a custom_id')

const Row = z.strictObject({ type: z.literal(1), components: z.array(Button).min(1).max(5) })

/** Rows of buttons under a message, with Discord's limits. */
export const Components = z
  .array(Row)
  .max(5)
  .refine((rows) => {
    const ids = rows.flatMap((r) => r.components.flatMap((b) => b.custom_id ?? []))
    return new Set(ids).size === ids.length
  }, 'custom ids must differ')
export type Components = z.output<typeof Components>

const TextInput = z.strictObject({
  type: z.literal(4),
  custom_id: z.string().min(1).max(100),
  label: z.string().min(1).max(45),
  style: z.int().min(1).max(2),
  min_length: z.int().min(0).max(4000).optional(),
  max_length: z.int().min(1).max(4000).optional(),
  required: z.boolean().default(true),
  value: z.string().max(4000).optional(),
  placeholder: z.string().max(100).optional(),
})

export const Modal = z.strictObject({
  custom_id: z.string().min(1).max(100),
  title: z.string().min(1).max(45),
  components: z
    .array(z.strictObject({ type: z.literal(1), components: z.array(TextInput).length(1) }))
    .min(1)
    .max(5),
})
export type Modal = z.output<typeof Modal>

export const Choices = z
  .array(z.strictObject({ name: z.string().min(1).max(100), value: z.union([z.string().max(100), z.number()]) }))
  .max(25)
