import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../base/clock.ts'
import { BLOBS_ALPN, BlobProvider, FsBlobStore } from '../../core/blobs/index.ts'
import { K2Node } from '../../core/index.ts'
import { type Download, openDownloads } from '../blobs/downloads.ts'
import { providerLimits } from '../blobs/policy.ts'
import type { Config } from '../config/schema.ts'
import { acquireDirLock } from '../db/dir-lock.ts'
import { nodeConfigOf } from '../node-config.ts'
import { loadOrCreateNodeKey } from '../node-key.ts'
import { createLogger } from '../observe/logger.ts'

export interface BlobNode {
  readonly node: K2Node
  readonly store: FsBlobStore
  readonly download: Download
}

/** Gives `work` the gateway's store and a node under its identity while no gateway runs. Rejects `DB_LOCKED` when one does. */
export async function withBlobNode<T>(config: Config, work: (parts: BlobNode) => Promise<T>): Promise<T> {
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
  const lock = await acquireDirLock(join(config.dataDir, 'gateway.lock'))
  const store = new FsBlobStore({ dir: join(config.dataDir, 'blobs'), maxBytes: config.blobs.storeSize })
  try {
    const { identity } = await loadOrCreateNodeKey(config.dataDir)
    const level = config.log.level === 'info' ? 'warn' : config.log.level
    const log = createLogger({ level, pretty: config.log.pretty, instance: config.instance })
    const provider = new BlobProvider({ store, limits: providerLimits(config.blobs), log })
    const node = new K2Node({
      identity,
      config: { ...nodeConfigOf(config), topics: [] },
      handlers: { [BLOBS_ALPN]: (connection) => provider.serve(connection) },
      log,
    })
    await node.start()
    const downloads = openDownloads({
      store,
      endpoint: () => node.endpoint,
      reach: node.settings,
      threads: config.blobs.threads,
      clock: systemClock,
    })
    try {
      return await work({ node, store, download: downloads.download })
    } finally {
      await downloads.stop()
      await node.stop()
    }
  } finally {
    await store.close()
    await lock.release()
  }
}
