import { hashId } from '../../base/ids.ts'
import { attachmentLine, bodyText } from '../format/fallbacks.ts'
import { excerptOf } from '../format/plain.ts'
import { sanitizeName, sanitizeRich, sanitizeText } from '../format/sanitize.ts'
import { bodyFiles } from '../media.ts'
import { eventIdOf } from '../model/event-id.ts'
import type { Attachment, Author, Body, BridgeEvent, Envelope } from '../model/message.ts'
import type { NativeRef } from '../model/place.ts'
import { plain } from '../model/rich-text.ts'
import type { SendRequest } from '../port.ts'
import type { Operation, Prepared } from './commit-queue.ts'
import { type ClientMessage, MAX_NAME, type WirePerson } from './protocol.ts'
import type { WebChatRecord } from './store.ts'

type Prepare = Operation['prepare']
export type PageOperation = Extract<ClientMessage, { type: 'send' | 'edit' | 'delete' }>

const MAX_EXCERPT = 120
const EMPTY_BODY = { rich: plain('') }

/** Public key of a page: the client id itself stays between the page and us. */
export function personKey(client: string): string {
  return `web:${hashId(['web-client', client], 20)}`
}

/** Message text as it is kept; empty when nothing visible is left. */
export function cleanText(text: string): string {
  return sanitizeText(text).trim()
}

/** Neither words nor files. */
export function isEmpty(message: PageOperation): boolean {
  return message.type !== 'delete' && cleanText(message.text) === '' && !(message.type === 'send' && message.files?.length)
}

interface PageContext {
  readonly account: string
  readonly person: WirePerson
  /** Our clock, ms. */
  readonly now: number
  /** Uploads the message brings along; undefined when one it names is not there. */
  readonly files: readonly Attachment[] | undefined
}

/**
 * An operation of a page as a change of its room and an event for the pipeline. Ids come from the person and the page's own
 * operation id, so that a resend is the same operation everywhere.
 */
export function pageOperation(message: PageOperation, context: PageContext): Prepare {
  switch (message.type) {
    case 'send':
      return (find) => prepareSend(message, context, find)
    case 'edit':
      return async (find) => {
        const text = cleanText(message.text)
        return prepareChange(message, context, await find(message.message), (old) => {
          const rich = plain(text)
          const event: BridgeEvent = {
            kind: 'message.edit',
            body: { rich, attachments: old.body.files ?? [] },
            editedAt: context.now,
            revisionKey: operationKey(message.id, context),
          }
          return { record: { ...old, body: { ...old.body, rich }, editedAt: context.now }, event }
        })
      }
    case 'delete':
      return async (find) =>
        prepareChange(message, context, await find(message.message), (old) => ({
          record: { ...old, body: EMPTY_BODY, deletedAt: context.now },
          event: { kind: 'message.delete' },
        }))
  }
}

const operationKey = (id: string, { person }: PageContext): string => hashId([person.key, id], 32)

async function prepareSend(
  message: Extract<PageOperation, { type: 'send' }>,
  context: PageContext,
  find: Parameters<Prepare>[0],
): Promise<Prepared> {
  const { person, now } = context
  const id = operationKey(message.id, context)
  const known = await find(id)
  // Uploads wait for an hour; after that they have to be chosen again.
  if (!known && !context.files && message.files?.length) return { kind: 'refused', code: 'no-upload' }
  const rich = known?.body.rich ?? plain(cleanText(message.text))
  const files = (known ? known.body.files : context.files) ?? []
  const target = message.replyTo === undefined ? undefined : await find(message.replyTo)
  const quote = target && quoteOf(target)
  const record: WebChatRecord = known ?? {
    room: message.room,
    id,
    author: { key: person.key, name: person.name, network: 'web' },
    body: { rich, ...(quote ? { quote } : {}), ...(files.length > 0 ? { files } : {}) },
    ...(target ? { replyTo: target.id } : {}),
    at: now,
  }
  const replyTo = target && {
    ref: refOf(context.account, message.room, target.id),
    ...(quote?.name === undefined ? {} : { authorName: quote.name }),
    ...(quote?.excerpt === undefined ? {} : { excerpt: quote.excerpt }),
  }
  const event: BridgeEvent = {
    kind: 'message.create',
    body: { rich, attachments: files },
    ...(replyTo ? { replyTo } : {}),
  }
  const envelope = envelopeOf(record, event, '', context)
  // Sent before and stored before: the pipeline is told again, because it may have missed it; it knows the event id.
  return known ? { kind: 'known', id, envelope } : { kind: 'change', record, envelope }
}

function prepareChange(
  message: Extract<PageOperation, { type: 'edit' | 'delete' }>,
  context: PageContext,
  old: WebChatRecord | undefined,
  change: (old: WebChatRecord) => { readonly record: WebChatRecord; readonly event: BridgeEvent },
): Prepared {
  if (old && old.author.key !== context.person.key) return { kind: 'refused', code: 'not-yours' }
  // Deleting twice is a resend; editing what is gone is not possible.
  if (!old || (old.deletedAt !== undefined && message.type === 'edit')) return { kind: 'refused', code: 'not-found' }
  const { record, event } = change(old)
  const discriminator = message.type === 'edit' ? operationKey(message.id, context) : ''
  return {
    kind: 'change',
    record: old.deletedAt === undefined ? record : old,
    envelope: envelopeOf(old, event, discriminator, context),
  }
}

function quoteOf(target: WebChatRecord): { name: string; excerpt?: string } {
  const { body } = target
  const excerpt = body.rich.text === '' && body.card ? body.card.title : excerptOf(body.rich, MAX_EXCERPT)
  return excerpt === '' ? { name: target.author.name } : { name: target.author.name, excerpt }
}

function refOf(account: string, channel: string, id: string): NativeRef {
  return { network: 'web', account, channel, id }
}

function envelopeOf(record: WebChatRecord, event: BridgeEvent, discriminator: string, context: PageContext): Envelope {
  const { account, person, now } = context
  const msg = refOf(account, record.room, record.id)
  const author: Author = { key: person.key, displayName: person.name, isBot: false, kind: 'user' }
  return {
    v: 1,
    eventId: eventIdOf(msg, event.kind, discriminator),
    account,
    at: { network: 'web', account, channel: record.room },
    msg,
    author,
    occurredAt: event.kind === 'message.create' ? record.at : now,
    receivedAt: now,
    event,
    via: [],
  }
}

/** Id of a delivered message: the same for every attempt, so that a repeated one changes nothing. */
function deliveredId(idemKey: string): string {
  return hashId(['web-delivery', idemKey], 32)
}

/** A delivery of the pipeline as a change of its room. Files up to `maxFile` bytes can be shown; without it none. */
export function deliveryOperation(request: SendRequest, now: number, maxFile?: number): Prepare {
  const room = request.place.channel
  const target = request.parts[0]?.ref.id
  return async (find) => {
    if (request.op === 'create') {
      const id = target ?? deliveredId(request.idemKey)
      return (await find(id)) ? { kind: 'known', id } : { kind: 'change', record: deliveredRecord(request, room, id, maxFile) }
    }
    const old = target === undefined ? undefined : await find(target)
    if (!old || old.deletedAt !== undefined) return { kind: 'known', id: target ?? '' }
    if (request.op === 'delete') return { kind: 'change', record: { ...old, body: EMPTY_BODY, deletedAt: now } }
    return { kind: 'change', record: { ...old, body: { ...old.body, ...bodyOf(request.body, maxFile) }, editedAt: now } }
  }
}

function deliveredRecord(request: SendRequest, room: string, id: string, maxFile: number | undefined): WebChatRecord {
  const { author, reply, occurredAt } = request
  const quote = {
    ...(reply?.authorName === undefined ? {} : { name: sanitizeName(reply.authorName, MAX_NAME) }),
    ...(reply?.excerpt === undefined ? {} : { excerpt: sanitizeName(reply.excerpt, MAX_EXCERPT) }),
  }
  const here = reply?.ref?.channel === room ? reply.ref.id : undefined
  return {
    room,
    id,
    author: {
      key: author.key,
      name: sanitizeName(author.displayName, MAX_NAME) || 'Unknown user',
      network: networkOf(author.key),
      ...(author.senderClass === undefined ? {} : { senderClass: author.senderClass }),
    },
    body: { ...bodyOf(request.body, maxFile), ...(Object.keys(quote).length > 0 ? { quote } : {}) },
    ...(here === undefined ? {} : { replyTo: here }),
    at: occurredAt,
  }
}

/** The page shows cards and files itself; everything else becomes text. */
function bodyOf(body: Body | undefined, maxFile = -1): Pick<WebChatRecord['body'], 'rich' | 'card' | 'files'> {
  if (!body) return EMPTY_BODY
  const { card, ...rest } = body
  const files = bodyFiles(body).filter((file) => (file.size ?? 0) <= maxFile)
  const lineOf = (file: Attachment): string | undefined => (maxFile < 0 ? undefined : `${attachmentLine(file)} – too large`)
  const rich = sanitizeRich(bodyText(rest, { sentAsFile: (file) => files.includes(file), lineOf }))
  const shown = files.length > 0 ? { rich, files } : { rich }
  if (!card) return shown
  return { ...shown, card: { ...card, title: sanitizeText(card.title), lines: card.lines.map(sanitizeText) } }
}

/** Author keys begin with their network; the gateway's own notices have none and appear as the web chat's. */
function networkOf(key: string): WebChatRecord['author']['network'] {
  const network = key.split(':', 1)[0]
  return network === 'discord' || network === 'telegram' || network === 'p2p' ? network : 'web'
}
