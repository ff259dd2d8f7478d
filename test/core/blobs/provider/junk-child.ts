import { BLOBS_ALPN } from '../../../../src/core/blobs/proto/requests.ts'
import type { PeerAddr } from '../../../../src/core/net/transport.ts'
import { bindLoopback } from '../../net/support.ts'

/** Sends junk as fast as it can until it is killed: `junk-child <address as JSON>`. Prints how much it sent. */
const target = JSON.parse(process.argv[2] ?? '') as PeerAddr
let sent = 0
const attack = async (): Promise<never> => {
  for (;;) {
    const transport = await bindLoopback([BLOBS_ALPN])
    try {
      const connection = await transport.connect(target, BLOBS_ALPN)
      while (!connection.isClosed) {
        await Promise.all(
          Array.from({ length: 20 }, async () => {
            const { send } = await connection.openBi({ deadlineMs: 5_000 })
            await send.write(new Uint8Array([sent++ % 2 === 0 ? 7 : 0, 1, 2, 3]))
            await send.finish()
          }),
        )
      }
    } catch {
      // Turned away: the next identity.
    } finally {
      await transport.close()
    }
  }
}
setInterval(() => process.stdout.write(`${sent}\n`), 50)
await Promise.all([attack(), attack(), attack(), attack()])
