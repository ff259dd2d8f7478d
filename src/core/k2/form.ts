import { isJsonObject, type JsonObject, type JsonValue, member } from './json-reader.ts'
import { cleanName } from './names.ts'

export type MarketAction = 'buy' | 'sell' | 'exchange'

/** A price in the main unit of its currency. Bounds are finite, 0 to 10^15, min ≤ max. */
export interface PriceRange {
  readonly min?: number
  readonly max?: number
  /** Three upper-case letters. */
  readonly currency?: string
}

/** Prices above this are nonsense and would break displays. */
export const MAX_PRICE = 1e15

/** Members that must be texts; reference readers throw while rendering when some of them are not (k2-application 2.4). */
export const TEXT_MEMBERS = [
  'topic',
  'title',
  'description',
  'location',
  'condition',
  'brand',
  'model',
  'shippingMethod',
  'fileFormat',
  'resolution',
  'license',
  'duration',
  'deadline',
  'experienceLevel',
  'projectType',
] as const

/** Handled one by one below, or never taken from the wire. */
const SPECIAL_MEMBERS: ReadonlySet<string> = new Set([
  ...TEXT_MEMBERS,
  'action',
  'selection',
  'priceRange',
  'price_min',
  'price_max',
  'warranty',
  'deliverables',
  'sender_name',
  'match_score',
])

/**
 * A peer's form as the rest of the program may use it: members have the types of the specification or are missing, prices are
 * clamped, `match_score` is gone, unknown members stay as they were.
 */
export type MarketForm = JsonObject & {
  readonly topic?: string
  readonly action?: MarketAction
  readonly title?: string
  readonly description?: string
  readonly location?: string
  readonly sender_name?: string
  readonly priceRange?: PriceRange & JsonObject
  readonly selection?: Readonly<Record<string, string>>
}

/** Makes the best of a form from the wire; never fails. */
export function cleanForm(raw: JsonObject): MarketForm {
  const form: Record<string, JsonValue> = {}
  for (const [name, value] of Object.entries(raw)) if (!SPECIAL_MEMBERS.has(name)) form[name] = value
  for (const name of TEXT_MEMBERS) {
    const value = member(raw, name)
    if (typeof value === 'string') form[name] = value
  }
  const action = readAction(member(raw, 'action'))
  if (action !== undefined) form.action = action
  const name = member(raw, 'sender_name')
  const clean = typeof name === 'string' ? cleanName(name) : ''
  if (clean !== '') form.sender_name = clean
  if (typeof member(raw, 'warranty') === 'boolean') form.warranty = member(raw, 'warranty') as boolean
  const deliverables = member(raw, 'deliverables')
  if (Array.isArray(deliverables)) form.deliverables = deliverables.filter((item) => typeof item === 'string')
  const selection = readSelection(member(raw, 'selection'))
  if (selection !== undefined) form.selection = selection
  const price = readPrice(raw)
  if (price !== undefined) form.priceRange = price as JsonObject
  return form as MarketForm
}

function readAction(value: unknown): MarketAction | undefined {
  const action = typeof value === 'string' ? value.toLowerCase() : ''
  return action === 'buy' || action === 'sell' || action === 'exchange' ? action : undefined
}

function readSelection(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isJsonObject(value)) return undefined
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}

/** The legacy aliases count only where `priceRange` lacks the bound. */
function readPrice(raw: JsonObject): PriceRange | undefined {
  const range = member(raw, 'priceRange')
  const given = isJsonObject(range) ? range : {}
  let min = readBound(member(given, 'min')) ?? readBound(member(raw, 'price_min'))
  let max = readBound(member(given, 'max')) ?? readBound(member(raw, 'price_max'))
  if (min !== undefined && max !== undefined && min > max) [min, max] = [max, min]
  const currency = readCurrency(member(given, 'currency'))
  if (min === undefined && max === undefined) return undefined
  return { ...(min !== undefined && { min }), ...(max !== undefined && { max }), ...(currency !== undefined && { currency }) }
}

function readBound(value: unknown): number | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
  return Math.min(Math.max(value, 0), MAX_PRICE)
}

function readCurrency(value: unknown): string | undefined {
  return typeof value === 'string' && /^[A-Za-z]{3}$/.test(value) ? value.toUpperCase() : undefined
}
