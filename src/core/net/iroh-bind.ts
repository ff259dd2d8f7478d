import { networkInterfaces } from 'node:os'
import type { Endpoint } from '@number0/iroh/index.js'
import { parseSocketAddr, printSocketAddr } from '../keys/socket-addr.ts'
import type { Iroh } from './iroh-binding.ts'
import { toNumbers } from './iroh-bytes.ts'
import { mapBindError } from './iroh-errors.ts'
import { netError } from './net-errors.ts'

/**
 * How the endpoint finds and is found (discovery 13).
 * - `n0`: relays, publishing and resolving through the n0 services; dialing by bare id works.
 * - `lan`: nothing beyond the sockets. Built on the minimal preset and not on "n0 without relay": that one would still send
 *   the ids we dial to n0's DNS and publish a record without addresses, so nobody could find us by it either.
 * - `loopback`: as `lan`, bound to 127.0.0.1 and ::1 only.
 */
export type IrohMode = 'n0' | 'lan' | 'loopback'

/** How an endpoint reaches others and is reached. */
export interface IrohReach {
  readonly mode: IrohMode
  /** Relay servers of one's own, as normalised URLs, instead of those of the mode (`n0`: n0's, else none). */
  readonly relays?: readonly string[]
}

/** It uses relays, so it is reached everywhere once it knows its own (`waitForRelay`). */
export const hasRelays = ({ mode, relays = [] }: IrohReach): boolean => mode === 'n0' || relays.length > 0

export interface IrohBindOptions extends IrohReach {
  /** 32-byte ed25519 seed. */
  readonly secretKey: Uint8Array
  readonly alpns: readonly string[]
  /**
   * `ip:port` / `[ip6]:port` texts, at most one per family. A family not named is bound to the wildcard address and a port of
   * the system's choice (`loopback`: to the loopback address).
   */
  readonly bind?: readonly string[]
}

/** If set, the native library silently moves to n0's staging services, where no other K2 node is (discovery 13). */
const STAGING_SWITCH = 'IROH_FORCE_STAGING_RELAYS'

/** Binds an endpoint. Rejects `NET_BIND_FAILED`. */
export async function bindEndpoint(iroh: Iroh, options: IrohBindOptions): Promise<Endpoint> {
  if (options.secretKey.length !== 32) throw netError('BIND_FAILED', 'a secret key has 32 bytes')
  const addrs = bindAddrs(options)
  delete process.env[STAGING_SWITCH]
  try {
    // One synchronous block and one use: setters after `bind` abort the process (discovery 17.5).
    const builder = iroh.Endpoint.builder()
    const { mode, relays = [] } = options
    if (mode === 'n0') iroh.presetN0(builder)
    else iroh.presetMinimal(builder)
    // After the preset, whose lookups stay (discovery 13).
    if (relays.length > 0) builder.relayMode(iroh.RelayMode.customFromUrls([...relays]))
    else if (mode !== 'n0') builder.relayMode(iroh.RelayMode.disabled())
    builder.secretKey(toNumbers(options.secretKey))
    builder.alpns(encodeAlpns(options.alpns))
    for (const addr of addrs) builder.bindAddr(addr)
    return await builder.bind()
  } catch (error) {
    throw mapBindError(error, addrs)
  }
}

export function encodeAlpns(alpns: readonly string[]): number[][] {
  return alpns.map((alpn) => [...new TextEncoder().encode(alpn)])
}

/** Checked here because a second address of one family makes the binding abort the process later. */
function bindAddrs(options: IrohBindOptions): string[] {
  const byFamily = new Map<number, string>()
  for (const text of options.bind ?? []) {
    const parsed = parseBindAddr(text)
    if (byFamily.has(parsed.ip.length)) throw netError('BIND_FAILED', 'at most one address per family can be bound')
    byFamily.set(parsed.ip.length, printSocketAddr(parsed))
  }
  if (options.mode === 'loopback') {
    if (!byFamily.has(4)) byFamily.set(4, '127.0.0.1:0')
    if (!byFamily.has(16) && hasLoopback6()) byFamily.set(16, '[::1]:0')
  }
  return [...byFamily.values()]
}

function parseBindAddr(text: string): ReturnType<typeof parseSocketAddr> {
  try {
    return parseSocketAddr(text)
  } catch (cause) {
    throw netError('BIND_FAILED', 'an address to bind is written ip:port or [ip6]:port', { cause })
  }
}

/** Containers without IPv6 have no ::1; asking for it there would fail the whole bind. */
function hasLoopback6(): boolean {
  return Object.values(networkInterfaces()).some((addrs) => addrs?.some((a) => a.family === 'IPv6' && a.address === '::1'))
}
