import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { DIRECT_ALPN, sendDirect } from '../../../src/core/k2/direct-stream.ts'
import { closedWithin } from '../../../src/core/k2/one-shot.ts'
import type { Connection, Transport } from '../../../src/core/net/transport.ts'
import { bindLoopback, codeOf, connectPair, pattern, readAll } from '../net/support.ts'

const open: Transport[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()))
})

/** Sender's and acceptor's end of a connection for one message. */
async function pair(): Promise<[Connection, Connection]> {
  const [sender, acceptor] = await Promise.all([bindLoopback([DIRECT_ALPN]), bindLoopback([DIRECT_ALPN])])
  open.push(sender, acceptor)
  return connectPair(sender, acceptor, DIRECT_ALPN)
}

test('a peer that ends its half before it reads, as the reference does, still gets the whole message', async () => {
  const [ours, theirs] = await pair()
  const payload = pattern(60_000)
  const sent = sendDirect(ours, payload)
  const stream = await theirs.acceptBi()
  await stream.send.finish()
  // A sender that takes this end for an answer goes now.
  await closedWithin(theirs, 300, systemClock)
  expect(theirs.isClosed).toBe(false)
  expect(await readAll(stream.recv)).toEqual(payload)
  theirs.close(0n, '')
  expect(await sent).toBe('accepted')
})

test('a peer that goes with another code than 0 did not take the message', async () => {
  const [ours, theirs] = await pair()
  const sent = codeOf(sendDirect(ours, pattern(60_000)))
  const stream = await theirs.acceptBi()
  await stream.send.finish()
  theirs.close(7n, 'no')
  expect(await sent).toBe('K2_UNCONFIRMED')
})
