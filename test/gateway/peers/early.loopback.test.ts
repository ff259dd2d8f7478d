import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import { createKeyFile, identityOfSeed } from '../../../src/core/index.ts'
import { startGateway } from '../../../src/gateway/compose.ts'
import { configSchema } from '../../../src/gateway/config/schema.ts'
import { embeddedDir } from '../../support/embedded.ts'
import { startTestNode } from '../../support/k2-nodes.ts'

test('a line that comes while the gateway starts is stored and confirmed', { timeout: 120_000 }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'k2gw-early-'))
  const database = await embeddedDir()
  await rename(database.dir, join(dataDir, 'database'))
  await database.remove()
  const identity = identityOfSeed(new Uint8Array(32).fill(5))
  await createKeyFile(join(dataDir, 'identity.json'), identity)
  await using peer = await startTestNode({ topics: ['Goods'], peers: [identity.id] })
  const config = configSchema.parse({
    dataDir,
    http: { port: 0 },
    node: { mode: 'loopback', topics: ['Goods'], peers: [peer.ticket] },
    web: { enabled: true },
    market: { enabled: false },
    routes: [{ id: 'goods', members: [{ place: 'p2p/self/Goods' }, { place: 'web/main/goods' }] }],
  })
  const starting = startGateway({ config, log: nullLogger }, new AbortController().signal)
  try {
    // The node is there before the parts that read what it hears.
    await peer.neighbor('Goods', identity.id)
    await peer.node.sendText('Goods', { text: 'anybody there?', key: 'k1' }).catch(() => {})
    const gateway = await starting
    await expect.poll(() => peer.node.stats().receipts.received, { timeout: 15_000 }).toBe(1)
    expect(gateway.node.stats().dropped).toEqual({})
  } finally {
    await (await starting).stop()
    await rm(dataDir, { recursive: true, force: true })
  }
})
