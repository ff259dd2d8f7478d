import { fromUtf8, toBase32, utf8 } from '../../base/bytes.ts'
import { isK2Error } from '../../base/errors.ts'
import { idBytes, type PeerId } from '../ids.ts'
import { parseEndpointId } from '../keys/endpoint-id.ts'
import { parseSocketAddr, printSocketAddr, type SocketAddr } from '../keys/socket-addr.ts'
import type { PeerAddr } from '../net/transport.ts'
import {
  AUTHORITATIVE,
  CLASS_IN,
  type DnsMessage,
  type DnsName,
  type DnsRecord,
  decodeDns,
  dnsName,
  encodeDns,
  RESPONSE,
  sameName,
  TYPE,
} from './dns-message.ts'
import { lookupError } from './errors.ts'

/** What iroh nodes of this kind ask for (discovery 12). */
const SERVICE = dnsName('_irohv1._udp.local')
const LOCAL = dnsName('local')
/** Rust peers read no more of a packet. */
export const MAX_MDNS_BYTES = 1_472
/**
 * Seconds. swarm-discovery 0.6.5 says 120 and adds the PTR record, so that the browsers of operating systems see the service;
 * older ones say 0 and add none. All of them read both.
 */
const TTL_SECONDS = 120
const MAX_RELAY_BYTES = 249
/** Nodes speak for themselves alone, and checking an id costs 0.2 ms: peers and addresses read of one packet. */
const MAX_PEERS = 4
const MAX_ADDRS = 30

export type MdnsPacket = { readonly type: 'query' } | { readonly type: 'peers'; readonly peers: readonly PeerAddr[] }

/** The question all nodes ask; without the bit that asks for a private answer, which Rust peers do not know. */
export function encodeMdnsQuery(): Uint8Array {
  return encodeDns({ ...EMPTY, questions: [{ name: SERVICE, type: TYPE.PTR, class: CLASS_IN }] })
}

/** Our addresses as an answer; those that do not fit a packet are left out. Undefined without an address. */
export function encodeMdnsResponse({ id, relayUrl, direct }: PeerAddr): Uint8Array | undefined {
  const addrs = direct.map(parseSocketAddr)
  for (let count = addrs.length; count > 0; count--) {
    const bytes = encodeDns(responseOf(id, addrs.slice(0, count), relayUrl))
    if (bytes.length <= MAX_MDNS_BYTES) return bytes
  }
  return undefined
}

const EMPTY: DnsMessage = { id: 0, flags: 0, questions: [], answers: [], authorities: [], additionals: [] }

function responseOf(id: PeerId, addrs: readonly SocketAddr[], relayUrl: string | undefined): DnsMessage {
  const peer = toBase32(idBytes(id))
  const instance: DnsName = [peer, ...SERVICE]
  const target = (port: number): DnsName => [`${peer}-${port}`, ...LOCAL]
  const record = (name: DnsName, data: DnsRecord['data']): DnsRecord => ({ name, class: CLASS_IN, ttl: TTL_SECONDS, data })
  const ports = [...new Set(addrs.map(({ port }) => port))].sort((a, b) => a - b)
  const relay = relayUrl === undefined ? [] : [utf8(`relay=${relayUrl}`)].filter((bytes) => bytes.length <= MAX_RELAY_BYTES + 6)
  return {
    ...EMPTY,
    flags: RESPONSE | AUTHORITATIVE,
    answers: [
      record(SERVICE, { type: 'ptr', target: instance }),
      ...ports.map((port) => record(instance, { type: 'srv', priority: 0, weight: 0, port, target: target(port) })),
      ...(relay.length > 0 ? [record(instance, { type: 'txt', strings: relay })] : []),
    ],
    additionals: ports.flatMap((port) =>
      addrs.filter((addr) => addr.port === port).map(({ ip }) => record(target(port), { type: 'address', ip })),
    ),
  }
}

/**
 * What a packet says about nodes of our kind; undefined when it is about something else, as most on a network are. Throws
 * `LOOKUP_BAD_DNS`. Peers without an address are none.
 */
export function decodeMdns(bytes: Uint8Array): MdnsPacket | undefined {
  if (bytes.length > MAX_MDNS_BYTES) throw lookupError('LOOKUP_BAD_DNS', 'a packet is too long', { size: bytes.length })
  const message = decodeDns(bytes)
  const asks = message.questions.some((q) => q.class === CLASS_IN && q.type === TYPE.PTR && sameName(q.name, SERVICE))
  if (asks) return { type: 'query' }
  const peers = readPeers(message)
  return peers.length === 0 ? undefined : { type: 'peers', peers }
}

interface Service {
  readonly port: number
  readonly target: DnsName
}

interface Found {
  readonly services: Service[]
  relayUrl: string | undefined
}

function readPeers({ answers, additionals }: DnsMessage): PeerAddr[] {
  const found = new Map<PeerId, Found>()
  for (const { name, class: dnsClass, data } of answers) {
    if (dnsClass !== CLASS_IN || !sameName(name.slice(1), SERVICE)) continue
    const id = idOf(name[0] as string)
    if (id === undefined || (!found.has(id) && found.size >= MAX_PEERS)) continue
    const peer: Found = found.get(id) ?? { services: [], relayUrl: undefined }
    found.set(id, peer)
    if (data.type === 'srv') peer.services.push({ port: data.port, target: data.target })
    else if (data.type === 'txt') peer.relayUrl ??= relayOf(data.strings)
  }
  return [...found].flatMap(([id, { services, relayUrl }]) => {
    const direct = addrsOf(services, additionals)
    return direct.length === 0 ? [] : [{ id, direct, ...(relayUrl !== undefined && { relayUrl }) }]
  })
}

function idOf(label: string): PeerId | undefined {
  try {
    return parseEndpointId(label)
  } catch (error) {
    if (!isK2Error(error)) throw error
    return undefined // another program's name for itself
  }
}

function addrsOf(services: readonly Service[], additionals: readonly DnsRecord[]): string[] {
  const direct = new Set<string>()
  for (const { name, class: dnsClass, data } of additionals) {
    if (data.type !== 'address' || dnsClass !== CLASS_IN) continue
    for (const { port, target } of services) {
      if (direct.size < MAX_ADDRS && sameName(name, target)) direct.add(printSocketAddr({ ip: data.ip, port }))
    }
  }
  return [...direct]
}

function relayOf(strings: readonly Uint8Array[]): string | undefined {
  const text = strings.map(fromUtf8).find((string) => string?.startsWith('relay='))
  return text?.slice('relay='.length)
}
