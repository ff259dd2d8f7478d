import type { Cursor } from '../../bridges/cursor.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import type { Place } from '../../bridges/model/place.ts'
import type { BridgeSink } from '../../bridges/port.ts'
import { isDirectPlace } from '../pipeline/direct-route.ts'
import type { Inbox } from './inbox.ts'
import { type DirectService, isEnd, STAFF } from './service.ts'

export interface DirectSinkParts {
  readonly service: DirectService
  readonly inbox: Inbox
  /** Whether a route of the configuration reads the place. */
  readonly isRouted: (place: Place) => boolean
  /** Our own accounts and webhooks. */
  readonly isOwn: (authorKey: string) => boolean
  readonly isBanned: (authorKey: string) => boolean
}

/** Takes out of an account's events what concerns direct conversations themselves; everything else goes on in order. */
export function directSink(account: string, inner: BridgeSink, parts: DirectSinkParts): BridgeSink {
  return {
    async ingest(envelopes: readonly Envelope[], cursors?: readonly Cursor[]): Promise<void> {
      if (!envelopes.some((envelope) => isDirectPlace(envelope.at) || parts.service.at(envelope.at) !== undefined)) {
        return inner.ingest(envelopes, cursors)
      }
      const on: Envelope[] = []
      for (const envelope of envelopes) if (!(await taken(account, envelope, parts))) on.push(envelope)
      await inner.ingest(on, cursors)
    },
  }
}

/** True: it is no message for anybody, or waits for its conversation. */
async function taken(
  account: string,
  envelope: Envelope,
  { service, inbox, isRouted, isOwn, isBanned }: DirectSinkParts,
): Promise<boolean> {
  const { at, author, event } = envelope
  if (isOwn(author.key) || isBanned(author.key) || event.kind === 'typing') return false
  // What came before must arrive before.
  if (inbox.isWaiting(at)) {
    await inbox.take(account, envelope)
    return true
  }
  const conversation = service.at(at)
  if (conversation !== undefined) {
    const isStaff = conversation.kind === 'inbox' && !isDirectPlace(at)
    if (isEnd(envelope)) return service.end(conversation.id, isStaff ? 'staff' : isDirectPlace(at) ? 'person' : 'other')
    if (event.kind === 'message.create') await service.noteActivity(conversation)
    return false
  }
  if (!isDirectPlace(at)) return false
  if (at.network === 'p2p' && event.kind === 'message.create') {
    const peer = at.channel.slice('dm:'.length)
    if (await service.answer(peer, event.body.rich.text)) return true
  }
  if (event.kind !== 'message.create' || author.isBot || isRouted(at) || service.isBlocked(STAFF, author.key)) return false
  if (!inbox.takes(at)) return false
  await inbox.take(account, envelope)
  return true
}
