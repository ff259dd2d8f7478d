import { afterEach, describe, expect, it } from 'vitest'
import { Scene } from './rig.ts'

let scene: Scene
afterEach(() => scene?.close())

/** Messages at once to one place: ten times what it takes in the time they are written. */
const STORM = { discord: 40, telegram: 24 }
const CALM = 3

describe('bridging 22.F: ten times more than the platforms take', () => {
  it('loses nothing, keeps order and every wait, and holds no other lane up', { timeout: 300_000 }, async () => {
    scene = await Scene.open({
      rooms: 4,
      discord: { profile: 'real-like' },
      telegram: { limits: 'real-like' },
      telegramLimits: 'default',
    })
    const { discord, telegram, rooms } = scene
    const [storm, ...calm] = rooms as [(typeof rooms)[number], ...(typeof rooms)[number][]]
    for (const room of rooms) await scene.write(room, 'telegram')
    await scene.arrived()
    const invalid = discord.control.stats().invalidRequests
    for (let n = 0; n < STORM.discord; n++) await scene.write(storm, 'telegram')
    for (let n = 0; n < STORM.telegram; n++) await scene.write(storm, 'discord')
    for (let n = 0; n < CALM; n++)
      for (const room of calm) for (const side of ['discord', 'telegram'] as const) await scene.write(room, side)
    const reached = (): number =>
      calm.reduce((sum, room) => sum + scene.seen(room, 'discord').length + scene.seen(room, 'telegram').length, 0)
    await expect.poll(reached, { timeout: 120_000, interval: 20 }).toBe(calm.length * (2 * CALM + 1))
    // The others were through while the storm had most of its way before it.
    expect(scene.seen(storm, 'discord').length).toBeLessThan(STORM.discord)
    expect(scene.seen(storm, 'telegram').length).toBeLessThan(STORM.telegram)
    await scene.exact()
    // Refusals: none on Discord, which says what is left; on Telegram fewer than one in fifty sends.
    expect(discord.control.stats().invalidRequests - invalid).toBe(0)
    const refused = telegram.requests.filter((r) => r.status === 429).length
    expect(refused).toBeLessThanOrEqual(telegram.requests.filter((r) => r.method === 'sendMessage').length / 50 + 1)
  })
})
