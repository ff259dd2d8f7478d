import { randomBytes } from 'node:crypto'
import { bindIrohTransport } from '../../../src/core/net/iroh-transport.ts'
import type { Connection, RecvHalf, Transport } from '../../../src/core/net/transport.ts'

export const ALPN = 'k2gw-test/1'

/** A fresh QUIC endpoint on loopback with a random key. */
export function bindLoopback(alpns: readonly string[] = [ALPN], bind?: readonly string[]): Promise<Transport> {
  return bindIrohTransport({
    secretKey: new Uint8Array(randomBytes(32)),
    alpns,
    mode: 'loopback',
    ...(bind === undefined ? {} : { bind }),
  })
}

export async function acceptOne(transport: Transport): Promise<Connection> {
  const incoming = await transport.nextIncoming()
  if (incoming === null) throw new Error('the endpoint closed while a connection was expected')
  return incoming.accept()
}

/** Connects two endpoints; answers the dialer's and the acceptor's end. */
export async function connectPair(dialer: Transport, acceptor: Transport, alpn = ALPN): Promise<[Connection, Connection]> {
  return Promise.all([dialer.connect(acceptor.localAddr(), alpn), acceptOne(acceptor)])
}

/** Everything up to FIN. */
export async function readAll(recv: RecvHalf, max = 64 * 1024): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for (;;) {
    const part = await recv.read(max)
    if (part === null) return new Uint8Array(Buffer.concat(parts))
    parts.push(part)
  }
}

/** The stable code a promise rejects with; 'resolved' when it does not. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'resolved'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

/** Recognisable bytes that differ at each offset of a long run. */
export function pattern(size: number, seed = 1): Uint8Array {
  const out = new Uint8Array(size)
  let x = seed
  for (let i = 0; i < size; i++) {
    x = (Math.imul(x, 1_103_515_245) + 12_345) >>> 0
    out[i] = x >>> 16
  }
  return out
}

/** True when the promise is still pending after everything already under way had its turn. */
export async function isPending(work: Promise<unknown>, settle: () => Promise<void>): Promise<boolean> {
  let done = false
  const mark = (): void => {
    done = true
  }
  work.then(mark, mark)
  await settle()
  return !done
}
