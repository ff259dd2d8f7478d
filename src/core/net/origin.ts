import { toHex } from '../../base/bytes.ts'
import { parseSocketAddr } from '../keys/socket-addr.ts'

/** Leading bytes of an IPv6 address that belong to one network: whoever has one address of it has 2^64 of them. */
const NETWORK_BYTES = 8
/** First 12 bytes of an IPv6 address that carries an IPv4 one. */
const MAPPED = '00000000000000000000ffff'

/** Where somebody is, for limits that new keys do not lift: an IPv4 address, or an IPv6 network (/64). Undefined: no `ip:port`. */
export function originOf(addr: string | undefined): string | undefined {
  if (addr === undefined) return undefined
  try {
    const { ip } = parseSocketAddr(addr)
    if (ip.length === 4) return ip.join('.')
    if (toHex(ip.subarray(0, MAPPED.length / 2)) === MAPPED) return ip.subarray(-4).join('.')
    return `${toHex(ip.subarray(0, NETWORK_BYTES))}/64`
  } catch {
    return undefined
  }
}
