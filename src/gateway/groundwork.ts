import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { toHex } from '../base/bytes.ts'
import type { Clock } from '../base/clock.ts'
import { hashId } from '../base/ids.ts'
import type { Lifecycle } from '../base/lifecycle.ts'
import { Secret } from '../base/secret.ts'
import type { K2Node } from '../core/index.ts'
import { refuseUnfinishedRestore } from './backup/marks.ts'
import type { Config } from './config/schema.ts'
import type { openDatabase } from './db/database.ts'
import { acquireDirLock } from './db/dir-lock.ts'
import { refuseUnfinishedRotation } from './rotation/marks.ts'

/** One gateway per data directory, whichever database it uses. */
export async function lockPart(dataDir: string, clock: Clock): Promise<Lifecycle> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const lock = await acquireDirLock(join(dataDir, 'gateway.lock'), clock)
  try {
    refuseUnfinishedRestore(dataDir)
    refuseUnfinishedRotation(dataDir)
  } catch (error) {
    await lock.release()
    throw error
  }
  return { name: 'lock', stop: () => lock.release() }
}

/** The value, or its reason thrown. */
export function settledValue<T>(result: PromiseSettledResult<T>): T {
  if (result.status === 'rejected') throw result.reason
  return result.value
}

/** The database the configuration names. */
export function databaseConfig({ database, dataDir }: Config): Parameters<typeof openDatabase>[0] {
  return database.driver === 'embedded'
    ? { ...database, dir: join(dataDir, 'database') }
    : { ...database, url: database.url.reveal() }
}

/** Numbers of the node for the metrics. */
export function nodeGauges(node: K2Node): Record<string, number> {
  const stats = node.stats()
  return {
    node_topics: stats.topics,
    node_neighbors: stats.neighbors,
    node_received: stats.received,
    node_dropped: Object.values(stats.dropped).reduce((sum, n) => sum + n, 0),
    node_lagged: stats.lagged,
    ...(stats.services.mdns && { lookup_mdns_peers: stats.services.mdns.peers }),
    ...(stats.services.dht && {
      lookup_dht_published: stats.services.dht.published,
      lookup_dht_resolved: stats.services.dht.resolved,
    }),
  }
}

/** What Telegram must send along to the webhook of an account: made from the node's key, so the same after every restart. */
export function hookSecrets(seed: Uint8Array): (account: string) => Secret {
  return (account) => new Secret(hashId([toHex(seed), 'telegram webhook', account], 52))
}
