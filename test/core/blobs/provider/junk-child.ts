import { BLOBS_ALPN } from '../../../../src/core/blobs/proto/requests.ts'
import type { Connection, PeerAddr } from '../../../../src/core/net/transport.ts'
import { bindLoopback } from '../../net/support.ts'

/**
 * Sends junk as fast as it can until it is killed: `junk-child <address as JSON> [endpoints]`. Prints how much it sent. Each endpoint
 * fills all streams of its connection, and comes back under a new key when it is turned away.
 */
const target = JSON.parse(process.argv[2] ?? '') as PeerAddr
const endpoints = Number(process.argv[3] ?? 4)
const STREAMS = 90
const JUNK = [new Uint8Array([7, 1, 2, 3]), new Uint8Array([0, 1, 2, 3])]
let sent = 0

const spam = async (connection: Connection): Promise<void> => {
  while (!connection.isClosed) {
    const { send } = await connection.openBi({ deadlineMs: 5_000 })
    await send.write(JUNK[sent++ % JUNK.length] as Uint8Array)
    await send.finish()
  }
}
const attack = async (): Promise<never> => {
  for (;;) {
    const transport = await bindLoopback([BLOBS_ALPN])
    try {
      const connection = await transport.connect(target, BLOBS_ALPN)
      await Promise.all(Array.from({ length: STREAMS }, () => spam(connection)))
    } catch {
      // Turned away: the next identity.
    } finally {
      await transport.close()
    }
  }
}
setInterval(() => process.stdout.write(`${sent}\n`), 50)
await Promise.all(Array.from({ length: endpoints }, attack))
