import type { TaxonomyFile } from '../lexicon/schema.ts'
import type { TopicRef } from '../model.ts'

const SOURCES = ['coin', 'item', 'clause', 'channel', 'default', 'model'] as const
/** What a topic was taken from. */
export type TopicSource = (typeof SOURCES)[number]

const topicRef = (slug: string, k2_topic: string, selection: TopicRef['selection'], source: string): TopicRef =>
  Object.freeze({ slug, k2_topic, selection: Object.freeze(selection), source })

/** All references to the topics of a taxonomy, each made once: every reading and every open intent has one. */
export class TopicRefs {
  readonly #topics: ReadonlyMap<string, Readonly<Record<TopicSource, TopicRef>>>
  readonly #services: readonly TopicRef[]
  readonly #otherGoods = topicRef('goods', 'Goods', { subtopic: 'Other' }, 'default')
  readonly #otherService = topicRef('services', 'Freelance Job', { category: 'Other', skill: '' }, 'service')

  constructor({ topics, services }: TaxonomyFile) {
    this.#topics = new Map(
      topics.map(({ slug, k2_topic, subtopic }) => {
        const refs = SOURCES.map((source) => [source, topicRef(slug, k2_topic, { subtopic }, source)])
        return [slug, Object.fromEntries(refs) as Record<TopicSource, TopicRef>]
      }),
    )
    this.#services = services.map(({ category, skill }) => topicRef('services', 'Freelance Job', { category, skill }, 'service'))
  }

  /** Undefined for a topic the taxonomy does not have. */
  find(slug: string, source: TopicSource): TopicRef | undefined {
    return this.#topics.get(slug)?.[source]
  }
  /** Other goods for a topic the taxonomy does not have. */
  of(slug: string, source: TopicSource): TopicRef {
    return this.find(slug, source) ?? this.#otherGoods
  }
  /** A service by its number in the taxonomy; services of no known kind for one it does not have. */
  service(index: number): TopicRef {
    return this.#services[index] ?? this.#otherService
  }
}
