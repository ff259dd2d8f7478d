import { isK2Error } from '../../../base/errors.ts'
import { compareSocketAddrs, parseSocketAddr, printSocketAddr, type SocketAddr } from '../../keys/socket-addr.ts'
import { WireReader } from '../../wire/reader.ts'
import { WireWriter } from '../../wire/writer.ts'
import type { PeerData } from './messages.ts'

/** Addresses of a peer as gossip carries them (gossip 5.1): a relay URL and `ip:port` / `[ip6]:port` texts. */
export interface AddrInfo {
  readonly relayUrl: string | undefined
  readonly direct: readonly string[]
}

/** Others copy our data into lists of up to eight entries that must fit one frame (gossip 5.2). */
export const OWN_DATA_MAX_BYTES = 400
export const OWN_DIRECT_MAX = 12
/** Longest relay URL read or written. */
const RELAY_URL_MAX_BYTES = 300
/** Addresses read from a peer's data at most; the rest is ignored. */
const DIRECT_READ_MAX = 64

const V4 = 0
const V6 = 1

/** Encodes own addresses: sorted, without duplicates, capped so that the result has at most 400 bytes. Unreadable texts are left out. */
export function encodeAddrInfo(info: AddrInfo): PeerData {
  const sockets = [...new Set(info.direct.flatMap(normalised))].map(parseSocketAddr).sort(compareSocketAddrs)
  const relayUrl = info.relayUrl !== undefined && info.relayUrl.length <= RELAY_URL_MAX_BYTES ? info.relayUrl : undefined
  for (let count = Math.min(sockets.length, OWN_DIRECT_MAX); ; count--) {
    const w = new WireWriter()
    w.option(relayUrl, (url) => w.string(url))
    w.seq(sockets.slice(0, count), (socket) => writeSocket(w, socket))
    if (w.size <= OWN_DATA_MAX_BYTES || count === 0) return w.finish()
  }
}

/** Reads a peer's data; at most 64 addresses. Throws `WIRE_*` on malformed input. */
export function decodeAddrInfo(data: PeerData): AddrInfo {
  const r = new WireReader(data)
  const relayUrl = r.option(() => r.string(RELAY_URL_MAX_BYTES))
  const sockets = r.seq((): SocketAddr => ({ ip: r.fixed(r.variant(2) === V4 ? 4 : 16), port: r.u16() }), { minItemBytes: 6 })
  return { relayUrl, direct: sockets.slice(0, DIRECT_READ_MAX).map(printSocketAddr) }
}

/** As `decodeAddrInfo`; undefined for empty or undecodable data, as a peer's data is only a hint (gossip 5.3). */
export function tryDecodeAddrInfo(data: PeerData): AddrInfo | undefined {
  if (data.length === 0) return undefined
  try {
    return decodeAddrInfo(data)
  } catch (error) {
    if (isK2Error(error)) return undefined
    throw error
  }
}

function writeSocket(w: WireWriter, socket: SocketAddr): void {
  w.variant(socket.ip.length === 4 ? V4 : V6)
    .fixed(socket.ip)
    .u16(socket.port)
}

/** One canonical text, without zone id (gossip 14 T-26), or nothing. */
function normalised(text: string): string[] {
  try {
    return [printSocketAddr(parseSocketAddr(text.replace(/%[^\]]*\]/, ']')))]
  } catch (error) {
    if (isK2Error(error)) return []
    throw error
  }
}
