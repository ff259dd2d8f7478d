import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { K2Error } from '../../../src/base/errors.ts'
import { databaseError, engineLost, isDbFailure, toDbError } from '../../../src/gateway/db/errors.ts'
import { describeTarget } from '../../../src/gateway/db/postgres.ts'

const state = (code: string): Error => databaseError({ message: 'said the server', code })

describe('toDbError', () => {
  it.each([
    ['23505', 'DB_CONFLICT', 'never'],
    ['23503', 'DB_CONSTRAINT', 'never'],
    ['40001', 'DB_SERIALIZATION', 'now'],
    ['40P01', 'DB_SERIALIZATION', 'now'],
    ['57014', 'DB_STATEMENT_TIMEOUT', 'later'],
    ['57P01', 'DB_UNREACHABLE', 'later'],
    ['57P03', 'DB_UNREACHABLE', 'later'],
    ['53100', 'DB_DISK_FULL', 'later'],
    ['53300', 'DB_OVERLOADED', 'later'],
    ['08006', 'DB_UNREACHABLE', 'later'],
    ['28P01', 'DB_DENIED', 'never'],
    ['3D000', 'DB_MISSING', 'never'],
    ['42P01', 'DB_QUERY_FAILED', 'never'],
  ])('gives SQLSTATE %s the code %s', (sqlState, code, retry) => {
    expect(toDbError(state(sqlState))).toMatchObject({ code, retry, data: { sqlState } })
    expect(isDbFailure(state(sqlState))).toBe(true)
  })
  it('knows broken connections and full disks', () => {
    for (const code of ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND']) {
      expect(toDbError(Object.assign(new Error('x'), { code }))).toMatchObject({ code: 'DB_UNREACHABLE', retry: 'later' })
    }
    expect(toDbError(new Error('Connection terminated unexpectedly')).code).toBe('DB_UNREACHABLE')
    expect(toDbError(new Error('timeout exceeded when trying to connect')).code).toBe('DB_UNREACHABLE')
    expect(toDbError(Object.assign(new Error('x'), { code: 'ENOSPC' })).code).toBe('DB_DISK_FULL')
  })
  it('leaves errors of other code alone', () => {
    expect(isDbFailure(new TypeError('x is undefined'))).toBe(false)
    expect(isDbFailure(new K2Error({ code: 'RULE_BAD', kind: 'input', message: 'x' }))).toBe(false)
    const own = new K2Error({ code: 'DB_CLOSED', kind: 'closed', message: 'x' })
    expect(toDbError(own)).toBe(own)
  })
})

describe('engineLost', () => {
  const lost = { why: 'x', code: 'EXIT' }
  it('says ambiguous only where a commit may have happened', () => {
    expect(engineLost({ ...lost, sent: true, text: 'insert' }).retry).toBe('ambiguous')
    expect(engineLost({ ...lost, sent: true, inside: true, text: 'insert' }).retry).toBe('later')
    expect(engineLost({ ...lost, sent: true, inside: true, text: ' COMMIT' }).retry).toBe('ambiguous')
    expect(engineLost({ ...lost, sent: false }).retry).toBe('later')
  })
  it('names a full disk and an endless statement', () => {
    expect(engineLost({ why: 'x', code: 'ENOSPC', sent: true }).code).toBe('DB_DISK_FULL')
    expect(engineLost({ why: 'x', code: '57014', sent: true }).code).toBe('DB_STATEMENT_TIMEOUT')
  })
})

describe('describeTarget', () => {
  it('shows where, never who', () => {
    expect(describeTarget('postgres://me:secret@db.example:5433/chat')).toBe('db.example:5433/chat')
    expect(describeTarget('postgresql://localhost')).toBe('localhost:5432/')
    expect(describeTarget('postgres:///chat?host=/run/postgresql')).toBe('/run/postgresql:5432/chat')
  })
  it.each(['me:secret@db', 'host=db password=secret', 'mysql://me:secret@db/x'])('refuses %j without repeating it', (url) => {
    let error: unknown
    try {
      describeTarget(url)
    } catch (caught) {
      error = caught
    }
    expect(error).toMatchObject({ code: 'DB_BAD_URL' })
    expect(inspect(error)).not.toContain('secret')
  })
})
