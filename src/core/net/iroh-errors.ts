import type { K2Error } from '../../base/errors.ts'
import { cutPeerText, endpointClosed, netError, netTimeout, streamEnded, streamReset, streamStopped } from './net-errors.ts'
import type { CloseInfo } from './transport.ts'

/** The library's own limit for handshakes, reported when it gives up (discovery 16). */
const HANDSHAKE_TIMEOUT_MS = 30_000

/** Source positions of the build, e.g. ` (/root/…/endpoint.rs:1060:20)`. */
const SOURCE_POSITION = / \([^()\s]*:\d+:\d+\)/g

/**
 * The one useful line of an error of the binding. Its errors have no code of their own: the message holds the text, a chain
 * of causes (the last is the most exact) and a native stack trace, which is cut off.
 */
export function irohText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  const useful = message.split(/\n\s*Stack backtrace:/, 1)[0] ?? ''
  const lines = useful
    .split('\n')
    .map((line) => line.replace(SOURCE_POSITION, '').trim())
    .filter((line) => line !== '' && line !== 'Caused by:')
  return lines.at(-1) ?? ''
}

/** All lines of an error without positions and stack trace: causes of causes decide, e.g. for missing addresses. */
function irohChain(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return (message.split(/\n\s*Stack backtrace:/, 1)[0] ?? '').replace(SOURCE_POSITION, '')
}

/** TLS alerts of a failed handshake, as either side reports them. */
const TLS_NO_PROTOCOL = 120
const TLS_BAD_CERTIFICATE = 48

/** Why a dial failed, as a `NET_*` error. */
export function mapConnectError(error: unknown): K2Error {
  const text = irohText(error)
  const chain = irohChain(error)
  const alert = /^(?:aborted by peer: )?the cryptographic handshake failed: error (\d+)/.exec(text)
  if (alert !== null && Number(alert[1]) === TLS_NO_PROTOCOL) return netError('ALPN', undefined, { cause: text })
  if (alert !== null && Number(alert[1]) === TLS_BAD_CERTIFICATE) return netError('WRONG_PEER', undefined, { cause: text })
  if (chain.includes('Connecting to ourself is not supported')) return netError('SELF')
  if (chain.includes('No addressing information available')) return netError('NO_ADDRESS', text)
  if (text.startsWith('aborted by peer: the server refused')) return netError('REFUSED')
  if (text === 'timed out') return netTimeout('connecting', HANDSHAKE_TIMEOUT_MS)
  if (/^(Endpoint is closed|LocallyClosed|closed$)/i.test(text)) return endpointClosed()
  return netError('FAILED', text)
}

/** Why a stranger's handshake failed. */
export function mapHandshakeError(error: unknown): K2Error {
  return netError('HANDSHAKE_FAILED', irohText(error))
}

/** Errors that concern one stream only; undefined when the text says something else. Patterns are anchored: reasons are peer input. */
export function streamErrorOf(text: string): K2Error | undefined {
  const reset = /^(?:ReadError\()?Reset\((\d+)\)/.exec(text)
  if (reset !== null) return streamReset(BigInt(reset[1] as string))
  const stopped = /^(?:WriteError\()?Stopped\((\d+)\)/.exec(text)
  if (stopped !== null) return streamStopped(BigInt(stopped[1] as string))
  if (/^(?:\w+Error\()?ClosedStream\b/.test(text)) return streamEnded('ended')
  return undefined
}

/** A panic inside the binding: any later synchronous call on that connection would abort the process (discovery 17.5). */
export function isPanic(text: string): boolean {
  return text.includes('Panic in async function') || /\bpanicked\b/.test(text)
}

/** Reads the text of `closed()` and `closeReason()` (discovery 16, "Texts"). */
export function parseCloseText(text: string): CloseInfo {
  const withReason = /^closed by peer: ([\s\S]*) \(code (\d+)\)$/.exec(text)
  if (withReason !== null) {
    return { by: 'remote', code: BigInt(withReason[2] as string), reason: cutPeerText(withReason[1] as string) }
  }
  const bare = /^closed by peer: (\d+)$/.exec(text)
  if (bare !== null) return { by: 'remote', code: BigInt(bare[1] as string), reason: '' }
  if (text === 'closed' || text === 'LocallyClosed') return { by: 'local', reason: '' }
  return { by: 'lost', reason: cutPeerText(text) }
}

/** Why an endpoint could not be bound; `addrs` are the addresses asked for. */
export function mapBindError(error: unknown, addrs: readonly string[]): K2Error {
  const text = irohText(error)
  const inUse = /in use/i.test(text)
  // A port chosen by the system is never the occupied one.
  const suspects = inUse ? addrs.filter((addr) => !addr.endsWith(':0')) : addrs
  const wanted = suspects.length === 0 ? 'the default address' : suspects.join(' or ')
  const hint = inUse ? ' is in use by another process, or still held by an endpoint closed earlier in this one' : `: ${text}`
  return netError('BIND_FAILED', `${wanted}${hint}`, { cause: text, data: { addrs: wanted } })
}
