import { afterEach, describe, expect, it } from 'vitest'
import { Scene } from './rig.ts'

let scene: Scene
afterEach(() => scene?.close())

describe('bridging 22.G: one destination that answers after ten seconds each time', () => {
  it('delays nobody else, and costs no memory but its own queue', { timeout: 240_000 }, async () => {
    scene = await Scene.open({ rooms: 6 })
    const { discord, telegram, rooms, gateway } = scene
    await scene.writeMany(12, ['discord', 'telegram'])
    await scene.arrived()
    const slow = rooms[0] as (typeof rooms)[number]
    const hook = discord.control.webhooks().find((w) => w.channel === slow.channel)?.id as string
    discord.control.fault({
      name: 'slow',
      method: 'POST',
      route: `/webhooks/${hook}/`,
      effect: { kind: 'delay-before', ms: 10_000 },
    })
    // The slow lane has far more waiting than the others, and it was there first.
    for (let n = 0; n < 200; n++) await scene.write(slow, 'telegram')
    await expect.poll(() => discord.control.faultCounts().slow ?? 0, { timeout: 60_000 }).toBe(1)
    for (let n = 0; n < 40; n++) for (const room of rooms.slice(1)) await scene.write(room, 'telegram')
    const others = (): number => rooms.slice(1).reduce((sum, room) => sum + scene.seen(room, 'discord').length, 0)
    const before = discord.control.faultCounts().slow ?? 0
    await expect.poll(others, { timeout: 120_000, interval: 20 }).toBe(5 * 41)
    // All of that went past the slow lane while it was in one send or two; sixty-fold what its pace allows.
    expect((discord.control.faultCounts().slow ?? 0) - before).toBeLessThan(12)
    const { waiting, inflight } = gateway.pipeline.stats()
    expect(waiting).toBe(0)
    expect(inflight).toBeLessThanOrEqual(32)
    const lane = (await gateway.pipeline.admin.lanes()).find((l) => l.lane.includes(slow.channel))
    expect(lane?.depth).toBeGreaterThan(150)
    expect(telegram.remarks).toEqual([])
    discord.control.clearFaults()
    await scene.exact()
  })
})
