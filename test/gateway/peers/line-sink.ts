import { systemClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { cryptoRng } from '../../../src/base/random.ts'
import type { Body } from '../../../src/bridges/model/message.ts'
import { P2pBridge } from '../../../src/bridges/p2p/index.ts'
import { K2Node, loadOrCreateKeyFile, newIdentity } from '../../../src/core/index.ts'
import { NodePeerPort } from '../../../src/gateway/peers/index.ts'

/** A gateway that does nothing but print what it stores. Arguments: key file, ticket of the peer. */
const [keyFile, peer] = process.argv.slice(2) as [string, string]
const { identity } = await loadOrCreateKeyFile(keyFile, () => newIdentity(cryptoRng))
const node = new K2Node({ identity, config: { mode: 'loopback', topics: ['Goods'], peers: [peer] } })
const bridge = new P2pBridge({
  port: new NodePeerPort(node, nullLogger),
  clock: systemClock,
  log: nullLogger,
  sink: {
    ingest: async (envelopes) => {
      for (const { eventId, event } of envelopes) {
        process.stdout.write(`${JSON.stringify({ eventId, text: (event as { body: Body }).body.rich.text })}\n`)
      }
    },
  },
})
await bridge.start()
await node.start()
process.stdout.write(`${JSON.stringify({ ready: node.id })}\n`)
// A bound endpoint alone does not keep the process alive (discovery 17.6).
setInterval(() => {}, 60_000)
