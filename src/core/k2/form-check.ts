import { utf8 } from '../../base/bytes.ts'
import { k2Error } from './errors.ts'
import { MAX_PRICE, TEXT_MEMBERS } from './form.ts'
import { isJsonObject, type JsonObject, type JsonValue, member } from './json-reader.ts'
import { canonicalJson } from './json-writer.ts'
import { cleanName } from './names.ts'

/** Room for members only gateways read (k2-application 2.4). */
const MAX_GATEWAY_BYTES = 400
const ACTIONS: readonly JsonValue[] = ['buy', 'sell', 'exchange']

/** A form a gateway may publish: complete, and nothing in it that a reference reader fails on. */
export interface SendForm extends JsonObject {
  readonly topic: string
  readonly action: 'buy' | 'sell' | 'exchange'
  readonly title: string
  readonly description: string
  readonly selection: Readonly<Record<string, string>>
  readonly priceRange: { readonly min: number; readonly max: number; readonly currency: string }
  readonly location: string
}

const bad = (where: string, why: string): Error =>
  k2Error('K2_BAD_FORM', `this form cannot be published: ${where} ${why}`, { member: where })

/**
 * Checks a form before it is sent (k2-application 2.4): title, description, action, topic, selection, priceRange and location
 * are there with the right types, and no member can break a reference reader. Throws `K2_BAD_FORM` naming the member.
 */
export function checkSendForm(form: JsonObject, topic: string): SendForm {
  for (const name of TEXT_MEMBERS) {
    const value = member(form, name)
    if (value !== undefined && typeof value !== 'string') throw bad(name, 'must be text')
  }
  for (const name of ['title', 'description', 'location', 'topic'] as const) {
    if (member(form, name) === undefined) throw bad(name, 'is missing')
  }
  if ((member(form, 'title') as string).trim() === '') throw bad('title', 'is empty')
  if (member(form, 'topic') !== topic) throw bad('topic', 'is not the topic it is published on')
  if (!ACTIONS.includes(member(form, 'action') ?? null)) throw bad('action', 'must be buy, sell or exchange')
  checkPrice(member(form, 'priceRange'))
  checkSelection(member(form, 'selection'))
  checkName(member(form, 'sender_name'))
  for (const name of ['match_score', 'price_min', 'price_max']) {
    if (member(form, name) !== undefined) throw bad(name, 'is never sent')
  }
  const extra = member(form, 'x_gateway')
  if (extra !== undefined && utf8(canonicalJson(extra)).length > MAX_GATEWAY_BYTES) {
    throw bad('x_gateway', `is larger than ${MAX_GATEWAY_BYTES} bytes`)
  }
  return form as SendForm
}

function checkPrice(value: JsonValue | undefined): void {
  if (!isJsonObject(value)) throw bad('priceRange', 'is missing')
  const min = member(value, 'min')
  const max = member(value, 'max')
  for (const bound of [min, max]) {
    if (typeof bound !== 'number' || !(bound >= 0 && bound <= MAX_PRICE)) throw bad('priceRange', 'needs bounds from 0 to 10^15')
  }
  if ((min as number) > (max as number)) throw bad('priceRange', 'has its bounds reversed')
  const currency = member(value, 'currency')
  if (typeof currency !== 'string' || !/^[A-Z]{3}$/.test(currency)) throw bad('priceRange', 'needs a three-letter currency')
}

function checkSelection(value: JsonValue | undefined): void {
  if (!isJsonObject(value)) throw bad('selection', 'is missing')
  if (!Object.values(value).every((item) => typeof item === 'string')) throw bad('selection', 'may only hold texts')
}

function checkName(value: JsonValue | undefined): void {
  if (value === undefined) return
  if (typeof value !== 'string' || value === '' || cleanName(value) !== value) {
    throw bad('sender_name', 'must be one visible line of at most 64 characters')
  }
}
