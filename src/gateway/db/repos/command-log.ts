import type { AuditEntry } from '../../commands/audit.ts'
import type { CommandLog } from '../../commands/service.ts'
import type { PgPool } from '../pool.ts'
import { num, run, statement } from '../sql/statement.ts'

const CLAIM = statement(
  'interaction_claim',
  'insert into k2.interaction_handled (id, at) values ($1, $2) on conflict (id) do nothing returning id',
)
const AUDIT = statement(
  'command_audit',
  `insert into k2.command_audit (at, surface, place, actor_key, actor_name, role, command, args, outcome, code, ms)
   values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11)`,
)
const RECENT = statement(
  'command_audit_recent',
  `select at, surface, place, actor_key, actor_name, role, command, args, outcome, code, ms from k2.command_audit
   order by id desc limit $1`,
)
const PRUNE_HANDLED = statement('interaction_prune', 'delete from k2.interaction_handled where at < $1')
const PRUNE_AUDIT = statement('command_audit_prune', 'delete from k2.command_audit where at < $1')

/** Platforms repeat an interaction within minutes; Telegram keeps undelivered updates for a day. */
const HANDLED_MS = 2 * 86_400_000
const AUDIT_MS = 365 * 86_400_000

interface AuditRow {
  readonly at: string
  readonly surface: AuditEntry['surface']
  readonly place: string | null
  readonly actor_key: string
  readonly actor_name: string
  readonly role: AuditEntry['role']
  readonly command: string
  readonly args: Record<string, unknown>
  readonly outcome: AuditEntry['outcome']
  readonly code: string | null
  readonly ms: number
}

export function commandLog(pool: PgPool): CommandLog {
  return {
    claim: async (id, now) => (await run(pool, CLAIM, [id, now])).length > 0,
    async audit(e) {
      const place = e.place ?? null
      await run(pool, AUDIT, [
        ...[e.at, e.surface, place, e.actorKey, e.actorName, e.role, e.command],
        ...[JSON.stringify(e.args), e.outcome, e.code ?? null, e.ms],
      ])
    },
    async recent(limit) {
      const rows = await run<AuditRow>(pool, RECENT, [limit])
      return rows.map((row) => ({
        at: num(row.at),
        surface: row.surface,
        ...(row.place !== null && { place: row.place }),
        actorKey: row.actor_key,
        actorName: row.actor_name,
        role: row.role,
        command: row.command,
        args: row.args,
        outcome: row.outcome,
        ...(row.code !== null && { code: row.code }),
        ms: row.ms,
      }))
    },
    async prune(now) {
      await run(pool, PRUNE_HANDLED, [now - HANDLED_MS])
      await run(pool, PRUNE_AUDIT, [now - AUDIT_MS])
    },
  }
}
