import { type ErrorData, errorMessage, isK2Error, K2Error, type K2ErrorInit } from '../../base/errors.ts'
import type { CloseInfo } from './transport.ts'

/** Reasons and messages of peers are cut to this many characters before they reach a log or an error. */
const MAX_PEER_TEXT = 200

type NetReason = 'NO_ADDRESS' | 'SELF' | 'ALPN' | 'WRONG_PEER' | 'REFUSED' | 'FAILED' | 'HANDSHAKE_FAILED' | 'BIND_FAILED'

const REASONS: Record<NetReason, Omit<K2ErrorInit, 'code'>> = {
  NO_ADDRESS: { kind: 'network', retry: 'later', message: 'no address of the peer is known' },
  SELF: { kind: 'input', retry: 'never', message: 'a node does not dial itself' },
  ALPN: { kind: 'network', retry: 'never', message: 'the peer does not speak this protocol' },
  WRONG_PEER: { kind: 'network', retry: 'later', message: 'the address belongs to another peer' },
  REFUSED: { kind: 'network', retry: 'later', message: 'the peer refused the connection' },
  FAILED: { kind: 'network', retry: 'later', message: 'the connection attempt failed' },
  HANDSHAKE_FAILED: { kind: 'network', retry: 'never', message: 'the handshake of an incoming connection failed' },
  BIND_FAILED: { kind: 'config', retry: 'never', message: 'the endpoint could not be bound' },
}

/** A `NET_*` error of a fixed meaning; `detail` (cut) is appended to the message. */
export function netError(reason: NetReason, detail?: string, extra: { cause?: unknown; data?: ErrorData } = {}): K2Error {
  const base = REASONS[reason]
  const message = detail === undefined ? base.message : `${base.message}: ${cutPeerText(detail)}`
  return new K2Error({ ...base, code: `NET_${reason}`, message, ...extra })
}

export function netTimeout(what: string, ms: number): K2Error {
  return new K2Error({
    code: 'NET_TIMEOUT',
    kind: 'timeout',
    retry: 'later',
    message: `${what} took longer than ${ms} ms`,
    data: { ms },
  })
}

/** `NET_CLOSED`: the connection (or the endpoint) is gone. `data.by`, and `data.closeCode` where the peer gave one. */
export function netClosed(info: CloseInfo): K2Error {
  const { by, code, reason } = info
  const tail = reason === '' ? '' : `: ${cutPeerText(reason)}`
  return new K2Error({
    code: 'NET_CLOSED',
    kind: 'closed',
    retry: 'later',
    message: `connection closed (${by}${code === undefined ? '' : `, code ${code}`})${tail}`,
    data: { by, ...(code === undefined ? {} : { closeCode: Number(code) }) },
  })
}

export function endpointClosed(): K2Error {
  return new K2Error({ code: 'NET_CLOSED', kind: 'closed', message: 'the endpoint is closed', data: { by: 'local' } })
}

export function streamReset(code: bigint): K2Error {
  return new K2Error({
    code: 'NET_STREAM_RESET',
    kind: 'network',
    message: `the peer reset the stream with code ${code}`,
    data: { streamCode: Number(code) },
  })
}

export function streamStopped(code: bigint): K2Error {
  return new K2Error({
    code: 'NET_STREAM_STOPPED',
    kind: 'network',
    message: `the peer stopped the stream with code ${code}`,
    data: { streamCode: Number(code) },
  })
}

/** A call after our own `finish`, `reset` or `stop`. */
export function streamEnded(what: string): K2Error {
  return new K2Error({ code: 'NET_STREAM_ENDED', kind: 'bug', message: `the stream was already ${what} on this side` })
}

export function streamBusy(): K2Error {
  return new K2Error({ code: 'NET_STREAM_BUSY', kind: 'bug', message: 'only one read at a time is allowed on a stream' })
}

/** The code of a `NET_STREAM_RESET` or `NET_STREAM_STOPPED` error. */
export function streamCodeOf(error: unknown): bigint | undefined {
  const code = isK2Error(error) ? error.data.streamCode : undefined
  return typeof code === 'number' ? BigInt(code) : undefined
}

export function cutPeerText(text: string): string {
  return errorMessage(text, MAX_PEER_TEXT)
}
