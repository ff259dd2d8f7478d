import type { Token } from '../text/model.ts'
import type { Tags } from './tags.ts'

const NEEDS = new Set(
  'need needs needed needing pulled нужно надо осталось остались quedan faltan necesito preciso sobram'.split(' '),
)
const MAX_NEEDED = 200

/** "need about 20", "pulled 5 from …": what is counted was named before. */
export function needsSoMany(tokens: readonly Token[], tags: Tags, at: number, value: number): boolean {
  const i = tags.ends('p_approx', at) ? at - 2 : at - 1
  return value <= MAX_NEEDED && Number.isInteger(value) && NEEDS.has(tokens[i]?.text ?? '')
}
