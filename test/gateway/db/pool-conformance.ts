import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database, DatabaseOptions } from '../../../src/gateway/db/database.ts'
import { toDbError } from '../../../src/gateway/db/errors.ts'
import type { Notification, PgClient, PgPool } from '../../../src/gateway/db/pool.ts'

export interface PoolFixture {
  /** Opens the same database each time; every result is closed by the test. */
  open(options?: DatabaseOptions): Promise<Database<unknown>>
}

const using = async <T>(pool: PgPool, work: (client: PgClient) => Promise<T>): Promise<T> => {
  const client = await pool.connect()
  try {
    return await work(client)
  } finally {
    client.release()
  }
}

const rejection = (promise: Promise<unknown>): Promise<Record<string, unknown>> =>
  promise.then(
    () => {
      throw new Error('expected a rejection')
    },
    (error) => error,
  )

/** What BullMQ, Kysely and our own SQL rely on; runs unchanged on every kind of pool. */
export function poolConformance(fixture: PoolFixture): void {
  let db: Database<unknown>
  let pool: PgPool

  beforeAll(async () => {
    db = await fixture.open({ migrations: [] })
    pool = db.pool
    await pool.query('create table if not exists k2.item (id integer primary key, note text)')
  })
  afterAll(() => db?.close())

  describe('values', () => {
    it('answers with the types pg gives', async () => {
      const { rows, fields } = await pool.query(
        `select 1::int4 as i4, 9007199254740993::int8 as i8, 1.50::numeric as n, 1.5::float8 as f, true as b, 'x'::text as t,
           null as nothing, '{"a":[1]}'::json as j, '{"a":[1]}'::jsonb as jb, '\\x00ff'::bytea as by,
           '2026-01-02T03:04:05.678Z'::timestamptz as ts, array[1,null,3] as ai, array['a','b,"c'] as at,
           'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid as u, 'NaN'::float8 as nan`,
      )
      expect(rows[0]).toEqual({
        i4: 1,
        i8: '9007199254740993',
        n: '1.50',
        f: 1.5,
        b: true,
        t: 'x',
        nothing: null,
        j: { a: [1] },
        jb: { a: [1] },
        by: Buffer.from([0, 255]),
        ts: new Date('2026-01-02T03:04:05.678Z'),
        ai: [1, null, 3],
        at: ['a', 'b,"c'],
        u: 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
        nan: Number.NaN,
      })
      expect(fields.map((f) => [f.name, f.dataTypeID]).slice(0, 3)).toEqual([
        ['i4', 23],
        ['i8', 20],
        ['n', 1700],
      ])
    })

    it('takes parameters of every type the code uses', async () => {
      const cases: [string, unknown, unknown][] = [
        ['int8', 9007199254740993n, '9007199254740993'],
        ['int4', -5, -5],
        ['float8', 0.1, 0.1],
        ['bool', false, false],
        ['text', 'ü "quoted" \\ 🙂', 'ü "quoted" \\ 🙂'],
        ['text', '', ''],
        ['text', undefined, null],
        ['timestamptz', new Date('2026-03-04T05:06:07.089Z'), new Date('2026-03-04T05:06:07.089Z')],
        ['bytea', new Uint8Array([0, 1, 254, 255]), Buffer.from([0, 1, 254, 255])],
        ['bytea', Buffer.alloc(0), Buffer.alloc(0)],
        ['jsonb', { a: { b: ['"', null, 1.5] } }, { a: { b: ['"', null, 1.5] } }],
        ['jsonb', JSON.stringify([1, 2]), [1, 2]],
        ['int4[]', [1, null, 3], [1, null, 3]],
        ['int4[]', [], []],
        [
          'int4[]',
          [
            [1, 2],
            [3, 4],
          ],
          [
            [1, 2],
            [3, 4],
          ],
        ],
        [
          'text[]',
          ['a"b', 'c\\d', 'e,f', '{g}', ' h ', '', 'null', null],
          ['a"b', 'c\\d', 'e,f', '{g}', ' h ', '', 'null', null],
        ],
        ['jsonb[]', [{ a: '"\\' }, { b: 1 }], [{ a: '"\\' }, { b: 1 }]],
        ['bytea[]', [Buffer.from([1, 2]), null], [Buffer.from([1, 2]), null]],
        ['timestamptz[]', [new Date(0)], [new Date(0)]],
      ]
      for (const [type, input, output] of cases) {
        const { rows } = await pool.query(`select $1::${type} as v`, [input])
        expect(rows[0]?.v, type).toEqual(output)
      }
    })

    it('gives rows as arrays when asked, also with equal column names', async () => {
      const { rows } = await pool.query<unknown[]>({ text: 'select $1::int4 as a, 2 as a', values: [1], rowMode: 'array' })
      expect(rows).toEqual([[1, 2]])
    })

    it('carries large values and many parameters', async () => {
      const text = 'ä'.repeat(1_500_000)
      const bytes = Buffer.alloc(2_000_000, 7)
      const { rows } = await pool.query<{ t: string; b: Buffer }>('select $1::text as t, $2::bytea as b', [text, bytes])
      expect(rows[0]?.t === text).toBe(true)
      expect(rows[0]?.b.equals(bytes)).toBe(true)
      const many = Array.from({ length: 5000 }, (_, i) => i)
      const list = many.map((i) => `($${i + 1}::int8)`).join(',')
      const sum = await pool.query<{ s: string }>(`select sum(v)::text as s from (values ${list}) t(v)`, many)
      expect(sum.rows[0]?.s).toBe(String((4999 * 5000) / 2))
    })
  })

  describe('results', () => {
    it('reports command and row count', async () => {
      const shape = async (text: string, values?: unknown[]): Promise<unknown> => {
        const { command, rowCount } = await pool.query(text, values)
        return [command, rowCount]
      }
      await pool.query('truncate k2.item')
      expect(await shape("insert into k2.item values (1, 'a'), (2, 'b')")).toEqual(['INSERT', 2])
      expect(await shape('update k2.item set note = $1', ['c'])).toEqual(['UPDATE', 2])
      expect(await shape('select * from k2.item where id > $1', [1])).toEqual(['SELECT', 1])
      expect(await shape('delete from k2.item where id = $1', [99])).toEqual(['DELETE', 0])
      expect(await shape('insert into k2.item values ($1) on conflict do nothing', [1])).toEqual(['INSERT', 0])
      expect(await shape('create temporary table made (a int)')).toEqual(['CREATE', null])
    })

    it('runs several statements of one text in order', async () => {
      await pool.query("delete from k2.item; insert into k2.item values (7, 'x'); update k2.item set note = 'y'")
      expect((await pool.query('select * from k2.item')).rows).toEqual([{ id: 7, note: 'y' }])
    })

    it('keeps a repeated statement working while its table changes', async () => {
      await pool.query('create table k2.changing (a integer)')
      const ask = (): Promise<{ rows: unknown[] }> => pool.query('select * from k2.changing where a >= $1', [0])
      await pool.query('insert into k2.changing values (1)')
      for (let i = 0; i < 10; i++) expect((await ask()).rows).toEqual([{ a: 1 }])
      await pool.query('alter table k2.changing add column b integer default 2')
      expect((await ask()).rows).toEqual([{ a: 1, b: 2 }])
      await pool.query('drop table k2.changing')
      expect((await rejection(ask())).code).toBe('42P01')
      await pool.query('create table k2.changing (c text)')
      expect((await rejection(ask())).code).toBe('42703')
      await pool.query('drop table k2.changing')
    })
  })

  describe('errors', () => {
    it('keeps SQLSTATE, detail and constraint', async () => {
      await pool.query('delete from k2.item')
      await pool.query('insert into k2.item values ($1)', [1])
      const error = await rejection(pool.query('insert into k2.item values ($1)', [1]))
      expect(error).toBeInstanceOf(Error)
      expect(error).toMatchObject({
        code: '23505',
        detail: 'Key (id)=(1) already exists.',
        constraint: 'item_pkey',
        table: 'item',
      })
      expect(toDbError(error)).toMatchObject({ code: 'DB_CONFLICT', kind: 'conflict' })
    })

    it('passes on errors raised by functions with their own state and detail', async () => {
      const error = await rejection(
        pool.query(`do $$ begin raise exception 'gone' using errcode = 'BM001', detail = '-2'; end $$`),
      )
      expect(error).toMatchObject({ code: 'BM001', detail: '-2', message: 'gone' })
    })

    it('goes on after syntax errors, bad parameters and failing statements', async () => {
      expect((await rejection(pool.query('selekt 1'))).code).toBe('42601')
      expect((await rejection(pool.query('selekt $1', [1]))).code).toBe('42601')
      const divide = (by: unknown): Promise<unknown> => pool.query('select 10 / $1::int4 as q', [by])
      for (let i = 0; i < 3; i++) {
        expect((await rejection(divide(0))).code).toBe('22012')
        expect((await rejection(divide('many'))).code).toBe('22P02')
        expect(await divide(5)).toMatchObject({ rows: [{ q: 2 }] })
      }
      expect((await rejection(pool.query('select $1::int4', []))).code).toMatch(/42P02|08P01/)
      expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }])
    })

    it('refuses what is nested too deeply, and goes on', async () => {
      const deep = `select 1${'+1'.repeat(50_000)}`
      expect((await rejection(pool.query(deep))).code).toMatch(/54001|53200/)
      expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }])
    })

    it('survives a COPY that nobody feeds', async () => {
      const client = await pool.connect()
      await rejection(client.query('copy k2.item from stdin'))
      client.release(true)
      expect((await pool.query('select 1 as a')).rows).toEqual([{ a: 1 }])
    })
  })

  describe('transactions', () => {
    const ids = async (): Promise<number[]> =>
      (await pool.query<{ id: number }>('select id from k2.item order by id')).rows.map((row) => row.id)

    it.each(['BEGIN', 'begin isolation level serializable', '  -- why\n/* and how */ START TRANSACTION'])(
      'opens with %j and commits',
      async (begin) => {
        await pool.query('delete from k2.item')
        await using(pool, async (client) => {
          await client.query(begin)
          await client.query('insert into k2.item values ($1)', [1])
          await client.query('-- done\ncommit')
        })
        expect(await ids()).toEqual([1])
      },
    )

    it('rolls back on request, and when the client is released', async () => {
      await pool.query('delete from k2.item')
      await using(pool, async (client) => {
        await client.query('begin')
        await client.query('insert into k2.item values (1)')
        await client.query('rollback')
        await client.query('insert into k2.item values (2)')
        await client.query('begin')
        await client.query('insert into k2.item values (3)')
      })
      expect(await ids()).toEqual([2])
    })

    it('refuses statements after an error until the rollback, and a commit then rolls back', async () => {
      await pool.query('delete from k2.item')
      await using(pool, async (client) => {
        await client.query('begin')
        await client.query('insert into k2.item values (1)')
        expect((await rejection(client.query('select 1/0'))).code).toBe('22012')
        expect((await rejection(client.query('select $1::int4', [1]))).code).toBe('25P02')
        expect((await rejection(client.query('select 1'))).code).toBe('25P02')
        expect((await client.query('commit')).command).toBe('ROLLBACK')
        expect((await client.query('select 1 as a')).rows).toEqual([{ a: 1 }])
      })
      expect(await ids()).toEqual([])
    })

    it('goes back to savepoints without leaving the transaction', async () => {
      await pool.query('delete from k2.item')
      await using(pool, async (client) => {
        await client.query('begin')
        await client.query('insert into k2.item values (1)')
        await client.query('savepoint s')
        expect((await rejection(client.query('insert into k2.item values (1)'))).code).toBe('23505')
        await client.query('rollback to savepoint s')
        await client.query('insert into k2.item values (2)')
        await client.query('commit')
      })
      expect(await ids()).toEqual([1, 2])
    })

    it('shows nobody half a transaction', async () => {
      await pool.query('create table k2.pair (who integer, n integer)')
      let reading = true
      let torn = 0
      const read = async (): Promise<void> => {
        while (reading) {
          const { rows } = await pool.query<{ n: number }>('select count(*)::int4 as n from k2.pair')
          if ((rows[0] as { n: number }).n % 2 !== 0) torn++
        }
      }
      const write = (who: number): Promise<void> =>
        using(pool, async (client) => {
          for (let n = 0; n < 25; n++) {
            await client.query('begin')
            await client.query('insert into k2.pair values ($1, $2)', [who, n])
            await new Promise((resolve) => setImmediate(resolve))
            await client.query('insert into k2.pair values ($1, $2)', [who, n])
            await client.query(n % 5 === 4 ? 'rollback' : 'commit')
          }
        })
      const readers = [read(), read()]
      await Promise.all(Array.from({ length: 8 }, (_, i) => write(i)))
      reading = false
      await Promise.all(readers)
      expect(torn).toBe(0)
      expect((await pool.query('select count(*)::int4 as n from k2.pair')).rows).toEqual([{ n: 8 * 20 * 2 }])
      await pool.query('drop table k2.pair')
    })

    it('lets a statement of an open transaction pass before the many that wait for it', async () => {
      await pool.query('delete from k2.item')
      await using(pool, async (client) => {
        await client.query('begin')
        await client.query('lock table k2.item in access exclusive mode')
        const waiting = Array.from({ length: 300 }, (_, i) => pool.query('insert into k2.item values ($1)', [i]))
        await client.query('insert into k2.item values (1000)')
        await client.query('commit')
        await Promise.all(waiting)
      })
      expect((await ids()).length).toBe(301)
    })

    it('rolls back when a client is given up in the middle of a statement', async () => {
      await pool.query('delete from k2.item')
      const client = await pool.connect()
      client.on('error', () => {})
      await client.query('begin')
      const running = client.query('insert into k2.item select 1 from generate_series(1, 200000) g group by 1').catch(() => {})
      client.release(true)
      await running
      await pool.query('insert into k2.item values (1)')
      expect(await ids()).toEqual([1])
    })
  })

  describe('notifications', () => {
    const collect = (client: PgClient): Notification[] => {
      const heard: Notification[] = []
      client.on('notification', (n: Notification) => heard.push({ channel: n.channel, payload: n.payload }))
      return heard
    }
    const next = async (client: PgClient): Promise<Notification> => {
      const [n] = (await once(client, 'notification')) as [Notification]
      return { channel: n.channel, payload: n.payload }
    }

    it('reach the client that listens, with a subscription behind comments', async () => {
      await using(pool, async (client) => {
        await client.query('-- the reader of jobs\n/* LISTEN nothing */ LISTEN k2_jobs;')
        const heard = next(client)
        await pool.query("select pg_notify('k2_jobs', $1)", ['one'])
        expect(await heard).toEqual({ channel: 'k2_jobs', payload: 'one' })
      })
    })

    it('keep channels apart, quoted names included', async () => {
      await using(pool, async (a) => {
        await using(pool, async (b) => {
          await a.query('listen Plain')
          await b.query('listen "Quoted ""x"""')
          const [heardA, heardB] = [collect(a), collect(b)]
          await pool.query("select pg_notify('plain', '1'), pg_notify('Quoted \"x\"', '2'), pg_notify('Plain', '3')")
          await a.query("select pg_notify('plain', 'end')")
          await b.query("select pg_notify('Quoted \"x\"', 'end')")
          await expect.poll(() => heardA.at(-1)?.payload).toBe('end')
          await expect.poll(() => heardB.at(-1)?.payload).toBe('end')
          expect(heardA.map((n) => n.payload)).toEqual(['1', 'end'])
          expect(heardB.map((n) => n.payload)).toEqual(['2', 'end'])
        })
      })
    })

    it('come after the commit, and not at all after a rollback', async () => {
      await using(pool, async (reader) => {
        await reader.query('listen k2_tx')
        const heard = collect(reader)
        await using(pool, async (writer) => {
          await writer.query('begin')
          await writer.query("notify k2_tx, 'rolled back'")
          await writer.query('rollback')
          await writer.query('begin')
          await writer.query("notify k2_tx, 'committed'")
          await writer.query('commit')
        })
        await expect.poll(() => heard.length).toBeGreaterThan(0)
        expect(heard.map((n) => n.payload)).toEqual(['committed'])
      })
    })

    it('go on for others when one client stops listening or leaves', async () => {
      await using(pool, async (stays) => {
        await stays.query('listen k2_shared')
        const leaves = await pool.connect()
        await leaves.query('listen k2_shared; listen k2_other')
        const stops = await pool.connect()
        await stops.query('listen k2_shared')
        const silent = collect(stops)
        await stops.query('unlisten *')
        leaves.release()
        const heard = next(stays)
        await pool.query("notify k2_shared, 'still here'")
        expect((await heard).payload).toBe('still here')
        expect(silent).toEqual([])
        stops.release()
      })
    })

    it('wake the subscriber of Database.listen until it ends', async () => {
      const heard: string[] = []
      const end = await db.listen('k2_helper', (payload) => heard.push(payload))
      await pool.query("notify k2_helper, 'a'")
      await expect.poll(() => heard).toEqual(['a'])
      await end()
      await pool.query("notify k2_helper, 'b'")
      expect(heard).toEqual(['a'])
    })
  })

  describe('load and limits', () => {
    it('answers many statements at once, each with its own result', async () => {
      const answers = await Promise.all(
        Array.from({ length: 1000 }, async (_, i) => (await pool.query<{ v: number }>('select $1::int4 as v', [i])).rows[0]?.v),
      )
      expect(answers).toEqual(Array.from({ length: 1000 }, (_, i) => i))
    })

    it('lets timers run while it is busy', async () => {
      let ticks = 0
      const timer = setInterval(() => ticks++, 1)
      for (let i = 0; i < 300; i++) await pool.query('select $1::int4', [i])
      clearInterval(timer)
      expect(ticks).toBeGreaterThan(5)
    })

    it('takes an idle transaction away from its client', async () => {
      const own = await fixture.open({ migrations: [], idleTransactionMs: 200 })
      try {
        await own.pool.query('delete from k2.item')
        const client = await own.pool.connect()
        const lost = once(client, 'error')
        await client.query('begin')
        await client.query('insert into k2.item values (1)')
        const [error] = await lost
        expect(toDbError(error).code).toBe('DB_TRANSACTION_IDLE')
        await expect(client.query('insert into k2.item values (2)')).rejects.toThrow()
        client.release(true)
        expect((await own.pool.query('select id from k2.item')).rows).toEqual([])
      } finally {
        await own.close()
      }
    })

    it('ends a statement that runs too long, and works afterwards', async () => {
      const own = await fixture.open({ migrations: [], statementTimeoutMs: 1000 })
      try {
        const error = await rejection(
          own.pool.query('select count(*) from generate_series(1, 100000) a, generate_series(1, 100000) b'),
        )
        expect(toDbError(error).code).toBe('DB_STATEMENT_TIMEOUT')
        await expect
          .poll(async () => (await own.pool.query('select 1 as a').catch(() => undefined))?.rows, { timeout: 20_000 })
          .toEqual([{ a: 1 }])
      } finally {
        await own.close()
      }
    })

    it('refuses use after the end', async () => {
      const own = await fixture.open({ migrations: [] })
      await own.close()
      await own.close()
      await expect(own.pool.query('select 1')).rejects.toThrow()
      await expect(own.pool.connect()).rejects.toThrow()
    })
  })
}
