import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPostgres, type TestPostgres } from '../support/postgres.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { describeWith } from '../support/servers.ts'
import { Scene } from './rig.ts'

const HOUR = 3_600_000
/** Rounds of six hours: two weeks, so that everything that is kept for a week is removed for as long again. */
const ROUNDS = 56
const FIRST_LOOK = 40
const LINES = 12
const DAY = 24 * HOUR
const TABLES = ['inbox', 'message', 'copy', 'delivery', 'lane', 'cursor', 'reaction', 'dead_letter']

interface Look {
  readonly rows: Readonly<Record<string, number>>
  readonly keys: number
  readonly handles: number
  readonly heapMiB: number
}

/** Scenario O of bridging 22: what days of use leave behind is removed as fast as it comes. */
describe('bridging 22.O: a long time', () => {
  describeWith('redis', 'with a queue on Redis', () => {
    describeWith('postgres', 'and a database on Postgres', () => {
      let postgres: TestPostgres
      let redis: TestRedis
      let scene: Scene
      let db: Client
      let queue: Redis
      setFlagsFromString('--expose_gc')
      const collect = runInNewContext('gc') as () => void

      beforeAll(async () => {
        ;[postgres, redis] = await Promise.all([startPostgres(), startRedis()])
        scene = await Scene.open({
          rooms: 2,
          config: {
            database: { driver: 'postgres', url: postgres.url },
            queue: { driver: 'redis', url: redis.url },
            limits: { retention: '7d', authorRate: 'off' },
          },
        })
        db = new Client({ connectionString: postgres.url })
        await db.connect()
        queue = new Redis(redis.url)
      }, 180_000)
      afterAll(async () => {
        await db?.end()
        queue?.disconnect()
        await scene?.close()
        await Promise.all([postgres?.stop(), redis?.stop()])
      })

      const number = async (sql: string, values: readonly unknown[] = []): Promise<number> =>
        Number((await db.query<{ n: string }>(sql, [...values])).rows[0]?.n)

      /** When the tidying of the moment is done. */
      const look = async (): Promise<Look> => {
        const old = scene.clock.now() - 7 * DAY
        await expect
          .poll(() => number('select count(*) as n from k2.inbox where received_at < $1', [old]), { timeout: 30_000 })
          .toBe(0)
        await expect
          .poll(() => number('select count(*) as n from k2.message where created_at < $1', [old]), { timeout: 30_000 })
          .toBe(0)
        const rows: Record<string, number> = {}
        for (const table of TABLES) rows[table] = await number(`select count(*) as n from k2.${table}`)
        collect()
        return {
          rows,
          keys: await queue.dbsize(),
          handles: process.getActiveResourcesInfo().length,
          heapMiB: process.memoryUsage().heapUsed / 1024 ** 2,
        }
      }

      it('leaves tables, keys, handles and memory as they are', { timeout: 240_000 }, async () => {
        const looks: Look[] = []
        for (let round = 1; round <= ROUNDS; round++) {
          await scene.writeMany(LINES, ['discord', 'telegram'])
          await scene.arrived()
          if (round === FIRST_LOOK || round === ROUNDS) looks.push(await look())
          scene.clock.shift(6 * HOUR)
          // Lanes that rested for six hours hold nothing.
          await expect.poll(() => number('select count(*) as n from k2.lane where lease_until > 0'), { timeout: 30_000 }).toBe(0)
        }
        const [before, after] = looks as [Look, Look]
        for (const table of TABLES) {
          const [then, now] = [before.rows[table] as number, after.rows[table] as number]
          expect(now, table).toBeLessThanOrEqual(then * 1.2 + 20)
        }
        // A week of lines, a copy and an original each, and not two weeks of them.
        expect(after.rows.message).toBeLessThanOrEqual(LINES * 4 * 8)
        expect(after.keys).toBeLessThanOrEqual(before.keys + 5)
        expect(after.handles).toBeLessThanOrEqual(before.handles + 5)
        // The platforms' own memory of what was said is in here, too.
        expect(after.heapMiB).toBeLessThanOrEqual(before.heapMiB + 15)
        // Six hours pass at once: nobody can send heartbeats in between.
        scene.discord.control.takeViolations({ kind: 'gateway' })
        await scene.exact()
      })
    })
  })
})
