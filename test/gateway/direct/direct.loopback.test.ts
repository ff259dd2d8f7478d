import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PATIENCE, Stage, until } from '../../scenarios/stage.ts'
import { startTestNode, type TestNode } from '../../support/k2-nodes.ts'

/** Direct messages of bridging 19, end to end: people on Discord and Telegram, a K2 peer, staff in a Discord channel. */
describe('direct messages', () => {
  let stage: Stage
  let berta: TestNode
  let staff: string
  let dm: string
  let tessDm: number

  beforeAll(async () => {
    berta = await startTestNode({ topics: ['Goods'] })
    stage = await Stage.open({
      config: (s) => {
        const { guild } = s.discord.info
        staff = s.discord.control.addChannel({ guild, name: 'staff' }).id
        return {
          node: { mode: 'loopback', topics: ['Goods'], peers: [berta.ticket], contacts: [{ name: 'berta', id: berta.id }] },
          direct: { inbox: `discord/main/${guild}/${staff}` },
          access: { admins: [`discord:${s.discord.info.user}`] },
        }
      },
    })
    await until(() => stage.discord.control.commands({ bot: stage.discord.info.bot }).includes('k2'))
    berta.node.addContact({ name: 'gateway', addr: stage.gateway.node.addr() })
    await berta.neighbor('Goods', stage.gateway.node.id)
    dm = stage.discord.control.openDm({ user: stage.discord.info.user, bot: stage.discord.info.bot }).id
    tessDm = stage.telegram.control.startBot(stage.tess, stage.bot.id)
  }, 300_000)
  afterAll(async () => {
    await stage?.close()
    await berta?.stop()
  })

  const run = async (command: string, options: Record<string, string> = {}, channel = dm): Promise<string> => {
    const asked = stage.discord.control.runCommand({ user: stage.discord.info.user, channel, command, options })
    const view = await stage.discord.control.answer({ ...asked, timeoutMs: PATIENCE.timeout })
    return view.messages.map((m) => m.text).join('\n')
  }
  const inDm = (text: string) => until(() => stage.onDiscord(dm).some((line) => line.includes(text)))
  const inTessDm = (text: string) =>
    stage.telegram.control.untilVisible({ chatId: tessDm, text, count: 1, timeoutMs: PATIENCE.timeout })
  const conversations = async () =>
    (await stage.api<{ id: string; kind: string; personName: string }[]>('GET', '/conversations')).body
  const online = () =>
    until(() => stage.gateway.node.topics().some((t) => t.contact === berta.id && t.neighbors.includes(berta.id)))
  const codeFor = async (): Promise<string> => {
    const message = await berta.message(
      (m) => m.type === 'chat' && m.text.includes('answer with this code') && !codes.has(codeIn(m.text)),
    )
    const code = message.type === 'chat' ? codeIn(message.text) : ''
    codes.add(code)
    return code
  }
  const codes = new Set<string>()
  const codeIn = (text: string): string => /minutes: ([A-Z2-7]{8})/.exec(text)?.[1] ?? ''
  const say = (text: string) => berta.node.sendDirect(stage.gateway.node.id, { text, senderName: 'Berta', key: `k-${text}` })

  it('joins a Discord chat with a K2 contact that agrees, and /end ends it', { timeout: 240_000 }, async () => {
    await online()
    expect(await run('k2 dm pair', { contact: 'berta' })).toContain('berta was asked')
    await say('WRONGCOD')
    await say(await codeFor())
    await inDm('You are talking with the K2 contact berta')
    await berta.message((m) => m.type === 'chat' && m.text.includes('is stored by Discord, too'))

    stage.ann(dm, 'hello Berta')
    await berta.message((m) => m.type === 'chat' && m.text.includes('hello Berta'))
    await say('hello Ann')
    await inDm('hello Ann')
    expect((await conversations()).map((c) => c.kind)).toEqual(['pair'])
    expect(await run('k2 dm pair', { contact: 'berta' })).toContain('end it first')

    // Over a restart it goes on.
    await stage.stop()
    await stage.start()
    await online()
    stage.ann(dm, 'still there?')
    await berta.message((m) => m.type === 'chat' && m.text.includes('still there?'))

    await say('/end')
    await inDm('This conversation has ended')
    expect(await conversations()).toEqual([])
    expect(stage.onDiscord(dm).filter((text) => text.includes('WRONGCOD') || /: \/end$/.test(text) || codes.has(text))).toEqual(
      [],
    )
    expect(stage.discord.control.violations()).toEqual([])
  })

  it('does the same on Telegram, and a block keeps a person out', { timeout: 240_000 }, async () => {
    await online()
    stage.telegram.control.post(tessDm, stage.tess, '/k2_pair berta')
    await inTessDm('berta was asked')
    await say(await codeFor())
    await inTessDm('You are talking with the K2 contact')
    stage.telegram.control.post(tessDm, stage.tess, 'hello from Tess')
    await berta.message((m) => m.type === 'chat' && m.text.includes('hello from Tess'))
    await say('hello Tess')
    await inTessDm('hello Tess')
    stage.telegram.control.post(tessDm, stage.tess, '/end')
    await inTessDm('This conversation has ended')
    await until(async () => (await conversations()).length === 0)

    stage.telegram.control.post(tessDm, stage.tess, '/k2_pair berta')
    await stage.telegram.control.untilVisible({ chatId: tessDm, text: 'berta was asked', count: 2, timeoutMs: PATIENCE.timeout })
    await codeFor()
    await say('block')
    await until(async () => (await stage.api<unknown[]>('GET', '/conversation-requests')).body.length === 0)
    stage.telegram.control.post(tessDm, stage.tess, '/k2_pair berta')
    await inTessDm('does not want to be asked')
  })

  it('gives people who write to the bot a thread of the staff, in order and both ways', { timeout: 240_000 }, async () => {
    for (const text of ['one', 'two', 'three']) stage.telegram.control.post(tessDm, stage.tess, `question ${text}`)
    let thread = ''
    await until(() => {
      const [found] = stage.discord.control.threads({ channel: staff })
      thread = found?.id ?? ''
      return thread !== '' && stage.onDiscord(thread).length >= 4
    })
    expect(stage.onDiscord(thread)).toEqual([expect.stringContaining('Tess'), 'question one', 'question two', 'question three'])
    stage.ann(thread, 'we will look into it')
    await inTessDm('we will look into it')
    const [open] = await conversations()
    expect(open).toMatchObject({ kind: 'inbox', personName: 'Tess' })

    // A block by the staff: nothing more arrives, and the person is told that it is over.
    expect((await stage.api('POST', `/inbox/${open?.id}/block`, {})).status).toBe(200)
    await inTessDm('This conversation has ended')
    stage.telegram.control.post(tessDm, stage.tess, 'hello?')
    await until(() => stage.metric('bridge_filtered_total', { rule: 'no-route' }) > 0)
    expect(stage.discord.control.threads({ channel: staff })).toHaveLength(1)
    expect((await stage.api('DELETE', `/inbox/telegram:${stage.tess}/block`)).status).toBe(200)
    stage.telegram.control.post(tessDm, stage.tess, 'better now?')
    await until(() => stage.discord.control.threads({ channel: staff }).length === 2)
    expect(stage.telegram.remarks).toEqual([])
  })
})
