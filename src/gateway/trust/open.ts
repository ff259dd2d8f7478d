import type { CommandDefinition } from '../commands/definition.ts'
import type { PgPool } from '../db/pool.ts'
import { peerTrustStore } from '../db/repos/peer-trust.ts'
import { type TrustCommandParts, trustCommands } from './commands.ts'
import { PeerTrust, type PeerTrustOptions } from './peer-trust.ts'

export interface TrustParts extends Omit<PeerTrustOptions, 'store' | 'node'>, Pick<TrustCommandParts, 'node'> {
  readonly db: { readonly pool: PgPool }
}

/** The part starts before the node does. */
export function openTrust(parts: TrustParts): { readonly part: PeerTrust; readonly commands: readonly CommandDefinition[] } {
  const part = new PeerTrust({ ...parts, store: peerTrustStore(parts.db.pool) })
  return { part, commands: trustCommands({ trust: part, node: parts.node, clock: parts.clock }) }
}
