import type { Condition, Slots } from '../model.ts'
import type { Token } from '../text/model.ts'
import type { Tags } from './tags.ts'

const CONDITIONS: readonly (readonly [string, Condition])[] = [
  ['cond_for_parts', 'for_parts'],
  ['cond_refurbished', 'refurbished'],
  ['cond_like_new', 'like_new'],
  ['cond_used', 'used'],
  ['cond_new', 'new'],
]

/** Condition by its words; a tolerance ("cracked is fine") is no condition. */
export function readCondition(tags: Tags): Condition | null {
  let best: { value: Condition; start: number; length: number } | undefined
  for (const hit of tags.hits) {
    const entry = CONDITIONS.find(([name]) => name === hit.name)
    if (entry === undefined) continue
    if (tags.at('cond_ok', hit.end) !== undefined) continue
    if (entry[1] === 'new' && hit.end - hit.start === 1 && elsewhere(tags.tokens, hit.end)) continue
    const length = hit.end - hit.start
    if (best !== undefined && hit.start < best.start + best.length && length <= best.length) continue
    if (best === undefined || (hit.start <= best.start && length > best.length))
      best = { value: entry[1], start: hit.start, length }
  }
  return best?.value ?? null
}

/** Behind a single "new": a part of the thing, its next owner, its price in a shop, a name or a time. */
const NOT_ITS_STATE = new Set(
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

const elsewhere = (tokens: readonly Token[], at: number): boolean => NOT_ITS_STATE.has(tokens[at]?.text ?? '')

export const textOf = (tokens: readonly Token[], start: number, end: number): string =>
  tokens
    .slice(start, end)
    .map((t, i) => (i > 0 && !t.glued ? ` ${t.text}` : t.text))
    .join('')

/** Pickup and shipping words. */
export function readDelivery(tags: Tags): Slots['delivery'] {
  const has = (name: string): boolean => tags.any(name) !== undefined
  return { pickup: has('pickup') ? true : null, ship: has('ship') ? true : null, ship_to: [] }
}

/** Ways to pay, as written; at most ten. */
export function readPayment(tokens: readonly Token[], tags: Tags): string[] {
  const found = new Set<string>()
  for (const hit of tags.hits) if (hit.name === 'pay' && found.size < 10) found.add(textOf(tokens, hit.start, hit.end))
  return [...found]
}
