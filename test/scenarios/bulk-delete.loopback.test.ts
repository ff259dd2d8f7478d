import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Stage, until } from './stage.ts'

const LINES = 60

/** The row "bulk delete" of bridging 10.1: many deletes of a place are few calls, and each copy is gone whatever the platform takes. */
describe('bridging 10.1: many messages deleted at once', () => {
  let stage: Stage
  let from: string
  let chat: number
  let shown: string

  beforeAll(async () => {
    stage = await Stage.open({
      config: (s) => {
        const { guild } = s.discord.info
        from = s.discord.control.addChannel({ guild, name: 'from' }).id
        shown = s.discord.control.addChannel({ guild, name: 'shown' }).id
        chat = s.telegram.control.addChat({ title: 'Chat', admins: [s.bot.id], members: [s.tess] })
        return {
          routes: [
            {
              id: 'bulk',
              members: [
                { place: `discord/main/${guild}/${from}` },
                { place: `discord/main/${guild}/${shown}`, identity: 'bot' },
                { place: `telegram/main/${chat}` },
              ],
            },
          ],
        }
      },
    })
  }, 300_000)
  afterAll(() => stage?.close())

  const copies = () => ({
    discord: stage.discord.control.visible({ channel: shown }).filter((m) => m.content.includes('line')).length,
    telegram: stage.telegram.control.visible(chat).filter((m) => m.text?.includes('line')).length,
  })
  const calls = () => ({
    discord:
      stage.discord.control.requests({ method: 'DELETE', path: `/channels/${shown}/messages/` }).length +
      stage.discord.control.requests({ path: `/channels/${shown}/messages/bulk-delete` }).length,
    telegram: ['deleteMessage', 'deleteMessages'].reduce((n, m) => n + stage.telegram.control.requests(m).length, 0),
  })
  const tellAndDelete = async (): Promise<{ discord: number; telegram: number }> => {
    const messages = Array.from({ length: LINES }, (_, n) => stage.ann(from, `line ${n}`))
    await until(() => copies().discord === LINES && copies().telegram === LINES)
    const before = calls()
    const stays = stage.ann(from, 'this line stays')
    stage.discord.control.remove({ channel: from, messages })
    stage.ann(from, 'and this line, too')
    await until(() => copies().discord === 2 && copies().telegram === 2)
    const after = calls()
    stage.discord.control.remove({ channel: from, messages: [stays] })
    await until(() => copies().discord === 1 && copies().telegram === 1)
    stage.discord.control.remove({
      channel: from,
      messages: stage.discord.control.visible({ channel: from }).map((m) => m.id),
    })
    await until(() => copies().discord === 0 && copies().telegram === 0)
    expect(await stage.gateway.pipeline.admin.deadLetters(10)).toEqual([])
    return { discord: after.discord - before.discord, telegram: after.telegram - before.telegram }
  }

  it('takes few calls on both platforms, and touches nothing else', { timeout: 240_000 }, async () => {
    const used = await tellAndDelete()
    expect(used.discord).toBeLessThan(LINES / 2)
    expect(used.telegram).toBeLessThan(LINES / 2)
    expect(stage.discord.control.requests({ path: '/messages/bulk-delete' }).length).toBeGreaterThan(0)
  })

  it('goes on one by one where the bot may not delete many, or one of many cannot be deleted', { timeout: 240_000 }, async () => {
    const { control, info } = stage.discord
    control.deny({ channel: shown, bot: info.bot, permissions: ['MANAGE_MESSAGES'] })
    const description = "Bad Request: message can't be deleted"
    stage.telegram.control.addFault({
      method: 'deleteMessages',
      effect: { kind: 'status', status: 400, body: { ok: false, error_code: 400, description } },
    })
    await tellAndDelete()
    control.deny({ channel: shown, bot: info.bot, permissions: [] })
    stage.telegram.control.clearFaults()
    expect(stage.discord.control.violations()).toEqual([])
  })
})
