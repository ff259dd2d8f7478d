import { SLOT } from '../lexicon/slot-words.ts'
import { type Condition, NOTHING_SAID, type Slots } from '../model.ts'
import type { Token } from '../text/model.ts'
import { WordSet } from '../text/word-set.ts'
import type { Tags } from './tags.ts'

const CONDITIONS: ReadonlyMap<string, Condition> = new Map([
  ['cond_for_parts', 'for_parts'],
  ['cond_refurbished', 'refurbished'],
  ['cond_like_new', 'like_new'],
  ['cond_used', 'used'],
  ['cond_new', 'new'],
])

/** Condition by its words; a tolerance ("cracked is fine") is no condition. */
export function readCondition(tags: Tags): Condition | null {
  if (!tags.speaksOf(SLOT.condition)) return null
  let value: Condition | null = null
  let start = 0
  let length = 0
  for (const hit of tags.hits) {
    const condition = CONDITIONS.get(hit.name)
    if (condition === undefined || tags.at('cond_ok', hit.end) !== undefined) continue
    const size = hit.end - hit.start
    if (condition === 'new' && size === 1 && elsewhere(tags.tokens, hit.end)) continue
    if (value !== null && hit.start < start + length && size <= length) continue
    if (value === null || (hit.start <= start && size > length)) {
      value = condition
      start = hit.start
      length = size
    }
  }
  return value
}

/** Behind a single "new": a part of the thing, its next owner, its price in a shop, a name or a time. */
const NOT_ITS_STATE = new WordSet(
  (
    'home homes owner owners client clients student students customer customers member members people coop desk year years here they these is ' +
    'was price costs cost chain cassette battery batteries tyres tires tyre tire brakes brake strings screen pads pad job place school baby ' +
    'build belt motor engine clutch cover covers balance york zealand orleans jersey england delhi castle to vegas model models version release ' +
    'season gen at for retail retails msrp rrp start starts position role team bookings commissions ' +
    'hogar dueño dueños dueña casa batería ruedas precio cuesta vale valía cuestan valen año clientes alumnos cadena pantalla temporada ' +
    'lar dono dona bateria pneus custa custam custou preço ano alunos tela corrente temporada ' +
    'стоит стоят стоил стоила стоили стоит хозяин хозяина хозяев хозяйку дом год батарея аккумулятор акб цена ученики клиенты руки владельца ремень экран цепь ' +
    'mua bán về thay lên đổi có lấy ra vào tới nhập tuyển sang chuyển dọn làm hết'
  ).split(' '),
)

const elsewhere = (tokens: readonly Token[], at: number): boolean => NOT_ITS_STATE.has(tokens[at])

/** The words of [start, end) in small letters, with a space where one was. */
export function textOf(tokens: readonly Token[], start: number, end: number): string {
  let text = ''
  for (let i = start; i < end && i < tokens.length; i++) {
    const token = tokens[i] as Token
    text += i > start && !token.glued ? ` ${token.text}` : token.text
  }
  return text
}

/** Pickup and shipping words. */
export function readDelivery(tags: Tags): Slots['delivery'] {
  if (!tags.speaksOf(SLOT.delivery)) return NOTHING_SAID.delivery
  const has = (name: string): boolean => tags.any(name) !== undefined
  return { pickup: has('pickup') ? true : null, ship: has('ship') ? true : null, ship_to: [] }
}

/** Ways to pay, as written; at most ten. */
export function readPayment(tokens: readonly Token[], tags: Tags): readonly string[] {
  if (!tags.speaksOf(SLOT.pay)) return NOTHING_SAID.list
  const found = new Set<string>()
  for (const hit of tags.hits) if (hit.name === 'pay' && found.size < 10) found.add(textOf(tokens, hit.start, hit.end))
  return [...found]
}
