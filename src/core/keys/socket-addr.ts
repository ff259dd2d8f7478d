import { compareBytes } from '../../base/bytes.ts'
import { keyError } from './errors.ts'

/** An IP address with a port, as bytes in network order. */
export interface SocketAddr {
  /** 4 or 16 bytes. */
  readonly ip: Uint8Array
  readonly port: number
}

const MAX_TEXT = 64

/** Parses `1.2.3.4:5` or `[2001:db8::1]:5`. Zone ids are refused: they mean nothing on another machine. Throws `KEY_BAD_ADDRESS`. */
export function parseSocketAddr(text: string): SocketAddr {
  const match = text.length <= MAX_TEXT ? /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})$/.exec(text) : null
  const port = Number(match?.[3] ?? -1)
  const ip = match?.[1] !== undefined ? parseIpv6(match[1]) : parseIpv4(match?.[2] ?? '')
  if (ip === undefined || !(port >= 0 && port <= 0xffff)) {
    throw keyError('KEY_BAD_ADDRESS', 'an address is written ip:port, or [ip6]:port', { length: text.length })
  }
  return { ip, port }
}

/** The text Rust prints: shortest IPv6 form, mapped IPv4 addresses with dots. */
export function printSocketAddr({ ip, port }: SocketAddr): string {
  return ip.length === 4 ? `${ip.join('.')}:${port}` : `[${printIpv6(ip)}]:${port}`
}

/** All IPv4 before all IPv6, then by address, then by port: the order of Rust's sets. */
export function compareSocketAddrs(a: SocketAddr, b: SocketAddr): number {
  return a.ip.length - b.ip.length || compareBytes(a.ip, b.ip) || a.port - b.port
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)) return undefined
  return Uint8Array.from(parts, Number)
}

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = parseGroups(halves[0] as string)
  const tail = halves[1] === undefined ? [] : parseGroups(halves[1])
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail]
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))
}

function parseGroups(text: string): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const groups: number[] = []
  for (const [i, part] of parts.entries()) {
    if (i === parts.length - 1 && part.includes('.')) {
      const v4 = parseIpv4(part)
      if (v4 === undefined) return undefined
      groups.push(((v4[0] as number) << 8) | (v4[1] as number), ((v4[2] as number) << 8) | (v4[3] as number))
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined
      groups.push(Number.parseInt(part, 16))
    }
  }
  return groups
}

function printIpv6(ip: Uint8Array): string {
  const groups = Array.from({ length: 8 }, (_, i) => ((ip[2 * i] as number) << 8) | (ip[2 * i + 1] as number))
  if (groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xffff) return `::ffff:${ip.subarray(12).join('.')}`
  const { start, length } = longestZeroRun(groups)
  const hex = groups.map((group) => group.toString(16))
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let i = 0; i < groups.length; i++) {
    let end = i
    while (groups[end] === 0) end++
    if (end - i > best.length) best = { start: i, length: end - i }
    i = Math.max(i, end - 1)
  }
  return best
}
