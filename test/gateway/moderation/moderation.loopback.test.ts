import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PATIENCE, Stage, until } from '../../scenarios/stage.ts'

/** Moderation end to end (bridging 18): commands and buttons on Discord, Telegram and HTTP, effects on what is carried. */
describe('moderation', () => {
  let stage: Stage
  let room: ReturnType<Stage['addRoom']>
  let staff: string
  let mod: number
  let modDm: number

  beforeAll(async () => {
    stage = await Stage.open({
      config: (s) => {
        const { guild } = s.discord.info
        staff = s.discord.control.addChannel({ guild, name: 'staff' }).id
        const channel = s.discord.control.addChannel({ guild, name: 'market' }).id
        mod = s.telegram.control.addUser({ firstName: 'Mona' })
        room = { channel, chat: s.telegram.control.addChat({ title: 'market', admins: [s.bot.id], members: [s.tess, mod] }) }
        return {
          access: { admins: [`discord:${s.discord.info.user}`], moderators: [`telegram:${mod}`] },
          moderation: { channel: `discord/main/${guild}/${staff}` },
          routes: [
            {
              id: 'market',
              members: [{ place: `discord/main/${guild}/${channel}` }, { place: `telegram/main/${room.chat}` }],
              filters: [
                { name: 'trial', when: { textContains: ['tentative'] }, action: 'drop', dryRun: true },
                { name: 'look', when: { textMatches: 'gift ?card' }, action: 'hold' },
                { name: 'tell', when: { textContains: ['refund'] }, action: 'notify' },
              ],
              moderation: { invites: 'drop' },
            },
          ],
        }
      },
    })
    modDm = stage.telegram.control.startBot(mod, stage.bot.id)
    await until(() => stage.discord.control.commands({ bot: stage.discord.info.bot }).includes('k2-admin'))
  }, 300_000)
  afterAll(() => stage?.close())

  const tess = (text: string) => stage.telegram.control.post(room.chat, stage.tess, text)
  const arrives = (text: string) => until(() => stage.onDiscord(room.channel).includes(text))
  const filtered = (rule: string) => stage.metric('bridge_filtered_total', { rule })
  /** What is written, is decided about as `rule`, and does not arrive. */
  const stopped = async (text: string, rule: string) => {
    const before = filtered(rule)
    tess(text)
    await until(() => filtered(rule) > before)
    expect(stage.onDiscord(room.channel)).not.toContain(text)
  }
  const inModDm = (text: string) => until(() => stage.onTelegram(modDm).some((shown) => shown.includes(text)))
  const held = async () => (await stage.api<{ id: string; text: string; reason: string }[]>('GET', '/moderation/waiting')).body
  const staffNotice = (text: string) => {
    const shown = stage.discord.control.visible({ channel: staff }) as readonly {
      id: string
      content: string
      embeds?: unknown
    }[]
    return shown.find((m) => JSON.stringify(m).includes(text))
  }

  it('bans by a Discord command after asking, also over a restart', { timeout: 240_000 }, async () => {
    const tessId = `telegram:${stage.tess}`
    tess('hello there')
    await arrives('hello there')
    const { user } = stage.discord.info
    const asked = stage.discord.control.runCommand({
      user,
      channel: room.channel,
      command: 'k2-admin mod ban',
      options: { account: tessId, route: 'market', reason: 'test' },
      admin: true,
    })
    const question = await stage.discord.control.answer({ ...asked, timeoutMs: PATIENCE.timeout })
    const id = question.messages[0]?.id as string
    const pressed = stage.discord.control.pressButton({ user, message: id, label: 'Yes, do it', admin: true })
    await stage.discord.control.answer({ ...pressed, timeoutMs: PATIENCE.timeout })
    await stopped('while banned', 'banned')

    await stage.stop()
    await stage.start()
    await stopped('after the restart', 'banned')
    expect(
      (await stage.api<{ bars: { account: string; kind: string; route: string }[] }>('GET', '/moderation')).body.bars,
    ).toEqual([expect.objectContaining({ account: tessId, kind: 'ban', route: 'market', reason: 'test' })])
    expect((await stage.api('POST', '/moderation/lift', { account: tessId })).status).toBe(200)
    tess('free again')
    await arrives('free again')
    const audit = (await stage.api<{ command: string; outcome: string }[]>('GET', '/audit')).body
    expect(audit).toContainEqual(expect.objectContaining({ command: 'mod ban', outcome: 'done', actorKey: `discord:${user}` }))
  })

  it('lets a moderator on Telegram mute for a while, but nobody above them', { timeout: 120_000 }, async () => {
    stage.telegram.control.post(modDm, mod, `/k2_mod_mute telegram:${stage.tess} for=2h`)
    await inModDm('is not heard until')
    await stopped('muted words', 'muted')
    stage.telegram.control.post(modDm, mod, `/k2_mod_mute discord:${stage.discord.info.user}`)
    await inModDm('take that right away first')
    stage.telegram.control.post(modDm, mod, `/k2_mod_purge telegram:${stage.tess}`)
    await inModDm('Only administrators may do this')
    stage.telegram.control.post(modDm, mod, `/k2_mod_lift telegram:${stage.tess}`)
    await inModDm('is heard again')
    tess('speaking again')
    await arrives('speaking again')
  })

  it('keeps what a filter holds until a moderator presses a button, with the newest text', { timeout: 240_000 }, async () => {
    const message = tess('cheap gift card')
    await until(() => staffNotice('cheap gift card') !== undefined)
    expect(await held()).toMatchObject([{ text: 'cheap gift card', reason: 'look' }])
    stage.telegram.control.edit(room.chat, message, 'cheap gift card, really')
    await until(async () => (await held())[0]?.text.endsWith('really') === true)
    const notice = staffNotice('cheap gift card') as { id: string }
    const { user } = stage.discord.info
    const pressed = stage.discord.control.pressButton({ user, message: notice.id, label: 'Let it through', admin: true })
    await stage.discord.control.answer({ ...pressed, timeoutMs: PATIENCE.timeout })
    await arrives('cheap gift card, really')
    expect(await held()).toEqual([])
    // It is a message like any other now: an edit reaches its copy.
    stage.telegram.control.edit(room.chat, message, 'cheap gift card, sold')
    await arrives('cheap gift card, sold')

    tess('another gift card')
    await until(async () => (await held()).length === 1)
    const [waiting] = await held()
    expect((await stage.api('POST', `/moderation/waiting/${waiting?.id}/reject`, {})).status).toBe(200)
    expect((await stage.api('POST', `/moderation/waiting/${waiting?.id}/approve`, {})).status).toBe(400)
    await until(() => JSON.stringify(stage.discord.control.visible({ channel: staff })).includes('Refused by Operator'))
    expect(stage.onDiscord(room.channel)).not.toContain('another gift card')
  })

  it('notes what a filter under trial would do, tells moderators, and stops invitations', { timeout: 120_000 }, async () => {
    tess('a tentative refund')
    await arrives('a tentative refund')
    expect(stage.metric('bridge_filter_dry_run_total', { rule: 'trial' })).toBe(1)
    await until(() => staffNotice('noticed by tell') !== undefined)
    await stopped('join t.me/+AbCdEfGh', 'invite')
  })

  it('slows a route down, and keeps newcomers out of a raid', { timeout: 120_000 }, async () => {
    expect((await stage.api('PUT', '/moderation/slow', { every: '1h', route: 'market' })).status).toBe(200)
    tess('one per hour')
    await arrives('one per hour')
    await stopped('too soon', 'slow-mode')
    await stage.stop()
    await stage.start()
    await stopped('too soon after a restart', 'slow-mode')
    expect((await stage.api('PUT', '/moderation/slow', { every: 'off', route: 'market' })).status).toBe(200)

    expect((await stage.api('PUT', '/moderation/raid', { for: '10m', route: 'market' })).status).toBe(200)
    const stranger = stage.telegram.control.addUser({ firstName: 'Raider' })
    stage.telegram.control.join(room.chat, stranger)
    stage.telegram.control.post(room.chat, stranger, 'buy my coin')
    await until(() => filtered('raid') > 0)
    tess('known people are heard')
    await arrives('known people are heard')
    expect(stage.onDiscord(room.channel)).not.toContain('buy my coin')
    expect((await stage.api('PUT', '/moderation/raid', { for: 'off', route: 'market' })).status).toBe(200)
  })

  it('does not carry people who opted out, names them nowhere, and forgets them', { timeout: 120_000 }, async () => {
    const dm = stage.telegram.control.startBot(stage.tess, stage.bot.id)
    const inDm = (text: string) =>
      stage.telegram.control.untilVisible({ chatId: dm, text, count: 1, timeoutMs: PATIENCE.timeout })
    stage.telegram.control.post(dm, stage.tess, '/k2_privacy_optout')
    await inDm('stays where it is written')
    await stopped('for this group alone', 'optout')
    stage.telegram.control.post(dm, stage.tess, '/k2_id')
    await until(async () => {
      const audit = (await stage.api<{ command: string; actorName: string }[]>('GET', '/audit')).body
      return audit.some((e) => e.command === 'node id' && /^person [a-z2-7]{8}$/i.test(e.actorName))
    })
    stage.telegram.control.post(dm, stage.tess, '/k2_privacy_optin')
    await inDm('is carried to other networks')
    const purged = await stage.api<{ messages: number }>('POST', '/moderation/purge', { account: `telegram:${stage.tess}` })
    expect(purged.body.messages).toBeGreaterThan(5)
    tess('after the purge')
    await arrives('after the purge')
    expect(stage.telegram.remarks).toEqual([])
    expect(stage.discord.control.violations()).toEqual([])
  })
})
