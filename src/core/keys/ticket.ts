import { fromBase32, toBase32 } from '../../base/bytes.ts'
import { isK2Error } from '../../base/errors.ts'
import { WireReader } from '../wire/reader.ts'
import { WireWriter } from '../wire/writer.ts'
import { type EndpointAddr, endpointAddr, readEndpointAddr, writeEndpointAddr } from './address.ts'
import { parseEndpointId } from './endpoint-id.ts'
import { keyError } from './errors.ts'

const PREFIX = 'endpoint'
/** 64 addresses with long relay URLs stay far below it. */
const MAX_TICKET_LENGTH = 16_384
/** The only variant there is (discovery 4.2). */
const VARIANT = 0

/** The shareable text of a peer: the word `endpoint` and base32. Equal addresses give equal tickets. */
export function encodeEndpointTicket(addr: EndpointAddr): string {
  const writer = new WireWriter().variant(VARIANT)
  writeEndpointAddr(writer, addr)
  return PREFIX + toBase32(writer.finish())
}

/** Parses a ticket; the part behind the prefix may be of either case. Throws `KEY_BAD_TICKET`, the reason as its cause. */
export function decodeEndpointTicket(text: string): EndpointAddr {
  if (!text.startsWith(PREFIX)) throw keyError('KEY_BAD_TICKET', `a node ticket starts with "${PREFIX}"`)
  if (text.length > MAX_TICKET_LENGTH) throw keyError('KEY_BAD_TICKET', 'this node ticket is too long', { length: text.length })
  try {
    const reader = new WireReader(fromBase32(text.slice(PREFIX.length)))
    reader.variant(VARIANT + 1)
    return readEndpointAddr(reader)
  } catch (error) {
    if (!isK2Error(error)) throw error
    throw keyError('KEY_BAD_TICKET', `this node ticket is damaged or incomplete: ${error.message}`, {}, error)
  }
}

/**
 * Reads a peer as people write it in a configuration: a ticket, a node id, or `node-id@ip:port[,ip:port…]` where an item may
 * also be a relay URL. Throws `KEY_BAD_TICKET`, `KEY_BAD_ID` or `KEY_BAD_ADDRESS`.
 */
export function parsePeer(text: string): EndpointAddr {
  const trimmed = text.trim()
  if (trimmed.startsWith(PREFIX)) return decodeEndpointTicket(trimmed)
  const at = trimmed.indexOf('@')
  if (at < 0) return endpointAddr(parseEndpointId(trimmed))
  const places = trimmed
    .slice(at + 1)
    .split(',')
    .map((place) => place.trim())
  const isUrl = (place: string): boolean => place.includes('://')
  return endpointAddr(
    parseEndpointId(trimmed.slice(0, at)),
    places.filter(isUrl),
    places.filter((place) => !isUrl(place)),
  )
}
