import { K2Error } from '../../base/errors.ts'
import {
  type BlobTicket,
  decodeBlobTicket,
  encodeBlobTicket,
  joinShare,
  safeFileName,
  splitShare,
} from '../../core/blobs/index.ts'

/** Longest text people may hand in as a ticket, UTF-16 units: the longest ticket and a name before it. */
const MAX_SHARE_TEXT = 20_000

export interface Share {
  /** Safe to use as a file name; undefined when the text was a bare ticket. */
  readonly name: string | undefined
  readonly ticket: BlobTicket
}

/** Reads a blob ticket, or K2's `name|ticket` (k2-application 5.5). Throws `BLOB_BAD_TICKET`. */
export function readShare(text: string): Share {
  if (text.length > MAX_SHARE_TEXT) {
    throw new K2Error({ code: 'BLOB_BAD_TICKET', kind: 'input', message: 'this is too long for a ticket' })
  }
  const { name, ticket } = splitShare(text.trim())
  return { name, ticket: decodeBlobTicket(ticket) }
}

/** The text other people and K2 applications take: `name|ticket` with a name every reader splits alike. */
export function printShare(name: string, ticket: BlobTicket): string {
  return joinShare(name, encodeBlobTicket(ticket))
}

/** Kind and start of a ticket for logs: the whole text would tell addresses and give access (k2-application 7.3). */
export function maskShare(text: string): string {
  const { ticket } = splitShare(text.trim())
  return ticket.length <= 12 ? ticket : `${ticket.slice(0, 12)}…`
}

/** The name of a blob nobody has named. */
export function nameFor(name: string | undefined, hash: string): string {
  return name === undefined ? `${hash.slice(0, 10)}.bin` : safeFileName(name)
}
