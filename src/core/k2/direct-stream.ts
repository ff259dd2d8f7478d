import { utf8 } from '../../base/bytes.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { isK2Error } from '../../base/errors.ts'
import type { PeerId } from '../ids.ts'
import type { BiStream, CallOptions, Connection } from '../net/transport.ts'
import { k2Error } from './errors.ts'
import { markMember, readMark } from './json-messages.ts'
import { type JsonObject, readJsonObject } from './json-reader.ts'
import type { GatewayMark } from './messages.ts'
import { acceptOne, closedWithin, readToEnd } from './one-shot.ts'

/** Name of the protocol on the wire (k2-application 6.2). */
export const DIRECT_ALPN = 'k2/direct-message/1'
export const MAX_DIRECT_BYTES = 65_536
const JSON_LIMITS = { maxBytes: MAX_DIRECT_BYTES, maxDepth: 8, maxValues: 1000, maxStringBytes: MAX_DIRECT_BYTES }
const DELIVER_MS = 10_000
const RECEIPT_MS = 5_000
/** How long the connection stays after a receipt, so that it arrives; gateways send their next message over it. */
const LINGER_MS = 1_000
const GATEWAY_LINGER_MS = 60_000
const RECEIPT = 1
const MAX_RECEIPT_BYTES = 16

/** A message as it came; who sent it is proven by the connection. */
export interface DirectMessage {
  readonly from: PeerId
  /** As the sender calls itself: a claim. */
  readonly senderName: string | undefined
  readonly content: string
  /** Clock of the sender, ms; undefined when it named none. */
  readonly sentAt: number | undefined
  /** Set by gateways: the same line over gossip carries the same key. */
  readonly mark?: GatewayMark
}

/**
 * What became of a message: `delivered` (a gateway confirmed it) or `accepted` (a reference node took the stream; whether
 * anybody reads it is unknown).
 */
export type DirectOutcome = 'delivered' | 'accepted'

/** Members in the reference's order; a mark, which the reference ignores, comes last. Throws `K2_TOO_LARGE`. */
export function encodeDirectMessage(message: {
  readonly senderId: string
  readonly senderName: string
  readonly content: string
  readonly sentAt: number
  readonly mark?: GatewayMark
}): Uint8Array {
  const { content, senderName, senderId, sentAt, mark } = message
  const members = { content, sender_name: senderName, sender_node_id: senderId, timestamp: sentAt }
  const bytes = utf8(JSON.stringify({ ...members, ...(mark !== undefined && markMember(mark)) }))
  if (bytes.length > MAX_DIRECT_BYTES) throw k2Error('K2_TOO_LARGE', `a direct message has at most ${MAX_DIRECT_BYTES} bytes`)
  return bytes
}

/** Anything that is no JSON object with a string `content` is a text (6.2). Never throws. */
export function decodeDirectMessage(from: PeerId, bytes: Uint8Array): DirectMessage {
  const text = new TextDecoder().decode(bytes)
  const members = objectOf(bytes)
  const content = members?.content
  if (members === undefined || typeof content !== 'string')
    return { from, senderName: undefined, content: text, sentAt: undefined }
  const { sender_name: name, timestamp } = members
  const mark = readMark(members)
  return {
    from,
    senderName: typeof name === 'string' ? name : undefined,
    content,
    sentAt: typeof timestamp === 'number' && Number.isSafeInteger(timestamp) && timestamp >= 0 ? timestamp : undefined,
    ...(mark !== undefined && { mark }),
  }
}

function objectOf(bytes: Uint8Array): JsonObject | undefined {
  try {
    return readJsonObject(bytes, JSON_LIMITS)
  } catch (error) {
    if (isK2Error(error)) return undefined
    throw error
  }
}

/** Sends one message over a fresh connection and waits for its receipt. Rejects when the peer did not take it. */
export async function sendDirect(connection: Connection, payload: Uint8Array, options: CallOptions = {}): Promise<DirectOutcome> {
  try {
    return await exchangeDirect(connection, payload, options)
  } finally {
    connection.close(0n, '')
  }
}

export interface ExchangeOptions extends CallOptions {
  /** Longest wait for the receipt, and for the end of a connection without one, ms. */
  readonly receiptMs?: number
  readonly clock?: Clock
}

/** As `sendDirect`, leaving the connection open: a gateway takes further messages over it, one stream each. */
export async function exchangeDirect(
  connection: Connection,
  payload: Uint8Array,
  { receiptMs = RECEIPT_MS, clock = systemClock, ...options }: ExchangeOptions = {},
): Promise<DirectOutcome> {
  const limits = { deadlineMs: DELIVER_MS, ...options }
  const stream = await connection.openBi(limits)
  await stream.send.write(payload, limits)
  await stream.send.finish()
  const answer = await stream.recv.read(MAX_RECEIPT_BYTES, { ...limits, deadlineMs: receiptMs }).catch(async (error: unknown) => {
    // A reference node ends its half, or the connection, without a word once it has read everything.
    const end = connection.isClosed ? await connection.closed : undefined
    if (end?.by === 'remote' && end.code === 0n) return null
    if (isK2Error(error) && error.code === 'NET_STREAM_RESET') return null
    throw error
  })
  if (answer?.[0] === RECEIPT) return 'delivered'
  await readByReference(connection, receiptMs, clock)
  return 'accepted'
}

/**
 * The reference ends its half before it reads: its silence says nothing yet, and whoever closes the connection then cuts off
 * what is under way. It goes itself once it has read everything, with another code when it could not.
 */
async function readByReference(connection: Connection, ms: number, clock: Clock): Promise<void> {
  await closedWithin(connection, ms, clock)
  if (!connection.isClosed) return
  const { by, code, reason } = await connection.closed
  if (by !== 'remote' || code !== 0n) throw k2Error('K2_UNCONFIRMED', `the peer did not take the message: ${reason || by}`)
}

/**
 * Takes the messages of one connection; one without a stream is an online check. The reference sends one message, gateways
 * several, in order. The receipt follows when `take` resolved, so that a confirmed message is a kept one. Rejects
 * `K2_TOO_LARGE`, `NET_*` or `TIMEOUT` for the log, and what `take` rejects.
 */
export async function serveDirect(connection: Connection, take: (message: DirectMessage) => Promise<void>): Promise<void> {
  let stream = await acceptOne(connection, DELIVER_MS)
  let code = 1n
  try {
    while (stream !== undefined) {
      const bytes = await readToEnd(stream, MAX_DIRECT_BYTES, { deadlineMs: DELIVER_MS })
      const message = decodeDirectMessage(connection.peer, bytes)
      await take(message)
      if (!(await sendReceipt(stream))) break
      stream = await nextWithin(connection, message.mark === undefined ? LINGER_MS : GATEWAY_LINGER_MS)
    }
    code = 0n
  } finally {
    connection.close(code, '')
  }
}

/** False when the peer is gone: it has its message in doubt and sends it again, or never wanted a receipt. */
async function sendReceipt({ send }: BiStream): Promise<boolean> {
  try {
    await send.write(Uint8Array.of(RECEIPT), { deadlineMs: DELIVER_MS })
    await send.finish()
    return true
  } catch (error) {
    if (isK2Error(error)) return false
    throw error
  }
}

/** The next stream, or undefined when none comes in time. */
async function nextWithin(connection: Connection, ms: number): Promise<BiStream | undefined> {
  return await acceptOne(connection, ms).catch((error: unknown) => {
    if (isK2Error(error) && error.code === 'NET_TIMEOUT') return undefined
    throw error
  })
}
