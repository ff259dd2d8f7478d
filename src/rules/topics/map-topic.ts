import type { Lexicon } from '../lexicon/compile.ts'
import type { Intent, TopicRef } from '../model.ts'
import type { Hit, Tags } from '../slots/tags.ts'
import type { Token } from '../text/model.ts'

type Source = 'service' | 'coin' | 'item' | 'clause' | 'channel' | 'default'

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
  if (intent === 'service_wanted' || intent === 'service_offered') return service(lexicon, tags)
  if (coin) return ref(lexicon, 'crypto', 'coin')
  const inItem = bestIn(tags, itemFrom, itemTo, tags.lang === 'en' || tags.lang === 'und')
  if (inItem !== undefined) return ref(lexicon, inItem, 'item')
  const anywhere = bestIn(tags, 0, tokens.length, false)
  if (anywhere !== undefined) return ref(lexicon, anywhere, 'clause')
  return channel === undefined ? ref(lexicon, 'goods', 'default') : ref(lexicon, channel, 'channel')
}

/** Brands name what they are mostly; nouns beat brands; in English the later of adjacent nouns is the head. */
function bestIn(tags: Tags, from: number, to: number, lastWins: boolean): string | undefined {
  let noun: Hit | undefined
  let brand: Hit | undefined
  for (let i = from; i < to; i++) {
    const goods = tags.at('goods', i)
    if (goods !== undefined && goods.end <= to + 1) {
      if (noun === undefined) noun = goods
      else if (goods.start >= noun.end && lastWins && goods.start - noun.end <= 1) noun = goods
      i = Math.max(i, goods.end - 1)
      continue
    }
    const named = tags.at('brand', i)
    if (named !== undefined && (brand === undefined || named.end - named.start > brand.end - brand.start)) brand = named
  }
  if (
    brand !== undefined &&
    noun !== undefined &&
    brand.end - brand.start > 1 &&
    brand.start < noun.start &&
    noun.start > brand.end + 1
  )
    return brand.value
  return (noun ?? brand)?.value
}

function ref(lexicon: Lexicon, slug: string, source: Source): TopicRef {
  const topic = lexicon.taxonomy.topics.find((t) => t.slug === slug)
  if (topic === undefined) return { slug: 'goods', k2_topic: 'Goods', selection: { subtopic: 'Other' }, source: 'default' }
  return { slug, k2_topic: topic.k2_topic, selection: { subtopic: topic.subtopic }, source }
}

function service(lexicon: Lexicon, tags: Tags): TopicRef {
  const hit = tags.any('service_topic')
  const known = hit?.value === undefined ? undefined : lexicon.taxonomy.services[Number(hit.value)]
  const selection = known === undefined ? { category: 'Other', skill: '' } : { category: known.category, skill: known.skill }
  return { slug: 'services', k2_topic: 'Freelance Job', selection, source: 'service' }
}
