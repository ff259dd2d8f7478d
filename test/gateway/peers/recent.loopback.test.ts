import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import { startGateway } from '../../../src/gateway/compose.ts'
import { configSchema } from '../../../src/gateway/config/schema.ts'
import { readRecentPeers } from '../../../src/gateway/peers/index.ts'
import { embeddedDir } from '../../support/embedded.ts'
import { startTestNode } from '../../support/k2-nodes.ts'

test('a gateway that nobody told about anybody finds its neighbours again after a restart', { timeout: 240_000 }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'k2gw-recent-'))
  const database = await embeddedDir()
  await rename(database.dir, join(dataDir, 'database'))
  await database.remove()
  const config = configSchema.parse({
    dataDir,
    http: { port: 0 },
    node: { mode: 'loopback', topics: ['Goods'] },
    web: { enabled: false },
    market: { enabled: false },
  })
  const start = () => startGateway({ config, log: nullLogger }, new AbortController().signal)
  try {
    const first = await start()
    // It knows where the gateway is now, which is somewhere else after the restart.
    await using neighbor = await startTestNode({ topics: ['Goods'], peers: [first.node.ticket()] })
    await neighbor.neighbor('Goods', first.node.id)
    await expect.poll(() => first.node.recentPeers().map((peer) => peer.id)).toEqual([neighbor.id])
    const before = first.node.addr().direct
    await first.stop()
    expect(await readRecentPeers(join(dataDir, 'recent-peers.json'), nullLogger)).toMatchObject([{ id: neighbor.id }])
    const second = await start()
    try {
      expect(second.node.addr().direct).not.toEqual(before)
      await expect.poll(() => second.node.topics()[0]?.neighbors, { timeout: 120_000 }).toEqual([neighbor.id])
    } finally {
      await second.stop()
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})
