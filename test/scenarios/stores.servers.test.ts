import { afterAll, beforeAll, expect, it } from 'vitest'
import { startPostgres, type TestPostgres } from '../support/postgres.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { describeWith } from '../support/servers.ts'
import { Scene } from './rig.ts'

const LIMIT = { timeout: 240_000 }
/** A server and a gateway start, on a machine that does other things as well. */
const OPENING_MS = 180_000
const BOTH = ['discord', 'telegram'] as const

describeWith('redis', 'bridging 22.B: Redis emptied and restarted in the middle', () => {
  let redis: TestRedis
  let scene: Scene

  beforeAll(async () => {
    redis = await startRedis()
    scene = await Scene.open({ rooms: 3, config: { queue: { driver: 'redis', url: redis.url } } })
  }, OPENING_MS)
  afterAll(async () => {
    await scene?.close()
    await redis?.stop()
  })

  it('is exact', LIMIT, async () => {
    await scene.writeMany(6, BOTH)
    const first = scene.writeMany(60, BOTH, 10)
    await redis.flush()
    await first
    const second = scene.writeMany(60, BOTH, 10)
    await redis.restart()
    await second
    await redis.flush()
    await scene.writeMany(30, BOTH)
    await scene.exact()
  })
})

describeWith('postgres', 'bridging 22.B: the database restarted in the middle', () => {
  let postgres: TestPostgres
  let scene: Scene

  beforeAll(async () => {
    postgres = await startPostgres()
    scene = await Scene.open({ rooms: 3, config: { database: { driver: 'postgres', url: postgres.url } } })
  }, OPENING_MS)
  afterAll(async () => {
    await scene?.close()
    await postgres?.stop()
  })

  it('is exact', LIMIT, async () => {
    await scene.writeMany(6, BOTH)
    await scene.arrived()
    for (let round = 0; round < 2; round++) {
      const writing = scene.writeMany(60, BOTH, 10)
      await postgres.restart()
      await writing
    }
    await scene.writeMany(30, BOTH)
    // No send of a process that goes on is in doubt because its database was away.
    expect(await scene.exact()).toBe(0)
  })
})
