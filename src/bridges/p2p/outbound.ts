import { bodyText } from '../format/fallbacks.ts'
import { excerptOf, plainText } from '../format/plain.ts'
import { sanitizeName, sanitizeRich } from '../format/sanitize.ts'
import type { Author } from '../model/message.ts'
import { plain } from '../model/rich-text.ts'
import type { SendRequest } from '../port.ts'

const DIRECT = 'dm:'
/** Names on the K2 wire have at most 64 characters; the network stands behind them. */
const MAX_NAME = 48
const MAX_EXCERPT = 80
const NETWORK_WORDS: ReadonlyMap<string, string> = new Map([
  ['discord', 'Discord'],
  ['telegram', 'Telegram'],
  ['web', 'web'],
  ['p2p', 'K2'],
])

/** What is to be sent where, as far as K2 can carry it (bridging 6.1). */
export type OutboundPlan =
  | { readonly kind: 'topic'; readonly topic: string; readonly text: string; readonly senderName: string }
  | {
      readonly kind: 'direct'
      readonly peerId: string
      /** The author speaks under an id of their own. */
      readonly hosted: boolean
      readonly text: string
      readonly senderName: string
    }
  /** K2 cannot recall or change anything. */
  | { readonly kind: 'nothing' }

/** What K2 applications fetch a file by, as `name|ticket`, by the id of the attachment. */
export type Shares = ReadonlyMap<string, string>

/** The same plan for every attempt of one delivery, so that receivers recognise a repeated one. */
export function planOutbound(request: SendRequest, shares: Shares = new Map()): OutboundPlan {
  if (request.op === 'delete' || request.body === undefined) return { kind: 'nothing' }
  const text = [timeLine(request), replyLine(request), mainText(request, shares)].filter((line) => line !== '').join('\n')
  if (text === '') return { kind: 'nothing' }
  const senderName = wireName(request.author)
  const { channel } = request.place
  if (!channel.startsWith(DIRECT)) return { kind: 'topic', topic: channel, text, senderName }
  const [peerId = '', self] = channel.slice(DIRECT.length).split('@')
  return { kind: 'direct', peerId, hosted: self !== undefined, text, senderName }
}

/** `Alice (Discord)`: readers see that a bridge speaks for somebody. */
function wireName(author: Author): string {
  const name = sanitizeName(author.displayName, MAX_NAME) || sanitizeName(author.username ?? '', MAX_NAME) || 'somebody'
  const word = NETWORK_WORDS.get(author.key.split(':', 1)[0] as string)
  return word === undefined ? name : `${name} (${word})`
}

function mainText(request: SendRequest, shares: Shares): string {
  const body = bodyText(request.body as NonNullable<SendRequest['body']>, { lineOf: ({ id }) => shares.get(id) })
  const text = plainText(sanitizeRich(body)).trim()
  return request.op === 'edit' && text !== '' ? `✏️ ${text}` : text
}

function replyLine({ reply }: SendRequest): string {
  if (reply === undefined) return ''
  const name = sanitizeName(reply.authorName ?? '', MAX_NAME) || 'somebody'
  const excerpt = reply.excerpt === undefined ? '' : excerptOf(sanitizeRich(plain(reply.excerpt)), MAX_EXCERPT)
  return excerpt === '' ? `> ${name}` : `> ${name}: ${excerpt}`
}

/** For messages that come late: when they were written. */
function timeLine({ showTime, occurredAt }: SendRequest): string {
  return showTime ? `🕒 ${new Date(occurredAt).toISOString().slice(0, 16).replace('T', ' ')} UTC` : ''
}
