import { utf8 } from '../../base/bytes.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { isK2Error } from '../../base/errors.ts'
import type { PeerId } from '../ids.ts'
import type { CallOptions, Connection } from '../net/transport.ts'
import { k2Error } from './errors.ts'
import { type JsonObject, readJsonObject } from './json-reader.ts'
import { acceptOne, closedWithin, readToEnd } from './one-shot.ts'

/** Name of the protocol on the wire (k2-application 6.2). */
export const DIRECT_ALPN = 'k2/direct-message/1'
export const MAX_DIRECT_BYTES = 65_536
const JSON_LIMITS = { maxBytes: MAX_DIRECT_BYTES, maxDepth: 8, maxValues: 1000, maxStringBytes: MAX_DIRECT_BYTES }
const DELIVER_MS = 10_000
const RECEIPT_MS = 5_000
/** How long the connection stays after a receipt, so that it arrives. */
const LINGER_MS = 1_000
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
}

/**
 * What became of a message: `delivered` (a gateway confirmed it) or `accepted` (a reference node took the stream; whether
 * anybody reads it is unknown).
 */
export type DirectOutcome = 'delivered' | 'accepted'

/** Members in the reference's order. */
export function encodeDirectMessage(message: {
  readonly senderId: PeerId
  readonly senderName: string
  readonly content: string
  readonly sentAt: number
}): Uint8Array {
  const { content, senderName, senderId, sentAt } = message
  const bytes = utf8(JSON.stringify({ content, sender_name: senderName, sender_node_id: senderId, timestamp: sentAt }))
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
  return {
    from,
    senderName: typeof name === 'string' ? name : undefined,
    content,
    sentAt: typeof timestamp === 'number' && Number.isSafeInteger(timestamp) && timestamp >= 0 ? timestamp : undefined,
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
  const limits = { deadlineMs: DELIVER_MS, ...options }
  try {
    const stream = await connection.openBi(limits)
    await stream.send.write(payload, limits)
    await stream.send.finish()
    const answer = await stream.recv
      .read(MAX_RECEIPT_BYTES, { ...limits, deadlineMs: RECEIPT_MS })
      .catch(async (error: unknown) => {
        // A reference node ends its half, or the connection, without a word once it has read everything.
        const end = connection.isClosed ? await connection.closed : undefined
        if (end?.by === 'remote' && end.code === 0n) return null
        if (isK2Error(error) && error.code === 'NET_STREAM_RESET') return null
        throw error
      })
    return answer?.[0] === RECEIPT ? 'delivered' : 'accepted'
  } finally {
    connection.close(0n, '')
  }
}

/**
 * Takes the message of one connection; one without a stream is an online check. The receipt follows when `take` resolved, so
 * that a confirmed message is a kept one. Rejects `K2_TOO_LARGE`, `NET_*` or `TIMEOUT` for the log, and what `take` rejects.
 */
export async function serveDirect(
  connection: Connection,
  take: (message: DirectMessage) => Promise<void>,
  clock: Clock = systemClock,
): Promise<void> {
  try {
    const stream = await acceptOne(connection, DELIVER_MS)
    if (stream === undefined) return
    const bytes = await readToEnd(stream, MAX_DIRECT_BYTES, { deadlineMs: DELIVER_MS })
    await take(decodeDirectMessage(connection.peer, bytes))
    await stream.send.write(Uint8Array.of(RECEIPT), { deadlineMs: DELIVER_MS })
    await stream.send.finish()
    await closedWithin(connection, LINGER_MS, clock)
  } finally {
    connection.close(0n, '')
  }
}
