import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { isK2Error } from '../../base/errors.ts'
import type { PeerId } from '../ids.ts'
import { parseRelayUrl } from '../keys/address.ts'
import { parseSocketAddr, printSocketAddr } from '../keys/socket-addr.ts'
import type { PeerAddr } from '../net/transport.ts'
import { CLASS_IN, type DnsMessage, type DnsName, decodeDns, encodeDns, RESPONSE, sameName } from './dns-message.ts'
import { lookupError } from './errors.ts'
import { z32OfId } from './z32.ts'

/** First label of the records (discovery 10.1). */
const PREFIX = '_iroh'
const TTL_SECONDS = 30
/** Character strings of TXT records. */
const MAX_STRING_BYTES = 255
/** DHT nodes and pkarr take fewer than this. */
const MAX_RECORD_BYTES = 999
/** Addresses read of one record. */
const MAX_ADDRS = 30

/** The DNS message in which a node tells where it is reached: relay and addresses as TXT records (discovery 10.1). */
export function encodeEndpointRecord({ id, relayUrl, direct }: PeerAddr): Uint8Array {
  const texts = [...(relayUrl === undefined ? [] : [`relay=${relayUrl}`]), ...direct.map((addr) => `addr=${addr}`)]
  const name: DnsName = [PREFIX, z32OfId(id)]
  const message = (count: number): Uint8Array =>
    encodeDns({
      id: 0,
      flags: RESPONSE,
      questions: [],
      answers: texts.slice(0, count).map((text) => ({
        name,
        class: CLASS_IN,
        ttl: TTL_SECONDS,
        data: { type: 'txt', strings: [characterString(text)] },
      })),
      authorities: [],
      additionals: [],
    })
  // The best addresses come first; what does not fit is left out.
  for (let count = texts.length; count > 0; count--) {
    const bytes = message(count)
    if (bytes.length <= MAX_RECORD_BYTES) return bytes
  }
  throw lookupError('LOOKUP_TOO_LONG', 'not one address fits a record')
}

function characterString(text: string): Uint8Array {
  const bytes = utf8(text)
  if (bytes.length > MAX_STRING_BYTES) throw lookupError('LOOKUP_TOO_LONG', 'an address is too long for a record')
  return bytes
}

/** Reads the record of one node. Throws `LOOKUP_BAD_DNS` or `LOOKUP_BAD_RECORD`. */
export function decodeEndpointRecord(id: PeerId, bytes: Uint8Array): PeerAddr {
  return readEndpointRecord(id, decodeDns(bytes))
}

function readEndpointRecord(id: PeerId, { answers }: DnsMessage): PeerAddr {
  const zone = z32OfId(id)
  const relays: string[] = []
  const direct = new Set<string>()
  for (const { name, class: dnsClass, data } of answers) {
    // Written in full, or relative to the zone of the key.
    if (!sameName(name, [PREFIX, zone]) && !sameName(name, [PREFIX])) continue
    if (data.type !== 'txt' || dnsClass !== CLASS_IN) continue
    const { key, value } = attribute(data.strings)
    if (key === 'relay') relays.push(...readable(() => parseRelayUrl(value)))
    else if (key === 'addr') for (const addr of readable(() => printSocketAddr(parseSocketAddr(value)))) direct.add(addr)
    // Rust peers take nothing from a set with a key they do not know.
    else if (key !== 'user-data') throw lookupError('LOOKUP_BAD_RECORD', 'an endpoint record has an unknown key')
  }
  const relayUrl = relays[0]
  return { id, direct: [...direct].slice(0, MAX_ADDRS), ...(relayUrl !== undefined && { relayUrl }) }
}

/** `key=value`; what follows a second `=` is lost, as Rust peers lose it. */
function attribute(strings: readonly Uint8Array[]): { readonly key: string; readonly value: string } {
  const text = fromUtf8(Buffer.concat(strings))
  const [key, value] = text?.split('=') ?? []
  if (key === undefined || value === undefined) throw lookupError('LOOKUP_BAD_RECORD', 'an endpoint record has no key and value')
  return { key, value }
}

/** An address nobody can read is as good as none. */
function readable(read: () => string): readonly string[] {
  try {
    return [read()]
  } catch (error) {
    if (!isK2Error(error)) throw error
    return []
  }
}
