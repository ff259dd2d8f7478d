import { parseRelayUrl } from '../keys/address.ts'
import { parseSocketAddr, printSocketAddr } from '../keys/socket-addr.ts'

/** How far an address reaches: this machine, this cable, this site, everywhere. */
export type AddrScope = 'loopback' | 'link' | 'private' | 'global'

/** Scopes of endpoints that talk to other machines. Link-local addresses need a zone, which means nothing elsewhere. */
export const ROUTABLE: ReadonlySet<AddrScope> = new Set<AddrScope>(['private', 'global'])

/** Scopes of endpoints that stay on this machine. */
export const LOOPBACK_ONLY: ReadonlySet<AddrScope> = new Set<AddrScope>(['loopback'])

/** Normal form and scope of `ip:port` or `[ip6]:port`; undefined for anything nobody can be reached at. */
export function readAddr(text: string): { text: string; scope: AddrScope } | undefined {
  try {
    const addr = parseSocketAddr(text)
    const scope = addr.port === 0 ? undefined : scopeOfIp(addr.ip)
    return scope === undefined ? undefined : { text: printSocketAddr(addr), scope }
  } catch {
    return undefined // addresses are hints from anywhere; the caller goes on with the others
  }
}

/** Relay URL in normal form, or undefined. From strangers only https to a public name or address counts. */
export function readRelayUrl(url: string, fromStranger: boolean): string | undefined {
  try {
    const normal = parseRelayUrl(url)
    return fromStranger && !isPublicHttps(new URL(normal)) ? undefined : normal
  } catch {
    return undefined // as above
  }
}

function isPublicHttps({ protocol, hostname }: URL): boolean {
  if (protocol !== 'https:') return false
  const asAddr = readAddr(`${hostname}:443`)
  if (asAddr !== undefined) return asAddr.scope === 'global'
  return (
    /^[a-z0-9-]+(\.[a-z0-9-]+)+\.?$/i.test(hostname) &&
    !/(^|\.)(localhost|local|internal)\.?$/i.test(hostname) &&
    !/\.\d+\.?$/.test(hostname)
  )
}

function scopeOfIp(ip: Uint8Array): AddrScope | undefined {
  if (ip.length === 4) return scopeOfIpv4(ip)
  if (ip.subarray(0, 10).every((b) => b === 0) && ip[10] === 0xff && ip[11] === 0xff) return scopeOfIpv4(ip.subarray(12))
  return scopeOfIpv6(ip)
}

function scopeOfIpv4(ip: Uint8Array): AddrScope | undefined {
  const [a = 0, b = 0] = ip
  if (a === 0 || a >= 224) return undefined // "this network", multicast, reserved, broadcast
  if (a === 127) return 'loopback'
  if (a === 169 && b === 254) return 'link'
  if (a === 10 || (a === 172 && b >= 16 && b < 32) || (a === 192 && b === 168)) return 'private'
  return a === 100 && b >= 64 && b < 128 ? 'private' : 'global' // 100.64/10: shared space of carriers and overlays
}

function scopeOfIpv6(ip: Uint8Array): AddrScope | undefined {
  const [a = 0, b = 0] = ip
  if (a === 0xff) return undefined // multicast
  if (ip.subarray(0, 15).every((byte) => byte === 0)) return ip[15] === 1 ? 'loopback' : undefined
  if (a === 0xfe && (b & 0xc0) === 0x80) return 'link'
  return (a & 0xfe) === 0xfc ? 'private' : 'global'
}
