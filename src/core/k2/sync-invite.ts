import { z } from 'zod'
import { utf8 } from '../../base/bytes.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { decodeDocTicket } from '../docs/proto/doc-ticket.ts'
import type { PeerId } from '../ids.ts'
import type { CallOptions, Connection } from '../net/transport.ts'
import { k2Error } from './errors.ts'
import { readJsonObject } from './json-reader.ts'
import { acceptOne, closedWithin, readToEnd } from './one-shot.ts'

/** Name of the protocol on the wire (k2-application 5.7). */
export const INVITE_ALPN = 'k2/sync-invite/1'

/** Longest request the reference reads. */
export const MAX_INVITE_BYTES = 1_024
const JSON_LIMITS = { maxBytes: MAX_INVITE_BYTES, maxDepth: 3, maxValues: 50, maxStringBytes: MAX_INVITE_BYTES }
const DELIVER_MS = 5_000
const ANSWER_MS = 10_000
/** How long an acceptor keeps the connection after its answer. */
const LINGER_MS = 500

export type InviteRequest =
  | {
      readonly kind: 'invitation'
      readonly folderId: string
      readonly folderName: string /** Text of a document ticket. */
      readonly ticket: string
    }
  | { readonly kind: 'query'; readonly folderId: string }

/** What a node knows of a folder somebody asks about. */
export type InviteStatus = 'accepted' | 'pending' | 'left' | 'unknown'

const STATUS_BYTES: Readonly<Record<InviteStatus, number>> = { unknown: 1, pending: 2, accepted: 3, left: 4 }

/** The answers to an invitation. 1 means stored here, and "unknown" after a query: the two must be told apart by the request. */
const STORED = 1
const NOT_STORED = 0

/** Unknown members are ignored inside an invitation, and nowhere else, as in the reference. */
const Wire = z.union([
  z.strictObject({ Invitation: z.object({ folder_id: z.string(), folder_name: z.string(), ticket: z.string() }) }).transform(
    ({ Invitation: i }): InviteRequest => ({
      kind: 'invitation',
      folderId: i.folder_id,
      folderName: i.folder_name,
      ticket: i.ticket,
    }),
  ),
  z
    .strictObject({ QueryStatus: z.string() })
    .transform(({ QueryStatus }): InviteRequest => ({ kind: 'query', folderId: QueryStatus })),
])

/** Throws `K2_TOO_LARGE` when the reference would not read it: shorten the folder's name. */
export function encodeInviteRequest(request: InviteRequest): Uint8Array {
  const value =
    request.kind === 'query'
      ? { QueryStatus: request.folderId }
      : { Invitation: { folder_id: request.folderId, folder_name: request.folderName, ticket: request.ticket } }
  const bytes = utf8(JSON.stringify(value))
  if (bytes.length > MAX_INVITE_BYTES)
    throw k2Error('K2_TOO_LARGE', `an invitation has at most ${MAX_INVITE_BYTES} bytes: shorten the name of the folder`)
  return bytes
}

/** Throws `K2_TOO_LARGE`, `K2_MALFORMED` or `DOC_BAD_TICKET`. */
export function decodeInviteRequest(bytes: Uint8Array): InviteRequest {
  const request = Wire.safeParse(readJsonObject(bytes, JSON_LIMITS)).data
  if (request === undefined)
    throw k2Error('K2_MALFORMED', 'this is no invitation and no question about one', { reason: 'members' })
  if (request.kind === 'invitation') decodeDocTicket(request.ticket)
  return request
}

/** Sends an invitation over a fresh connection. True: stored there. Rejects when nobody answered (the state is then unknown). */
export async function sendInvitation(
  connection: Connection,
  invitation: Extract<InviteRequest, { kind: 'invitation' }>,
  options: CallOptions = {},
): Promise<boolean> {
  return (await exchange(connection, invitation, options)) === STORED
}

/** Asks what became of an invitation. `unknown` is also what a node says that lost its data; undefined: a byte without meaning. */
export async function queryInvitation(
  connection: Connection,
  folderId: string,
  options: CallOptions = {},
): Promise<InviteStatus | undefined> {
  const byte = await exchange(connection, { kind: 'query', folderId }, options)
  return (Object.keys(STATUS_BYTES) as InviteStatus[]).find((status) => STATUS_BYTES[status] === byte)
}

async function exchange(connection: Connection, request: InviteRequest, options: CallOptions): Promise<number> {
  const limits = { deadlineMs: ANSWER_MS, ...options }
  try {
    const stream = await connection.openBi(limits)
    await stream.send.write(encodeInviteRequest(request), limits)
    await stream.send.finish()
    const answer = await stream.recv.read(1, limits)
    if (answer?.[0] === undefined) throw k2Error('K2_NO_ANSWER', 'the peer refused the request without an answer')
    return answer[0]
  } finally {
    connection.close(0n, '')
  }
}

/** Decides about requests. Invitations: whether they were stored. */
export interface InviteHandler {
  invited(from: PeerId, invitation: Extract<InviteRequest, { kind: 'invitation' }>): Promise<boolean>
  asked(from: PeerId, folderId: string): Promise<InviteStatus>
}

/**
 * Serves one connection; one without a stream is an online check. What is no valid request gets no answer, as at the reference.
 * Rejects `K2_*`, `DOC_BAD_TICKET`, `NET_*` or `TIMEOUT` for the log.
 */
export async function serveInvite(connection: Connection, handler: InviteHandler, clock: Clock = systemClock): Promise<void> {
  try {
    const stream = await acceptOne(connection, DELIVER_MS)
    if (stream === undefined) return
    const bytes = await readToEnd(stream, MAX_INVITE_BYTES, { deadlineMs: DELIVER_MS })
    const request = decodeInviteRequest(bytes)
    const byte =
      request.kind === 'query'
        ? STATUS_BYTES[await handler.asked(connection.peer, request.folderId)]
        : (await handler.invited(connection.peer, request))
          ? STORED
          : NOT_STORED
    await stream.send.write(Uint8Array.of(byte), { deadlineMs: DELIVER_MS })
    await stream.send.finish()
    await closedWithin(connection, LINGER_MS, clock)
  } finally {
    connection.close(0n, '')
  }
}
