import { describe, expect, it } from 'vitest'
import { checksum, type Migration, pendingMigrations } from '../../../src/gateway/db/migrate.ts'
import { MIGRATIONS } from '../../../src/gateway/db/migrations/index.ts'

const step = (n: number, sql = `create table k2.t${n} ()`): Migration => ({ name: `000${n}-t`, sql })
const applied = (...steps: Migration[]) => steps.map((m, i) => ({ position: i + 1, name: m.name, checksum: checksum(m) }))

describe('pendingMigrations', () => {
  it('answers the steps a database lacks, in order', () => {
    expect(pendingMigrations([step(1), step(2), step(3)], applied(step(1))).map((m) => m.name)).toEqual(['0002-t', '0003-t'])
    expect(pendingMigrations([step(1)], applied(step(1)))).toEqual([])
    expect(pendingMigrations([], [])).toEqual([])
  })
  it('refuses a database of a newer version', () => {
    expect(() => pendingMigrations([step(1)], applied(step(1), step(2)))).toThrow(
      expect.objectContaining({ code: 'DB_SCHEMA_NEWER', kind: 'config', message: expect.stringContaining('0002-t') }),
    )
  })
  it('refuses a step that was edited, renamed or moved after it had run', () => {
    const changed = (own: Migration[]) => () => pendingMigrations(own, applied(step(1), step(2)))
    const error = expect.objectContaining({ code: 'DB_SCHEMA_CHANGED' })
    expect(changed([step(1), step(2, 'create table k2.other ()')])).toThrow(error)
    expect(changed([step(2), step(1)])).toThrow(error)
    expect(changed([step(1), { ...step(2), name: '0002-u' }])).toThrow(error)
  })
  it('takes indentation and line ends for the same step', () => {
    expect(checksum(step(1, 'select 1,\n   2'))).toBe(checksum(step(1, '  select 1,\r\n 2 ')))
    expect(checksum(step(1, 'select 1, 2'))).not.toBe(checksum(step(1, 'select 12')))
  })
})

describe('the migrations of this version', () => {
  it('are numbered without gaps', () => {
    expect(MIGRATIONS.map((m) => Number(m.name.slice(0, 4)))).toEqual(MIGRATIONS.map((_, i) => i + 1))
    for (const m of MIGRATIONS) expect(m.name).toMatch(/^\d{4}-[a-z0-9-]+$/)
  })
})
