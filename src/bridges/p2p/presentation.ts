import { cutGraphemes, sanitizeName, sanitizeText } from '../format/sanitize.ts'
import type { Author, MarketCard, SenderClass } from '../model/message.ts'
import type { Intent } from './intent-book.ts'
import type { PeerMarketMessage } from './port.ts'

const MAX_NAME = 48
const MAX_TITLE = 120
const MAX_FIELD = 80
const MAX_DESCRIPTION = 400
/** Characters of an id that make a name tell two peers apart (k2-application 7.3). */
const ID_CHARACTERS = 8

const KINDS: Readonly<Record<PeerMarketMessage['kind'], { readonly sign: string; readonly word: string }>> = {
  offer: { sign: '🏷', word: 'Offer' },
  interest: { sign: '🤝', word: 'Interest' },
  request: { sign: '🔎', word: 'Wanted' },
}
const SIDES: ReadonlyMap<unknown, string> = new Map([
  ['sell', 'Selling'],
  ['buy', 'Buying'],
  ['exchange', 'Exchanging'],
])

export interface PeerName {
  readonly senderId: string
  readonly senderName?: string | undefined
  readonly senderClass: SenderClass
  readonly hostId?: string | undefined
}

/** The name a contact has with us, which counts only where the sender is proven. */
export type ContactNames = (peerId: string) => string | undefined

const idMark = (id: string): string => sanitizeName(id.slice(0, ID_CHARACTERS), ID_CHARACTERS) || 'unknown'

/** The author as all networks show it: proven names plain, others with the beginning of their id and of their host's. */
export function peerAuthor(peer: PeerName, contactName: ContactNames): Author {
  const { senderId, senderClass } = peer
  return {
    key: `p2p:${senderId}`,
    displayName: peerDisplayName(peer, contactName),
    isBot: false,
    kind: 'peer',
    senderClass,
  }
}

export function peerDisplayName(peer: PeerName, contactName: ContactNames): string {
  const mark = idMark(peer.senderId)
  const claimed = sanitizeName(peer.senderName ?? '', MAX_NAME)
  if (peer.senderClass === 'verified')
    return claimed || sanitizeName(contactName(peer.senderId) ?? '', MAX_NAME) || `Peer ${mark}`
  const name = claimed || 'Peer'
  return peer.hostId === undefined ? `${name} (${mark})` : `${name} (${mark} via ${idMark(peer.hostId)})`
}

/** An intent as a card of plain lines. */
export function marketCard({ message, state }: Intent, contactName: ContactNames): MarketCard {
  const { kind, topic, form, intentKey } = message
  const { sign, word } = KINDS[kind]
  const title =
    oneLine(form.title, MAX_TITLE) || oneLine(form.description, MAX_TITLE) || `${word} from ${idMark(message.senderId)}`
  const head = `${sign} ${word}: ${title}`
  return {
    kind,
    topic,
    title: state === 'expired' ? `⌛ Expired · ${head}` : head,
    lines: cardLines(message, title, contactName),
    intentKey,
  }
}

function cardLines(message: PeerMarketMessage, title: string, contactName: ContactNames): string[] {
  const { kind, form, topic } = message
  const selection = (form.selection ?? {}) as Record<string, unknown>
  const where = oneLine(form.location, MAX_FIELD)
  const facts = [
    [SIDES.get(form.action) ?? '', priceText(form.priceRange)].filter((t) => t !== '').join(' · '),
    [topic, ...['subtopic', 'sub_category', 'category', 'skill'].map((name) => oneLine(selection[name], MAX_FIELD))]
      .filter((t) => t !== '')
      .join(' › '),
    [
      where === '' ? '' : `📍 ${where}`,
      oneLine(form.condition, MAX_FIELD),
      oneLine(form.brand, MAX_FIELD),
      oneLine(form.model, MAX_FIELD),
    ]
      .filter((t) => t !== '' && t !== 'any')
      .join(' · '),
    labelled('Deadline', form.deadline),
    descriptionText(form.description, title),
    kind === 'interest' ? 'Answers an offer of this gateway' : '',
    `From ${peerDisplayName(message, contactName)}${trustText(message.senderClass)}`,
  ]
  return facts.filter((line) => line !== '')
}

const trustText = (senderClass: SenderClass): string => (senderClass === 'verified' ? '' : ' · unverified')

const labelled = (label: string, value: unknown): string => {
  const text = oneLine(value, MAX_FIELD)
  return text === '' ? '' : `${label}: ${text}`
}

function descriptionText(value: unknown, title: string): string {
  const text = oneLine(value, MAX_DESCRIPTION)
  return text === title ? '' : text
}

function oneLine(value: unknown, max: number): string {
  if (typeof value !== 'string') return ''
  return cutGraphemes(sanitizeText(value).replace(/\s+/g, ' ').trim(), max)
}

function priceText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return ''
  const { min, max, currency } = value as { min?: unknown; max?: unknown; currency?: unknown }
  const low = typeof min === 'number' ? number(min) : undefined
  const high = typeof max === 'number' ? number(max) : undefined
  if ((low === undefined || low === '0') && (high === undefined || high === '0')) return ''
  const unit = typeof currency === 'string' ? ` ${currency}` : ''
  if (low === undefined || low === '0') return `up to ${high}${unit}`
  if (high === undefined || high === '0') return `from ${low}${unit}`
  return low === high ? `${low}${unit}` : `${low}–${high}${unit}`
}

/** Grouped by thousands with thin spaces that no platform breaks at; at most two decimals. */
function number(value: number): string {
  const [whole, fraction] = String(Math.round(value * 100) / 100).split('.') as [string, string | undefined]
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, '\u202f')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}
