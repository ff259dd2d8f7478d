import { withDeadline } from '../../base/async.ts'
import { concatBytes } from '../../base/bytes.ts'
import type { Clock } from '../../base/clock.ts'
import type { BiStream, CallOptions, Connection } from '../net/transport.ts'
import { k2Error } from './errors.ts'

/** How much one read asks for. */
const READ_BYTES = 64 * 1024

/**
 * Everything up to the peer's end: K2's small protocols have one value per stream, without a length. Rejects `K2_TOO_LARGE`
 * above `maxBytes`, and what the stream rejects.
 */
export async function readToEnd(stream: BiStream, maxBytes: number, options: CallOptions): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let size = 0
  for (;;) {
    const piece = await stream.recv.read(Math.min(READ_BYTES, maxBytes + 1), options)
    if (piece === null) return concatBytes(pieces)
    size += piece.length
    if (size > maxBytes) throw k2Error('K2_TOO_LARGE', `a peer sent more than ${maxBytes} bytes at once`)
    pieces.push(piece)
  }
}

/** The stream the peer opens; undefined when it goes without one, as online checks do. */
export async function acceptOne(connection: Connection, deadlineMs: number): Promise<BiStream | undefined> {
  const stream = connection.acceptBi({ deadlineMs }).catch((error: unknown) => {
    if (connection.isClosed) return undefined
    throw error
  })
  return Promise.race([stream, connection.closed.then(() => undefined)])
}

/** Gives the peer some time to read our last words and close. */
export async function closedWithin(connection: Connection, ms: number, clock: Clock): Promise<void> {
  // Either way it is over now.
  await withDeadline(connection.closed, { ms, what: 'the goodbye', clock }).catch(() => {})
}
