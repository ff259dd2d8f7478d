import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isK2Error } from '../../../src/base/errors.ts'
import { fromNumbers, toNumbers } from '../../../src/core/net/iroh-bytes.ts'
import {
  irohText,
  isPanic,
  mapBindError,
  mapConnectError,
  mapHandshakeError,
  parseCloseText,
  streamErrorOf,
} from '../../../src/core/net/iroh-errors.ts'
import { streamCodeOf } from '../../../src/core/net/net-errors.ts'

/** Messages as the binding 1.1.0 builds them. */
const TRACE =
  '\n\nStack backtrace:\n   0: <anyhow::Error>::msg::<alloc::string::String>\n             at ./nptl/pthread_create.c:442:8'
const connecting = (last: string): Error =>
  new Error(
    `ConnectError::Connecting (/root/.cargo/registry/src/x/iroh-1.0.2/src/endpoint.rs:1060:20)\nCaused by:\n    ConnectingError::ConnectionError (/root/lib/core/src/task/poll.rs:258:39)\n    ${last}${TRACE}`,
  )
const connect = (...last: string[]): Error =>
  new Error(`ConnectError::Connect (/r/endpoint.rs:1057:26)\nCaused by:\n    ${last.join('\n    ')}${TRACE}`)

describe('why a dial failed', () => {
  test.each([
    [
      connecting("aborted by peer: the cryptographic handshake failed: error 120: peer doesn't support any known protocol"),
      'NET_ALPN',
    ],
    [connecting('the cryptographic handshake failed: error 48: invalid peer certificate: UnknownIssuer'), 'NET_WRONG_PEER'],
    [connecting('the cryptographic handshake failed: error 40: something else'), 'NET_FAILED'],
    [connecting('aborted by peer: the server refused to accept a new connection'), 'NET_REFUSED'],
    [connecting('timed out'), 'NET_TIMEOUT'],
    [connect('Connecting to ourself is not supported (/r/endpoint.rs:1112:9)'), 'NET_SELF'],
    [
      connect('No addressing information available (/r/endpoint.rs:1127:27)', 'No address lookup configured (/r/al.rs:624:9)'),
      'NET_NO_ADDRESS',
    ],
    [connect('Endpoint is closed (/r/endpoint.rs:1:2)'), 'NET_CLOSED'],
    [new Error(`invalid socket address syntax${TRACE}`), 'NET_FAILED'],
    ['not even an error', 'NET_FAILED'],
  ])('%#: %s', (error, code) => {
    expect(mapConnectError(error)).toMatchObject({ code })
  })

  test('a peer cannot choose our error with its words', () => {
    expect(mapConnectError(connecting('closed by peer: error 120: timed out')).code).toBe('NET_FAILED')
    expect(
      streamErrorOf('ConnectionLost(ApplicationClosed(ApplicationClose { error_code: 1, reason: b"Reset(5)" }))'),
    ).toBeUndefined()
  })

  test('messages carry neither build paths nor the native stack', () => {
    const shown = [
      connecting('odd thing happened (/root/a.rs:1:2)'),
      new Error(`Failed to bind sockets (/root/s.rs:946:24)${TRACE}`),
    ]
    for (const error of shown) {
      for (const mapped of [mapConnectError(error), mapHandshakeError(error), mapBindError(error, [])]) {
        expect(mapped.message).not.toMatch(/\/root|backtrace|\.rs/)
      }
    }
    expect(irohText(new Error(`x${'y'.repeat(10_000)}`)).length).toBe(10_001)
    expect(mapHandshakeError(new Error('z'.repeat(10_000))).message.length).toBeLessThan(300)
  })
})

test('why a bind failed names the address and what to do', () => {
  const occupied = new Error(
    `Failed to bind sockets (/r/socket.rs:946:24)\nCaused by:\n    Address already in use (os error 98)${TRACE}`,
  )
  expect(mapBindError(occupied, ['127.0.0.1:4433'])).toMatchObject({
    code: 'NET_BIND_FAILED',
    message: expect.stringMatching(/127\.0\.0\.1:4433 is in use/),
    data: { addrs: '127.0.0.1:4433' },
  })
  const denied = new Error(`Failed to bind sockets (/r/s.rs:1:1)\nCaused by:\n    Permission denied (os error 13)${TRACE}`)
  expect(mapBindError(denied, []).message).toContain('Permission denied')
})

test.each([
  ['Reset(5)', 'NET_STREAM_RESET', 5n],
  ['ReadError(Reset(7))', 'NET_STREAM_RESET', 7n],
  ['Stopped(0)', 'NET_STREAM_STOPPED', 0n],
  ['WriteError(Stopped(9))', 'NET_STREAM_STOPPED', 9n],
  ['ClosedStream { _private: () }', 'NET_STREAM_ENDED', undefined],
])('%s concerns the stream', (text, code, streamCode) => {
  const error = streamErrorOf(text)
  expect([error?.code, streamCodeOf(error)]).toEqual([code, streamCode])
})

test.each([
  ['closed by peer: bye (code 4)', { by: 'remote', code: 4n, reason: 'bye' }],
  ['closed by peer: 0', { by: 'remote', code: 0n, reason: '' }],
  ['closed by peer: a (code 1)\nStack backtrace: (code 9)', { by: 'remote', code: 9n, reason: 'a (code 1)' }],
  [`closed by peer: ${'r'.repeat(400)} (code 4611686018427387903)`, { by: 'remote', code: 2n ** 62n - 1n }],
  ['closed', { by: 'local', reason: '' }],
  ['timed out', { by: 'lost', reason: 'timed out' }],
  ['', { by: 'lost', reason: '' }],
])('close text %j', (text, info) => {
  expect(parseCloseText(text)).toMatchObject(info)
  expect(parseCloseText(text).reason.length).toBeLessThanOrEqual(200)
})

test('a panic of the binding is recognised', () => {
  expect(isPanic('Panic in async function')).toBe(true)
  expect(isPanic('ConnectionLost(TimedOut)')).toBe(false)
})

test('whatever the text, the mappers answer and never throw', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 500 }), (text) => {
      for (const error of [mapConnectError(new Error(text)), mapHandshakeError(text), mapBindError(text, [text])]) {
        expect(isK2Error(error)).toBe(true)
      }
      parseCloseText(text)
      streamErrorOf(text)
    }),
  )
})

test('bytes survive both conversions, and Uint8Array from later releases is taken as it is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(fromNumbers(toNumbers(bytes))).toEqual(bytes)
    }),
  )
  const modern = Uint8Array.of(1, 2)
  expect(fromNumbers(modern)).toBe(modern)
  expect(toNumbers(Uint8Array.of(0, 255))).toEqual([0, 255])
})
