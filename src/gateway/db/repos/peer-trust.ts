import type { PeerDecision, PeerTrustStore } from '../../trust/peer-trust.ts'
import type { PgPool } from '../pool.ts'
import { num, run, statement } from '../sql/statement.ts'

const LIST = statement(
  'peer_trust',
  'select peer, level, until_at, reason, decided_by, at from k2.peer_trust where until_at is null or until_at > $1 order by at, peer',
)
const SAVE = statement(
  'peer_trust_save',
  `insert into k2.peer_trust (peer, level, until_at, reason, decided_by, at) values ($1, $2, $3, $4, $5, $6)
   on conflict (peer) do update set level = excluded.level, until_at = excluded.until_at, reason = excluded.reason,
     decided_by = excluded.decided_by, at = excluded.at`,
)
const REMOVE = statement('peer_trust_remove', 'delete from k2.peer_trust where peer = $1 returning peer')
const PRUNE = statement('peer_trust_prune', 'delete from k2.peer_trust where until_at <= $1')

interface Row {
  readonly peer: PeerDecision['peer']
  readonly level: PeerDecision['level']
  readonly until_at: string | null
  readonly reason: string | null
  readonly decided_by: string
  readonly at: string
}

export function peerTrustStore(pool: PgPool): PeerTrustStore {
  return {
    async list(now) {
      const rows = await run<Row>(pool, LIST, [now])
      return rows.map(({ peer, level, until_at: until, reason, decided_by: by, at }) => ({
        peer,
        level,
        by,
        at: num(at),
        ...(until !== null && { until: num(until) }),
        ...(reason !== null && { reason }),
      }))
    },
    async save({ peer, level, until, reason, by, at }) {
      await run(pool, SAVE, [peer, level, until ?? null, reason ?? null, by, at])
    },
    remove: async (peer) => (await run(pool, REMOVE, [peer])).length > 0,
    async prune(now) {
      await run(pool, PRUNE, [now])
    },
  }
}
