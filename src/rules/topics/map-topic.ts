import type { Lexicon } from '../lexicon/compile.ts'
import type { Intent, TopicRef } from '../model.ts'
import type { Hit, Tags } from '../slots/tags.ts'
import type { Token } from '../text/model.ts'
import { textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'

/** Maps by 9.2: services, coins, item nouns (the head wins over modifiers), any noun, channel, `goods`. */
export function mapTopic(
  lexicon: Lexicon,
  tags: Tags,
  tokens: readonly Token[],
  intent: Intent,
  coin: boolean,
  itemFrom: number,
  itemTo: number,
  channel: string | undefined,
): TopicRef | null {
  if (intent === 'none') return null
  const { topicRefs } = lexicon
  if (intent === 'service_wanted' || intent === 'service_offered') return service(lexicon, tags)
  if (coin) return topicRefs.of('crypto', 'coin')
  const inItem = bestIn(tags, tokens, itemFrom, itemTo, tags.lang === 'en' || tags.lang === 'und')
  const flat = (): boolean => namesFlat(tags, tokens)
  if (inItem !== undefined && !inItem.weak && !(AROUND.has(inItem.slug) && flat())) return topicRefs.of(inItem.slug, 'item')
  const anywhere = bestIn(tags, tokens, 0, tokens.length, false)
  if (AROUND.has(anywhere?.slug ?? '') && (flat() || lets(tags, tokens))) return topicRefs.of('real-estate', 'clause')
  if (anywhere !== undefined && !anywhere.weak) return topicRefs.of(anywhere.slug, 'clause')
  if (namesChip(tags, tokens)) return topicRefs.of('computers', 'item')
  if (flat()) return topicRefs.of('real-estate', 'item')
  if (inItem !== undefined) return topicRefs.of(inItem.slug, 'item')
  if (anywhere !== undefined) return topicRefs.of(anywhere.slug, 'clause')
  return channel === undefined ? topicRefs.of('goods', 'default') : topicRefs.of(channel, 'channel')
}

/** Words that often stand beside the thing that is meant: rooms it comes from, boxes it comes in. */
const WEAK = new Set(
  (
    'garage house home room lot kit box boxes bag bags jar jars shelf truck set bundle stuff items item things junk collection box. ' +
    'lote casa cuarto garaje kit caja cajas bolsa garagem quarto vaga cosas coisas juego oficina office ' +
    'дом дома комната гараж коробка вещи nhà phòng kho hàng đồ máy xe hộp thùng'
  ).split(' '),
)

/** Occasions to sell things: the things follow. */
const CLEARING = new Set(
  'sale clearout cleanout clearance out declutter desapego desapegos bazar mudanza mudança liquidación thanh lý'.split(' '),
)

interface Named {
  readonly slug: string
  readonly weak: boolean
}

/** Brands name what they are mostly; nouns beat brands, telling ones beat weak ones; in English the later of adjacent nouns is the head. */
function bestIn(tags: Tags, tokens: readonly Token[], from: number, to: number, lastWins: boolean): Named | undefined {
  let noun: Hit | undefined
  let weak: Hit | undefined
  let brand: Hit | undefined
  for (let i = from; i < to; i++) {
    const goods = tags.at('goods', i)
    if (goods !== undefined && goods.end <= to + 1 && !homograph(tags, tokens, goods)) {
      // "Elden Ring" is no ring.
      if (brand !== undefined && goods.start < brand.end && goods.end <= brand.end && goods.start > brand.start) continue

      if (isWeak(goods, i, tokens)) weak ??= goods
      else if (noun === undefined) noun = goods
      else if (goods.start >= noun.end && lastWins && goods.start - noun.end <= 1) noun = goods
      i = Math.max(i, goods.end - 1)
      continue
    }
    const named = tags.at('brand', i)
    if (named !== undefined && (brand === undefined || named.end - named.start > brand.end - brand.start)) brand = named
  }
  const slug = (
    brand !== undefined &&
    noun !== undefined &&
    brand.end - brand.start > 1 &&
    brand.start < noun.start &&
    noun.start > brand.end + 1
      ? brand
      : (noun ?? brand)
  )?.value
  if (slug !== undefined) return { slug, weak: false }
  return weak?.value === undefined ? undefined : { slug: weak.value, weak: true }
}

const isWeak = (goods: Hit, at: number, tokens: readonly Token[]): boolean => {
  const last = textAt(tokens, goods.end - 1)
  return goods.end - at === 1 ? WEAK.has(last) || CLEARING.has(last) : CLEARING.has(last)
}

/** Graphics cards and processors that people call by their number alone. */
const CHIPS = new WordSet(
  (
    '750 960 970 980 1050 1060 1070 1080 1650 1660 2060 2070 2080 3050 3060 3070 3080 3090 4060 4070 4080 4090 5050 5060 5070 5080 5090 ' +
    '570 580 590 5500 5600 5700 5800 5900 5950 6400 6500 6600 6650 6700 6750 6800 6900 6950 7600 7700 7800 7900 7950 9060 9070 9600 9700 ' +
    '9800 9900 9950 2600 2700 3600 3700 3900 3950 10400 10700 10900 11400 11700 12400 12600 12700 12900 13400 13600 13700 13900 14400 14600 14700 14900'
  ).split(' '),
)
const CHIP_SUFFIX = new WordSet(['ti', 'super', 'xt', 'x', 'xtx', 'k', 'kf', 'f', 'fe', 'gre', 'хт', 'ти', 'non'])

/** Words of one language that are written as things of another are. */
const HOMOGRAPHS = {
  vi: new Set(['tui', 'trong', 'pass', 'cho', 'ban', 'bo', 'ga', 'game']),
  other: new Set([
    'tem',
    'dam',
    'tui',
    'cam',
    'ban',
    'cay',
    'den',
    'son',
    'tranh',
    'dan',
    'do',
    've',
    'tu',
    'may',
    'ao',
    'ta',
    'nem',
    'rua',
    'vet',
    'non',
    'nha',
    'hang',
    'dt',
    'rem',
    'ape',
  ]),
}
const homograph = (tags: Tags, tokens: readonly Token[], goods: Hit): boolean => {
  if (goods.end - goods.start !== 1) return false
  const list = tags.lang === 'vi' ? HOMOGRAPHS.vi : HOMOGRAPHS.other
  return list.has(textAt(tokens, goods.start))
}

/** What stands in an advert for a room beside it: who lives there. */
const AROUND = new Set(['pets', 'music', 'home'])
const ROOMS = new WordSet(
  'room flat house apartment condo bedroom br bhk habitación habitacion piso depa depto cuarto quarto apartamento phòng trọ комнату комната квартиру квартира'.split(
    ' ',
  ),
)
const RENTS = new WordSet(
  'rent renting pcm bills sublet lease landlord deposit tenant tenants utilities alquilo alquiler arriendo renta rento aluguel alugo arrendo сниму сдам сдаю сдаётся сдается аренда thuê cọc'.split(
    ' ',
  ),
)
const lets = (tags: Tags, tokens: readonly Token[]): boolean =>
  tags.any('goods') !== undefined && tokens.some((t) => RENTS.has(t)) && tokens.some((t) => ROOMS.has(t))

const MOST_ROOMS = 6
/** "T1 procura-se", "1br", "2 BHK": flats told by their rooms; "T2" is Portuguese. */
function namesFlat(tags: Tags, tokens: readonly Token[]): boolean {
  const portuguese = tags.lang === 'pt'
  return tokens.some((token, i) => {
    if (token.kind !== 'number' || Number(token.text) > MOST_ROOMS) return false
    const [before, next] = [tokenAt(tokens, i - 1), tokens[i + 1]]
    if (portuguese && token.glued && before?.text === 't' && before.caps === 2 && !before.glued) return true
    return next?.text === 'bhk' || (next?.text === 'br' && next.glued) || (next?.text === 'pn' && tags.lang === 'vi')
  })
}

function namesChip(tags: Tags, tokens: readonly Token[]): boolean {
  return tokens.some((token, i) => {
    if (token.kind !== 'number' || !CHIPS.has(token)) return false
    return tags.at('model', i) !== undefined || CHIP_SUFFIX.has(tokens[i + 1])
  })
}

function service({ topicRefs }: Lexicon, tags: Tags): TopicRef {
  const hit = tags.any('service_topic')
  return topicRefs.service(hit?.value === undefined ? -1 : Number(hit.value))
}
