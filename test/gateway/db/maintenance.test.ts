import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { MAINTENANCE, Maintenance, maintenanceStatements } from '../../../src/gateway/db/maintenance.ts'
import type { PgPool } from '../../../src/gateway/db/pool.ts'

const table = { schema: 'k2', name: 'inbox', live: 1000, dead: 0, changed: 0 }

describe('maintenance plan', () => {
  it('always ends with a checkpoint', () => {
    expect(maintenanceStatements([])).toEqual(['checkpoint'])
  })
  it('vacuums tables with dead rows and analyses those that changed a lot', () => {
    expect(
      maintenanceStatements([
        table,
        { ...table, name: 'delivery', dead: 500, changed: 150 },
        { ...table, name: 'copy', changed: 300 },
        { ...table, schema: 'bullmq', name: 'job"x', dead: 900, changed: 900 },
      ]),
    ).toEqual(['vacuum "k2"."delivery"', 'vacuum (analyze) "k2"."copy"', 'vacuum (analyze) "bullmq"."job""x"', 'checkpoint'])
  })
})

describe('maintenance timing', () => {
  const setUp = () => {
    const clock = new ManualClock()
    const state = { bytes: 50_000_000, ran: [] as string[], fail: false }
    const query = async (text: string) => {
      if (state.fail) throw new Error('the engine is away')
      if (text.includes('pg_wal_lsn_diff')) return { rows: [{ bytes: state.bytes }] }
      if (text.includes('pg_stat_user_tables')) return { rows: [{ ...table, dead: 400 }] }
      state.ran.push(text)
      return { rows: [] }
    }
    const maintenance = new Maintenance({ pool: { query } as unknown as PgPool, clock, log: nullLogger })
    return { clock, state, maintenance }
  }

  it('waits for the time or for the log, and for something to have been written', async () => {
    const { clock, state, maintenance } = setUp()
    await maintenance.look()
    clock.advance(MAINTENANCE.everyMs * 2)
    await maintenance.look()
    expect(maintenance.rounds).toBe(0)
    state.bytes += 1000
    await maintenance.look()
    expect(maintenance.rounds).toBe(1)
    expect(state.ran).toEqual(['select pg_stat_force_next_flush()', 'vacuum "k2"."inbox"', 'checkpoint'])
    state.bytes += MAINTENANCE.logBytes - 1
    await maintenance.look()
    expect(maintenance.rounds).toBe(1)
    state.bytes += 1
    await maintenance.look()
    expect(maintenance.rounds).toBe(2)
  })

  it('tries again after a failure', async () => {
    const { clock, state, maintenance } = setUp()
    await maintenance.look()
    clock.advance(MAINTENANCE.everyMs)
    state.bytes++
    state.fail = true
    await maintenance.look()
    state.fail = false
    await maintenance.look()
    expect(maintenance.rounds).toBe(1)
  })
})
