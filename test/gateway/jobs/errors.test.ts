import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { K2Error } from '../../../src/base/errors.ts'
import { databaseError, engineLost } from '../../../src/gateway/db/errors.ts'
import { asConnectionError } from '../../../src/gateway/jobs/bull-pool.ts'
import { toJobError } from '../../../src/gateway/jobs/errors.ts'
import { DELIVER, parseJob } from '../../../src/gateway/jobs/queues.ts'
import { describeRedis } from '../../../src/gateway/jobs/redis.ts'

describe('toJobError', () => {
  it.each([
    new Error("Stream isn't writeable and enableOfflineQueue options is false"),
    new Error('Connection is closed.'),
    new Error('Command timed out'),
    new Error('LOADING Redis is loading the dataset in memory'),
    new Error("OOM command not allowed when used memory > 'maxmemory'."),
    new Error('MISCONF Redis is configured to save RDB snapshots'),
    new Error('NOAUTH Authentication required.'),
    Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:6379'), { code: 'ECONNREFUSED' }),
    engineLost({ why: 'x', code: 'EXIT', sent: true }),
    databaseError({ message: 'x', code: '57P01' }),
    databaseError({ message: 'x', code: '53100' }),
  ])('takes %s for a store that is away', (error) => {
    expect(toJobError(error)).toMatchObject({ code: 'JOB_UNAVAILABLE', retry: 'later' })
  })
  it('takes everything else for a failed operation', () => {
    expect(toJobError(new Error('Missing key for job 1')).code).toBe('JOB_FAILED')
    expect(toJobError(databaseError({ message: 'x', code: '42P01' })).code).toBe('JOB_FAILED')
    const own = new K2Error({ code: 'JOB_BAD_DATA', kind: 'input', message: 'x' })
    expect(toJobError(own)).toBe(own)
  })
})

describe('asConnectionError', () => {
  it('marks what passes, so that BullMQ waits before it asks again', () => {
    for (const error of [engineLost({ why: 'x', code: 'EXIT', sent: false }), databaseError({ message: 'x', code: '53100' })]) {
      expect(asConnectionError(error)).toMatchObject({ code: 'ECONNREFUSED', message: expect.stringContaining('ECONNREFUSED') })
    }
  })
  it('leaves what BullMQ reads itself', () => {
    for (const code of ['BM001', '42P01', '23505', '40001']) {
      const error = databaseError({ message: 'x', code, detail: '-2' })
      expect(asConnectionError(error)).toBe(error)
    }
  })
})

describe('describeRedis', () => {
  it('shows where, never who', () => {
    expect(describeRedis('redis://me:secret@cache.example:6380/1')).toBe('cache.example:6380')
    expect(describeRedis('rediss://cache.example')).toBe('cache.example:6379')
  })
  it.each(['secret', 'http://me:secret@host', '//:secret@'])('refuses %j without repeating it', (url) => {
    let error: unknown
    try {
      describeRedis(url)
    } catch (caught) {
      error = caught
    }
    expect(error).toMatchObject({ code: 'JOB_BAD_URL', kind: 'config' })
    expect(inspect(error)).not.toContain('secret')
  })
})

describe('parseJob', () => {
  it('accepts exactly what is declared', () => {
    expect(parseJob(DELIVER, 'wake', { lane: 'x' })).toEqual({ lane: 'x' })
    for (const data of [{}, { lane: '' }, { lane: 'x', more: 1 }, { lane: 'x'.repeat(501) }, null, 'x']) {
      expect(() => parseJob(DELIVER, 'wake', data)).toThrow(expect.objectContaining({ code: 'JOB_BAD_DATA' }))
    }
  })
  it('knows no inherited names', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'other']) {
      expect(() => parseJob(DELIVER, name as never, {} as never)).toThrow(expect.objectContaining({ code: 'JOB_BAD_DATA' }))
    }
  })
})
