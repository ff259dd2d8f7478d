import { hashId } from '../../base/ids.ts'
import { sanitizeText } from '../../bridges/format/sanitize.ts'
import type { Notice } from '../../bridges/interaction.ts'
import type { Place } from '../../bridges/model/place.ts'
import { directChannel } from '../../bridges/p2p/inbound.ts'
import type { PeerChatMessage } from '../../bridges/p2p/port.ts'
import { bold, lines, notice } from '../commands/notices.ts'
import { reachOf } from './alerting.ts'
import { intentLine, networkName } from './cards.ts'
import { intentOf, type MarketIntent, type NoticeRow, type Reach, type Talk, type Talker } from './model.ts'
import type { MarketParts } from './parts.ts'
import type { Cause, Step } from './step.ts'

/** Longest text of one message; K2 applications get it whole. */
export const MAX_TALK_TEXT = 2_000
const MAX_ABOUT = 300

/** The same two about the same offer have one conversation. */
export const talkId = (intentId: string, other: string): string => hashId(['talk', intentId, other], 12)

/** Begins the conversation about an offer; again and again it is the same one. */
export function openTalk({ changes, now }: Step, entry: MarketIntent, owner: Talker, other: Talker): Talk {
  const intentId = intentOf(entry).intent_id
  const about = intentLine(intentOf(entry)).slice(0, MAX_ABOUT)
  const talk: Talk = { id: talkId(intentId, other.person), intentId, about, owner, other, openedAt: now }
  changes.talks.set(talk.id, talk)
  return talk
}

/** Who owns an intent, as far as they can be written to. */
export function ownerTalker(parts: MarketParts, entry: MarketIntent): Talker {
  const { owner } = intentOf(entry)
  const { origin } = entry
  if (origin.peer !== undefined) return { person: `p2p:${origin.peer.nodeId}`, name: origin.authorName, reach: null }
  return { person: parts.memory.personOf(owner), name: origin.authorName, reach: reachAt(origin.place, owner) }
}

/** Whoever did something in a place; peers of K2 have their node id. */
export function talkerOf(parts: MarketParts, { origin, author }: Pick<Cause, 'origin' | 'author'>): Talker {
  if (origin.place.network === 'p2p') return { person: author.key, name: origin.authorName, reach: null }
  return { person: parts.memory.personOf(author.key), name: origin.authorName, reach: reachAt(origin.place, author.key) }
}

const reachAt = (place: Place, authorKey: string): Reach => ({ network: place.network, account: place.account, authorKey, place })

/** Which side of a conversation somebody is; undefined for others. */
export function sidesFor(talk: Talk, person: string): { readonly self: Talker; readonly partner: Talker } | undefined {
  if (talk.owner.person === person) return { self: talk.owner, partner: talk.other }
  if (talk.other.person === person) return { self: talk.other, partner: talk.owner }
  return undefined
}

/** A text on its way to the other side: on K2 in the author's name, elsewhere as a notice with a button to answer. */
export function deliverTalk(step: Step, talk: Talk, from: Talker, to: Talker, text: string, key: string): void {
  const { parts, changes, now } = step
  const id = `talk.${talk.id}.${key}`
  const said = text.slice(0, MAX_TALK_TEXT)
  changes.touchedTalks.add(talk.id)
  parts.counters.add('talk_messages_total', { to: to.reach?.network ?? 'p2p' })
  changes.notices.push(to.reach === null ? onK2(step, id, to, from, said) : here(parts, id, talk, from, to, to.reach, said, now))
}

/** Whoever is known on K2 by an id of their own, answers under it. */
function onK2({ publisher, now }: Step, id: string, to: Talker, from: Talker, text: string): NoticeRow {
  const self = from.reach === null ? undefined : publisher.hostedIdOf(from.reach.authorKey)
  const place: Place = { network: 'p2p', account: 'self', channel: directChannel(to.person.slice('p2p:'.length), self) }
  return {
    id,
    kind: 'talk',
    target: [{ kind: 'place', place }],
    via: { network: 'p2p', account: 'self' },
    author: { key: from.reach?.authorKey ?? from.person, displayName: from.name },
    notice: notice(text),
    intentId: null,
    dueAt: now,
  }
}

function here(
  parts: MarketParts,
  id: string,
  talk: Talk,
  from: Talker,
  to: Talker,
  reach: Reach,
  text: string,
  now: number,
): NoticeRow {
  const where = networkName(from.reach?.network ?? 'p2p')
  const write = { id: parts.buttonId('talk-write', talk.id), label: 'Answer', style: 'primary' } as const
  const { target, via } = reachOf(to.person, reach)
  return {
    id,
    kind: 'talk',
    target,
    via,
    notice: notice(lines(bold(`💬 ${from.name} on ${where}`), text, talk.about), { actions: [[write]] }),
    // What was meant for one is not said before others: there they are told that it waits.
    inPublic: waiting(parts, id, from.name),
    intentId: null,
    dueAt: now,
  }
}

function waiting(parts: MarketParts, id: string, from: string): Notice {
  return notice(`💬 ${from} wrote to you about what you offer or look for. Only you can read it.`, {
    actions: [[{ id: parts.buttonId('talk-read', id), label: 'Read', style: 'primary' }]],
  })
}

/** A direct message of a K2 peer reaches whom the peer talks with last; its sender is who the node says. */
export function hearTalk(step: Step, talk: Talk, message: PeerChatMessage): void {
  const peer = `p2p:${message.peerId}`
  const sides = sidesFor(talk, peer)
  const text = sanitizeText(message.text).trim()
  if (sides === undefined || text === '') return
  const name = `${message.senderName ?? sides.self.name}${message.senderClass === 'verified' ? '' : ' (unverified)'}`
  deliverTalk(step, talk, { ...sides.self, name }, sides.partner, text, hashId([message.messageId], 16))
}
