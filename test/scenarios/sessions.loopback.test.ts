import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import type { GatewayAction } from '../fakes/discord/control.ts'
import { Scene } from './rig.ts'

let scene: Scene
afterEach(() => scene?.close())

const LIMIT = { timeout: 240_000 }
const MINUTE = 60_000
const WAITS = { timeout: 60_000, interval: 20 }

describe('bridging 22.C: the Discord gateway in every kind of trouble', () => {
  it(
    'is exact; sessions are resumed whenever that is allowed, and identified anew once for each that is lost',
    LIMIT,
    async () => {
      scene = await Scene.open({ rooms: 2, discord: { heartbeatMs: 1_000 } })
      const { control } = scene.discord
      const both = ['discord', 'telegram'] as const
      await scene.writeMany(4, both)
      await scene.arrived()
      const troubles: readonly (readonly [GatewayAction, 'resumed' | 'identifies'])[] = [
        [{ action: 'reconnect' }, 'resumed'],
        [{ action: 'invalid-session', resumable: true }, 'resumed'],
        [{ action: 'invalid-session', resumable: false }, 'identifies'],
        [{ action: 'close', code: 4000 }, 'resumed'],
        [{ action: 'close', code: 4008 }, 'resumed'],
        [{ action: 'close', code: 4009 }, 'identifies'],
        [{ action: 'zombie', on: true }, 'resumed'],
        [{ action: 'reset' }, 'resumed'],
        [{ action: 'refuse', ms: 2_000 }, 'resumed'],
      ]
      for (const [trouble, expected] of troubles) {
        const before = control.stats()
        const writing = scene.writeMany(24, both, 10)
        await pause(60)
        await control.gateway(trouble)
        // Two of the sixty seconds of refused connections are real.
        if (trouble.action === 'refuse') scene.clock.shift(MINUTE - trouble.ms)
        await writing
        const times = (): number => control.stats()[expected] - before[expected]
        await expect.poll(times, { ...WAITS, message: JSON.stringify(trouble) }).toBeGreaterThanOrEqual(1)
        await scene.arrived()
      }
      await scene.exact()
      // The start and the two sessions that were lost.
      expect(control.stats().identifies).toBe(3)
      expect(control.stats().resumed).toBeGreaterThanOrEqual(7)
    },
  )
})

describe('bridging 22.D: ten minutes without Discord', () => {
  it('brings 300 messages of both sides afterwards, in order and marked with their time', LIMIT, async () => {
    scene = await Scene.open({ rooms: 2 })
    const { control } = scene.discord
    const both = ['discord', 'telegram'] as const
    await scene.writeMany(4, both)
    await scene.arrived()
    control.fault({ effect: { kind: 'status', status: 503 } })
    await control.gateway({ action: 'refuse', ms: 2_000 })
    await scene.writeMany(150, both)
    scene.clock.shift(5 * MINUTE)
    await scene.writeMany(150, both)
    scene.clock.shift(5.5 * MINUTE)
    control.clearFaults()
    await scene.exact()
    const late = scene.rooms.flatMap((room) =>
      both.flatMap((side) => scene.seen(room, side).filter(({ line }) => Number(line.slice(-4)) >= 1)),
    )
    expect(late).toHaveLength(300)
    expect(late.filter(({ text }) => !/\b\d\d:\d\d\b|<t:\d+:t>/.test(text))).toEqual([])
  })
})
