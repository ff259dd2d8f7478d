import { z } from 'zod'
import { TRUST_LEVELS, type TrustLevel } from '../model.ts'

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const DURATION = /^(\d{1,6})(s|m|h|d)$/

/** `30s`, `10m`, `6h`, `2d` in ms; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const found = DURATION.exec(text)
  return found === null ? undefined : Number(found[1]) * (UNIT_MS[found[2] as string] as number)
}

export const durationSchema = z.string().transform((text, ctx) => {
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  ctx.addIssue({ code: 'custom', message: `\`${text.slice(0, 20)}\` is no duration; write 30s, 10m, 6h or 2d` })
  return z.NEVER
})

export interface Comparison {
  readonly op: '>=' | '<=' | '!=' | '==' | '>' | '<'
  readonly value: number
  /** As written, for traces. */
  readonly text: string
}

const COMPARISON = /^(>=|<=|!=|==|>|<|=)?\s*(\S.*)$/

/** `">= 0.8"`, `"< unknown"`, `5`; `read` turns the right side into a number. */
export function parseComparison(value: unknown, read: (text: string) => number | undefined): Comparison | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? { op: '==', value, text: `== ${value}` } : undefined
  if (typeof value !== 'string' || value.length > 60) return undefined
  const found = COMPARISON.exec(value.trim())
  if (found === null) return undefined
  const number = read((found[2] as string).trim())
  const op = found[1] === undefined || found[1] === '=' ? '==' : (found[1] as Comparison['op'])
  return number === undefined ? undefined : { op, value: number, text: `${op} ${(found[2] as string).trim()}` }
}

export function compares(actual: number, c: Comparison): boolean {
  switch (c.op) {
    case '>=':
      return actual >= c.value
    case '<=':
      return actual <= c.value
    case '>':
      return actual > c.value
    case '<':
      return actual < c.value
    case '==':
      return actual === c.value
    case '!=':
      return actual !== c.value
  }
}

const plainNumber = (text: string): number | undefined => (/^-?\d{1,12}(\.\d{1,6})?$/.test(text) ? Number(text) : undefined)
const trustNumber = (text: string): number | undefined => {
  const level = TRUST_LEVELS.indexOf(text as TrustLevel)
  return level < 0 ? undefined : level
}

function comparisonSchema(read: (text: string) => number | undefined, example: string) {
  return z.union([z.string(), z.number()]).transform((value, ctx): Comparison => {
    const comparison = parseComparison(value, read)
    if (comparison !== undefined) return comparison
    ctx.addIssue({ code: 'custom', message: `\`${String(value).slice(0, 30)}\` is no comparison; write for example ${example}` })
    return z.NEVER
  })
}

export const numberComparison = comparisonSchema(plainNumber, '">= 0.8"')
export const trustComparison = comparisonSchema(trustNumber, '">= verified" (blocked < unknown < verified < contact < trusted)')
export const durationComparison = comparisonSchema((t) => parseDuration(t) ?? plainNumber(t), '"> 7d"')

/** One or a list, as a list. */
export const listOf = <T extends z.ZodType>(schema: T, max = 100) =>
  z
    .union([z.array(schema).min(1).max(max), schema])
    .transform((v): readonly z.output<T>[] => (Array.isArray(v) ? v : [v]) as z.output<T>[])

export const KEY_PARTS = ['rule', 'author', 'channel', 'space', 'thread', 'intent', 'item', 'recipient', 'topic'] as const
export type KeyPart = (typeof KEY_PARTS)[number]

/** `author+item` as its parts. */
export const keySchema = z.string().transform((text, ctx): readonly KeyPart[] => {
  const parts = text.split('+').map((p) => p.trim())
  const wrong = parts.find((p) => !KEY_PARTS.includes(p as KeyPart))
  if (wrong === undefined) return [...new Set(parts as KeyPart[])]
  ctx.addIssue({
    code: 'custom',
    message: `unknown key \`${wrong.slice(0, 30)}\`; known: ${KEY_PARTS.join(', ')}, joined with +`,
  })
  return z.NEVER
})
