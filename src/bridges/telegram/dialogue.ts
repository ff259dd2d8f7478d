import { concatRich, styled } from '../format/rich-text-ops.ts'
import type { Form } from '../interaction.ts'
import type { RichText } from '../model/rich-text.ts'

type Field = Form['fields'][number]

/** Questions asked one after the other. */
export interface Dialogue {
  readonly title: string
  readonly fields: readonly Field[]
  readonly at: number
  readonly values: Readonly<Record<string, string>>
}

export type Turn =
  | { readonly kind: 'ask'; readonly dialogue: Dialogue }
  | { readonly kind: 'again'; readonly dialogue: Dialogue; readonly why: string }
  | { readonly kind: 'done'; readonly values: Readonly<Record<string, string>> }

/** Ends every question; a reply to a message that ends like this belongs to a dialogue, even to one that is over. */
export const CANCEL_HINT = '/cancel ends this.'

export function openDialogue(title: string, fields: readonly Field[]): Dialogue {
  return { title, fields, at: 0, values: {} }
}

/** The question that is open. */
export function questionOf({ title, fields, at }: Dialogue, why?: string): RichText {
  const field = fields[at] as Field
  const step = fields.length > 1 ? ` (${at + 1}/${fields.length})` : ''
  const example = field.placeholder === undefined || field.placeholder === '' ? '' : `\nFor example: ${field.placeholder}`
  const kept = field.value === undefined || field.value === '' ? '' : `\nNow: ${field.value}`
  const skip = kept !== '' ? '/skip keeps it. ' : field.required ? '' : '/skip leaves it out. '
  return concatRich(
    ...(why === undefined ? [] : [`⚠️ ${why}\n`]),
    styled(`${title}${step}`, { kind: 'bold' }),
    `\n${field.label}`,
    example,
    kept,
    `\n\n${skip}${CANCEL_HINT}`,
  )
}

export function fieldOf({ fields, at }: Dialogue): Field {
  return fields[at] as Field
}

/** Takes an answer, or `undefined` for a skipped question. Pure. */
export function takeAnswer(dialogue: Dialogue, text: string | undefined): Turn {
  const field = fieldOf(dialogue)
  const given = text?.trim() ?? field.value ?? ''
  if (given === '' && field.required) return { kind: 'again', dialogue, why: 'This is needed.' }
  if (field.maxLength !== undefined && given.length > field.maxLength) {
    return { kind: 'again', dialogue, why: `At most ${field.maxLength} characters; this has ${given.length}.` }
  }
  const values = given === '' ? dialogue.values : { ...dialogue.values, [field.name]: given }
  const at = dialogue.at + 1
  return at < dialogue.fields.length ? { kind: 'ask', dialogue: { ...dialogue, at, values } } : { kind: 'done', values }
}
