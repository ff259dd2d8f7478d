import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BREAKER } from '../../src/gateway/pipeline/breaker.ts'
import { ShiftedClock } from '../gateway/pipeline/rig.ts'
import { Stage, until } from './stage.ts'

/** Time before the name of what was written long ago: the gateway's clock goes ahead here. */
const LATE = /^\d\d:\d\d · /

/** Scenario K of bridging 22, first part: a program that repeats whatever it reads, on both sides of a route. */
describe('bridging 22.K: a foreign bot that echoes', () => {
  let stage: Stage
  const clock = new ShiftedClock()
  let open: ReturnType<Stage['addRoom']>
  let closed: ReturnType<Stage['addRoom']>
  let parrot: number
  const echoed = new Set<string>()

  beforeAll(async () => {
    stage = await Stage.open({
      clock,
      config: (s) => {
        const { guild } = s.discord.info
        parrot = s.telegram.control.addUser({ firstName: 'Parrot', isBot: true })
        s.telegram.control.setSeesBots(s.bot.id, true)
        const room = (name: string) => ({
          channel: s.discord.control.addChannel({ guild, name }).id,
          chat: s.telegram.control.addChat({ title: name, members: [s.bot.id, s.tess, parrot] }),
        })
        open = room('open')
        closed = room('closed')
        const members = ({ channel, chat }: typeof open) => [
          { place: `discord/main/${guild}/${channel}` },
          { place: `telegram/main/${chat}` },
        ]
        return {
          routes: [
            { id: 'open', members: members(open), bots: 'all' },
            { id: 'closed', members: members(closed) },
          ],
        }
      },
    })
  }, 300_000)
  afterAll(() => stage?.close())

  /** Repeats on both sides what it has not repeated yet, as echo bots do. */
  const echo = ({ channel, chat }: typeof open): void => {
    for (const { id, content } of stage.discord.control.visible({ channel })) {
      if (echoed.has(`d${id}`)) continue
      echoed.add(`d${id}`)
      echoed.add(`d${stage.discord.control.foreignWebhookSay({ channel, name: 'Parrot', content }).id}`)
    }
    for (const { id, text, from } of stage.telegram.control.visible(chat)) {
      if (from === 'Parrot' || echoed.has(`t${chat}/${id}`)) continue
      echoed.add(`t${chat}/${id}`)
      stage.telegram.control.post(chat, parrot, text)
    }
  }
  const words = ({ channel, chat }: typeof open): number =>
    stage.discord.control.visible({ channel }).length + stage.telegram.control.visible(chat).length
  const copies = (chat: number, text: string): number =>
    stage.telegram.control.visible(chat).filter((m) => m.from !== 'Parrot' && m.text.replace(LATE, '') === `Ann: ${text}`).length
  /** Lets the program and the gateway answer each other until nobody says anything new. */
  const quiet = async (room: typeof open): Promise<void> => {
    let before = -1
    await until(async () => {
      echo(room)
      for (const { lane } of await stage.gateway.pipeline.admin.lanes()) await stage.gateway.pipeline.runLane(lane, 1_000)
      const now = words(room)
      const isQuiet = now === before
      before = now
      return isQuiet
    })
  }

  it('is not bridged at all by default', { timeout: 120_000 }, async () => {
    stage.ann(closed.channel, 'said by a person here')
    await until(() => copies(closed.chat, 'said by a person here') === 1)
    await quiet(closed)
    expect(copies(closed.chat, 'said by a person here')).toBe(1)
    // Its own words stay where it says them: one by Ann and one by the program on Discord, and no more.
    expect(stage.discord.control.visible({ channel: closed.channel })).toHaveLength(2)
    expect(stage.metric('bridge_filtered_total', { rule: 'bots' })).toBeGreaterThan(0)
  })

  it('trips the breaker where bots are bridged, while people go on', { timeout: 120_000 }, async () => {
    stage.ann(open.channel, 'a sentence that goes round')
    await until(() => copies(open.chat, 'a sentence that goes round') === 1)
    await quiet(open)
    expect(stage.metric('bridge_loop_breaks_total', { rule: 'tripped-same-text' })).toBe(1)
    expect(words(open)).toBeLessThan(4 * BREAKER.sameTexts + 4)
    expect(copies(open.chat, 'a sentence that goes round')).toBe(1)

    for (let n = 0; n < 5; n++) stage.ann(open.channel, `people go on ${n}`)
    await until(() => copies(open.chat, 'people go on 4') === 1)
    await quiet(open)
    for (let n = 0; n < 5; n++) expect(copies(open.chat, `people go on ${n}`)).toBe(1)
    expect(stage.metric('bridge_filtered_total', { rule: 'loop:breaker' })).toBeGreaterThan(0)

    // After its time bots are heard again, and stopped again.
    clock.shift(BREAKER.suspendMs + 1_000)
    stage.ann(open.channel, 'once more around')
    await until(() => copies(open.chat, 'once more around') === 1)
    await quiet(open)
    expect(stage.metric('bridge_loop_breaks_total', { rule: 'tripped-same-text' })).toBe(2)
    expect(copies(open.chat, 'once more around')).toBe(1)
    expect(stage.discord.control.violations()).toEqual([])
  })
})
