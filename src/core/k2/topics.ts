import { blake3 } from '@noble/hashes/blake3.js'
import { utf8 } from '../../base/bytes.ts'
import { type Hash, hashOf, idBytes, type PeerId, type TopicId, topicIdOf } from '../ids.ts'
import { k2Error } from './errors.ts'

/** The three marketplace topics of the application, byte for byte (k2-application 1.1). */
export const CANONICAL_TOPICS = ['Digital Assets', 'Goods', 'Freelance Job'] as const
export type CanonicalTopic = (typeof CANONICAL_TOPICS)[number]

const MAX_NAME_BYTES = 200
const DM_PREFIX = 'dm:'

/** What people type, folded: lower case, without diacritics, words separated by one space. */
const ALIASES: Readonly<Record<CanonicalTopic, readonly string[]>> = {
  'Digital Assets': [
    'digital assets',
    'digital asset',
    'digitalassets',
    'digital goods',
    'digital product',
    'digital products',
    'digital',
    'assets',
    'tai san so',
    'tai san ky thuat so',
    'tai san dien tu',
    'san pham so',
    'san pham ky thuat so',
    'ky thuat so',
  ],
  Goods: [
    'goods',
    'good',
    'physical goods',
    'products',
    'product',
    'items',
    'item',
    'merchandise',
    'hang hoa',
    'hang',
    'san pham',
    'mat hang',
    'do dung',
    'vat pham',
  ],
  'Freelance Job': [
    'freelance job',
    'freelance jobs',
    'freelancejob',
    'freelance',
    'freelancer',
    'freelancers',
    'freelancing',
    'job',
    'jobs',
    'gig',
    'gigs',
    'services',
    'service',
    'viec lam',
    'viec lam tu do',
    'viec tu do',
    'viec freelance',
    'cong viec',
    'cong viec tu do',
    'lam tu do',
    'dich vu',
  ],
}

const BY_ALIAS: ReadonlyMap<string, CanonicalTopic> = new Map(
  CANONICAL_TOPICS.flatMap((topic) => ALIASES[topic].map((alias): [string, CanonicalTopic] => [alias, topic])),
)

/** Lower case, no diacritics (đ becomes d), every run of other characters one space. */
function fold(text: string): string {
  return text
    .slice(0, MAX_NAME_BYTES)
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/đ/g, 'd')
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

/** The canonical topic a person means, in any case, with or without diacritics, in English or Vietnamese. */
export function canonicalTopic(typed: string): CanonicalTopic | undefined {
  return BY_ALIAS.get(fold(typed))
}

/**
 * A topic name as the node joins it: exactly as configured, because peers hash every byte. Raw chat input goes through
 * `canonicalTopic` first. Throws `K2_BAD_TOPIC` for names that are empty, over 200 bytes, or look like a direct-message topic.
 */
export function checkTopicName(name: string): string {
  const size = utf8(name).length
  if (size === 0 || size > MAX_NAME_BYTES) {
    throw k2Error('K2_BAD_TOPIC', `a topic name has 1 to ${MAX_NAME_BYTES} bytes`, { size })
  }
  if (name.startsWith(DM_PREFIX)) throw k2Error('K2_BAD_TOPIC', 'names that begin with dm: belong to direct messages')
  return name
}

/** BLAKE3 of the name's bytes, without any normalisation. */
export const topicIdOfName = (name: string): TopicId => topicIdOf(blake3(utf8(name)))

/** The string whose hash two nodes share for direct messages: both ids as lower-case hex, sorted (k2-application 1.2). */
export function directTopicName(a: PeerId, b: PeerId): string {
  return a < b ? `${DM_PREFIX}${a}-${b}` : `${DM_PREFIX}${b}-${a}`
}

/** What trackers are asked for: the hash of the topic id, which itself is a hash. */
export const trackerHashOf = (topic: TopicId): Hash => hashOf(blake3(idBytes(topic)))
