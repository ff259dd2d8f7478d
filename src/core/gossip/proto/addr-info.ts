import { compareBytes } from '../../../base/bytes.ts'
import { isK2Error } from '../../../base/errors.ts'
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

interface SocketAddr {
  readonly family: 4 | 6
  readonly bytes: Uint8Array
  readonly port: number
}

/** Encodes own addresses: sorted, without duplicates, capped so that the result has at most 400 bytes. Unreadable texts are left out. */
export function encodeAddrInfo(info: AddrInfo): PeerData {
  const seen = new Set<string>()
  const sockets: SocketAddr[] = []
  for (const text of info.direct) {
    const socket = parseSocketAddr(text)
    if (socket === undefined || seen.has(printSocketAddr(socket))) continue
    seen.add(printSocketAddr(socket))
    sockets.push(socket)
  }
  sockets.sort((a, b) => a.family - b.family || compareBytes(a.bytes, b.bytes) || a.port - b.port)
  const relayUrl = info.relayUrl !== undefined && info.relayUrl.length <= RELAY_URL_MAX_BYTES ? info.relayUrl : undefined
  const kept = sockets.slice(0, OWN_DIRECT_MAX)
  for (;;) {
    const w = new WireWriter()
    w.option(relayUrl, (url) => w.string(url))
    w.seq(kept, (s) =>
      w
        .variant(s.family === 4 ? 0 : 1)
        .fixed(s.bytes)
        .u16(s.port),
    )
    if (w.size <= OWN_DATA_MAX_BYTES || kept.length === 0) return w.finish()
    kept.pop()
  }
}

/** Reads a peer's data; at most 64 addresses. Throws `WIRE_*` on malformed input. */
export function decodeAddrInfo(data: PeerData): AddrInfo {
  const r = new WireReader(data)
  const relayUrl = r.option(() => r.string(RELAY_URL_MAX_BYTES))
  const sockets = r.seq(
    (): SocketAddr =>
      r.variant(2) === 0 ? { family: 4, bytes: r.fixed(4), port: r.u16() } : { family: 6, bytes: r.fixed(16), port: r.u16() },
    { minItemBytes: 6 },
  )
  return { relayUrl, direct: sockets.slice(0, DIRECT_READ_MAX).map(printSocketAddr) }
}

/** `1.2.3.4:5` or `[::1]:5`; a zone id is dropped (gossip 14 T-26). Undefined when it is neither. */
export function parseSocketAddr(text: string): SocketAddr | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)(?:%[^\]]*)?\]|([0-9.]+)):(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const port = Number(match[3])
  if (port > 0xffff) return undefined
  const bytes = match[2] === undefined ? parseIpv6(match[1] as string) : parseIpv4(match[2])
  return bytes === undefined ? undefined : { family: bytes.length === 4 ? 4 : 6, bytes, port }
}

export function printSocketAddr({ family, bytes, port }: SocketAddr): string {
  return family === 4 ? `${bytes.join('.')}:${port}` : `[${printIpv6(bytes)}]:${port}`
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || parts.some((p) => !/^\d{1,3}$/.test(p) || Number(p) > 255)) return undefined
  return Uint8Array.from(parts, Number)
}

function parseIpv6(text: string): Uint8Array | undefined {
  let hex = text
  const lastColon = text.lastIndexOf(':')
  if (text.includes('.')) {
    const v4 = parseIpv4(text.slice(lastColon + 1))
    if (v4 === undefined) return undefined
    const [a, b, c, d] = v4 as unknown as [number, number, number, number]
    hex = `${text.slice(0, lastColon + 1)}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  }
  const halves = hex.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half) => (half === '' ? [] : half.split(':'))) as [string[], string[] | undefined]
  const missing = 8 - head.length - (tail?.length ?? 0)
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined
  const groups = tail === undefined ? head : [...head, ...new Array<string>(missing).fill('0'), ...tail]
  if (groups.some((g) => !/^[0-9a-fA-F]{1,4}$/.test(g))) return undefined
  return Uint8Array.from(groups.flatMap((g) => [Number.parseInt(g, 16) >> 8, Number.parseInt(g, 16) & 0xff]))
}

/** RFC 5952: lower case, the longest run of at least two zero groups as `::`. */
function printIpv6(bytes: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2] as number) << 8) | (bytes[i * 2 + 1] as number))
  let best = { at: -1, length: 1 }
  for (let at = 0; at < 8; at++) {
    let length = 0
    while (at + length < 8 && groups[at + length] === 0) length++
    if (length > best.length) best = { at, length }
  }
  const hex = groups.map((g) => g.toString(16))
  if (best.at < 0) return hex.join(':')
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`
}

/** Same as `decodeAddrInfo`, but undecodable data is undefined, as peers' data is only a hint (gossip 5.3). */
export function tryDecodeAddrInfo(data: PeerData): AddrInfo | undefined {
  if (data.length === 0) return undefined
  try {
    return decodeAddrInfo(data)
  } catch (error) {
    if (isK2Error(error)) return undefined
    throw error
  }
}
