import { compareBytes, utf8 } from '../../base/bytes.ts'
import type { PeerId } from '../ids.ts'
import { idBytes } from '../ids.ts'
import type { PeerAddr } from '../net/transport.ts'
import type { WireReader } from '../wire/reader.ts'
import type { WireWriter } from '../wire/writer.ts'
import { endpointIdOf } from './endpoint-id.ts'
import { keyError } from './errors.ts'
import { compareSocketAddrs, parseSocketAddr, printSocketAddr, type SocketAddr } from './socket-addr.ts'

/** Most addresses of one peer that are read or written; real ones have fewer than 20. */
export const MAX_ADDRESSES = 64
const MAX_RELAY_URL_BYTES = 1024
const MAX_CUSTOM_BYTES = 1024
const INLINE_CUSTOM_BYTES = 30

/** Variants of TransportAddr and its parts (discovery 4.1). */
const RELAY = 0
const IP = 1
const CUSTOM = 2
const INLINE = 0
const V4 = 0

/** A peer with every way to reach it, as tickets carry it. `relays` and `direct` are sorted and without repeats. */
export interface EndpointAddr {
  readonly id: PeerId
  /** Normalised URLs, e.g. `https://relay.example.com./`. */
  readonly relays: readonly string[]
  /** `ip:port` and `[ip6]:port`. */
  readonly direct: readonly string[]
}

/** Normalises, sorts and removes repeats. Throws `KEY_BAD_ADDRESS` for texts that are no URL or address, or too many. */
export function endpointAddr(id: PeerId, relays: readonly string[] = [], direct: readonly string[] = []): EndpointAddr {
  if (relays.length + direct.length > MAX_ADDRESSES) {
    throw keyError('KEY_BAD_ADDRESS', `a peer has at most ${MAX_ADDRESSES} addresses`, { count: relays.length + direct.length })
  }
  const urls = [...new Set(relays.map(parseRelayUrl))].sort((a, b) => compareBytes(utf8(a), utf8(b)))
  const sockets = direct.map(parseSocketAddr).sort(compareSocketAddrs).map(printSocketAddr)
  return { id, relays: urls, direct: [...new Set(sockets)] }
}

/** What the transport can use of it: one relay, as iroh keeps the last of the set (discovery 4.3). */
export function toPeerAddr(addr: EndpointAddr): PeerAddr {
  const relayUrl = addr.relays.at(-1)
  return { id: addr.id, direct: addr.direct, ...(relayUrl !== undefined && { relayUrl }) }
}

export function ofPeerAddr(addr: PeerAddr): EndpointAddr {
  return endpointAddr(addr.id, addr.relayUrl === undefined ? [] : [addr.relayUrl], addr.direct)
}

/** A relay address in normal form: a bare origin gains its slash. Throws `KEY_BAD_ADDRESS`. */
export function parseRelayUrl(text: string): string {
  if (text.length <= MAX_RELAY_URL_BYTES && URL.canParse(text)) {
    const url = new URL(text)
    if (url.protocol === 'https:' || url.protocol === 'http:') return url.href
  }
  throw keyError('KEY_BAD_ADDRESS', 'a relay address is an http or https URL', { length: text.length })
}

/** Writes id and address set in the derived order of Rust: relays, IPv4, IPv6 (discovery 4.1). */
export function writeEndpointAddr(writer: WireWriter, addr: EndpointAddr): void {
  writer.fixed(idBytes(addr.id))
  const sockets = addr.direct.map(parseSocketAddr).sort(compareSocketAddrs)
  const relays = [...addr.relays].sort((a, b) => compareBytes(utf8(a), utf8(b)))
  writer.u32(relays.length + sockets.length)
  for (const url of relays) writer.variant(RELAY).string(url)
  for (const socket of sockets) {
    writer
      .variant(IP)
      .variant(socket.ip.length === 4 ? V4 : 1)
      .fixed(socket.ip)
      .u16(socket.port)
  }
}

/** Reads id and address set in any order; custom addresses are skipped. Throws `WIRE_*`, `KEY_BAD_ID` or `KEY_BAD_ADDRESS`. */
export function readEndpointAddr(reader: WireReader): EndpointAddr {
  const id = endpointIdOf(reader.fixed(32))
  const relays: string[] = []
  const direct: string[] = []
  reader.seq(
    () => {
      const kind = reader.variant(3)
      if (kind === RELAY) relays.push(reader.string(MAX_RELAY_URL_BYTES))
      else if (kind === IP) direct.push(printSocketAddr(readSocketAddr(reader)))
      else if (kind === CUSTOM) skipCustomAddr(reader)
    },
    { max: MAX_ADDRESSES, minItemBytes: 2 },
  )
  return endpointAddr(id, relays, direct)
}

function readSocketAddr(reader: WireReader): SocketAddr {
  const ip = reader.fixed(reader.variant(2) === V4 ? 4 : 16)
  return { ip, port: reader.u16() }
}

function skipCustomAddr(reader: WireReader): void {
  reader.u64()
  if (reader.variant(2) === INLINE) reader.fixed(1 + INLINE_CUSTOM_BYTES)
  else reader.bytes(MAX_CUSTOM_BYTES)
}
