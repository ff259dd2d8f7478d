import { fromBase32, toBase32 } from '../../../base/bytes.ts'
import { isK2Error, K2Error } from '../../../base/errors.ts'
import { type Hash, hashOf, idBytes } from '../../ids.ts'
import { type EndpointAddr, endpointAddr, MAX_ADDRESSES, parseRelayUrl } from '../../keys/address.ts'
import { endpointIdOf } from '../../keys/endpoint-id.ts'
import { compareSocketAddrs, parseSocketAddr, printSocketAddr } from '../../keys/socket-addr.ts'
import { WireReader } from '../../wire/reader.ts'
import { WireWriter } from '../../wire/writer.ts'

const PREFIX = 'blob'
const MAX_TICKET_LENGTH = 16_384
const MAX_RELAY_URL_BYTES = 1024

export type BlobFormat = 'raw' | 'hash-seq'

/** Who has a blob, and which (blobs.md 12). Its layout of addresses is older than that of node tickets. */
export interface BlobTicket {
  readonly addr: EndpointAddr
  readonly format: BlobFormat
  readonly hash: Hash
}

const bad = (message: string, cause?: unknown): K2Error => new K2Error({ code: 'BLOB_BAD_TICKET', kind: 'input', message, cause })

/** The shareable text. Only the first relay is kept, as the format has room for one. */
export function encodeBlobTicket(ticket: BlobTicket): string {
  const w = new WireWriter().u8(0).fixed(idBytes(ticket.addr.id))
  w.option(ticket.addr.relays[0], (url) => w.string(url))
  w.seq(ticket.addr.direct.map(parseSocketAddr).sort(compareSocketAddrs), (socket) =>
    w
      .u8(socket.ip.length === 4 ? 0 : 1)
      .fixed(socket.ip)
      .u16(socket.port),
  )
  w.u8(ticket.format === 'raw' ? 0 : 1).fixed(idBytes(ticket.hash))
  return PREFIX + toBase32(w.finish())
}

/** Throws `BLOB_BAD_TICKET` with the reason; bytes behind the ticket are ignored. */
export function decodeBlobTicket(text: string): BlobTicket {
  if (!text.startsWith(PREFIX)) throw bad(`a blob ticket starts with "${PREFIX}"`)
  if (text.length > MAX_TICKET_LENGTH) throw bad('this blob ticket is too long')
  try {
    const r = new WireReader(fromBase32(text.slice(PREFIX.length)))
    r.variant(1)
    const id = endpointIdOf(r.fixed(32))
    const relay = r.option(() => parseRelayUrl(r.string(MAX_RELAY_URL_BYTES)))
    const direct = r.seq(() => printSocketAddr({ ip: r.fixed(r.variant(2) === 0 ? 4 : 16), port: r.u16() }), {
      max: MAX_ADDRESSES,
      minItemBytes: 6,
    })
    const format = r.variant(2) === 0 ? 'raw' : 'hash-seq'
    return { addr: endpointAddr(id, relay === undefined ? [] : [relay], direct), format, hash: hashOf(r.fixed(32)) }
  } catch (error) {
    if (!isK2Error(error)) throw error
    throw bad(`this blob ticket is damaged or incomplete: ${error.message}`, error)
  }
}
