import { type Item, NOTHING_SAID } from '../model.ts'
import type { Tags } from '../slots/tags.ts'
import type { Token } from '../text/model.ts'
import { kindAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { textOf } from './details.ts'

const MAX_TOKENS = 12
const CONNECT = new WordSet([
  'within',
  'by',
  'before',
  'until',
  'till',
  'asap',
  'tomorrow',
  'today',
  'tonight',
  'mañana',
  'hoy',
  'amanhã',
  'hoje',
  'сегодня',
  'завтра',
  'срочно',
  'gấp',
  'because',
  'porque',
  'потому',
  'for',
  'lấy',
  'por',
  'на',
  'in',
  'at',
  'near',
  'from',
  'who',
  'that',
  'with',
  'w',
  'ở',
  'tại',
  'giá',
  'en',
  'em',
  'con',
  'com',
  'в',
  'за',
  'với',
])

/** Item text from token `from`, up to a price, a connector, a comma or the end of the sentence. */
export function readItem(
  tokens: readonly Token[],
  tags: Tags,
  from: number,
  to: number,
  stops: ReadonlySet<number>,
): { item: Item; start: number; end: number } | null {
  let start = from
  while (
    start < to &&
    (kindAt(tokens, start) === 'op' ||
      kindAt(tokens, start) === 'line' ||
      kindAt(tokens, start) === 'emoji' ||
      (filler(tags, start) && !isThing(tags, start)))
  )
    start++
  if (start >= to) return null
  const sentence = tokens[start]?.sentence
  let end = start
  while (end < to && end - start < MAX_TOKENS) {
    const token = tokens[end] as Token
    if (token.sentence !== sentence || token.kind === 'line' || stops.has(end)) break
    if (token.kind === 'op' && token.text !== '/' && token.text !== '-' && token.text !== '+' && token.text !== "'") break
    if (end > start && token.kind === 'word' && CONNECT.has(token)) break
    end++
  }
  if (end === start) return null
  const models: string[] = []
  let head: string | null = null
  let brand: string | null = null
  for (let i = start; i < end; i++) {
    for (const hit of tags.startingAt(i)) {
      const name = hit.name
      if (hit.end > end) continue
      if (name === 'goods' || name === 'trade' || name === 'service_noun') head = textOf(tokens, hit.start, hit.end).slice(0, 60)
      else if (name === 'brand') brand ??= textOf(tokens, hit.start, hit.end)
      else if (name === 'model' && models.length < 8) models.push(textOf(tokens, hit.start, hit.end).replaceAll(' ', ''))
    }
  }
  const span = textOf(tokens, start, end).slice(0, 120)
  return { item: { text: span, head, model_tokens: models.length === 0 ? NOTHING_SAID.list : models, brand }, start, end }
}

const filler = (tags: Tags, i: number): boolean => tags.startingAt(i).some((h) => h.name === 'det' && h.end === i + 1)
const isThing = (tags: Tags, i: number): boolean => tags.startingAt(i).some((h) => h.name === 'goods' || h.name === 'brand')
