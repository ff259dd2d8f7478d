import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PATIENCE, Stage, until } from '../../scenarios/stage.ts'
import { startTestNode, type TestNode } from '../../support/k2-nodes.ts'

/** The inbox of a staff on Telegram (a topic per person), and conversations an administrator agrees to (bridging 19). */
describe('direct messages with a staff on Telegram', () => {
  let stage: Stage
  let berta: TestNode
  let forum: number
  let dm: string
  let zoe: number
  let zoeDm: number

  beforeAll(async () => {
    berta = await startTestNode({ topics: ['Goods'] })
    stage = await Stage.open({
      config: (s) => {
        forum = s.telegram.control.addChat({ title: 'Staff', forum: true, admins: [s.bot.id], members: [s.tess] })
        return {
          node: { mode: 'loopback', topics: ['Goods'], peers: [berta.ticket], contacts: [{ name: 'berta', id: berta.id }] },
          direct: { inbox: `telegram/main/${forum}`, pairing: 'admins' },
          access: { admins: [`telegram:${s.tess}`] },
        }
      },
    })
    await until(() => stage.discord.control.commands({ bot: stage.discord.info.bot }).includes('k2'))
    berta.node.addContact({ name: 'gateway', addr: stage.gateway.node.addr() })
    await berta.neighbor('Goods', stage.gateway.node.id)
    dm = stage.discord.control.openDm({ user: stage.discord.info.user, bot: stage.discord.info.bot }).id
    zoe = stage.telegram.control.addUser({ firstName: 'Zoe' })
    zoeDm = stage.telegram.control.startBot(zoe, stage.bot.id)
  }, 300_000)
  afterAll(async () => {
    await stage?.close()
    await berta?.stop()
  })

  const topics = () => [...(stage.telegram.world.chats.get(forum)?.topics ?? [])].map(([id, topic]) => ({ id, ...topic }))
  const topic = (name: string, state = 'open') => topics().find((t) => t.name.startsWith(name) && t.state === state)
  const inTopic = (id: number | undefined) =>
    stage.telegram.control.visible(forum).filter((m) => m.threadId === id && m.from !== 'Tess' && m.kind === 'text')
  const hasInTopic = (id: number, text: string) => until(() => inTopic(id).some((m) => m.text.includes(text)))
  const inDm = (text: string) => until(() => stage.onDiscord(dm).some((line) => line.includes(text)))
  const inZoeDm = (text: string) =>
    stage.telegram.control.untilVisible({ chatId: zoeDm, text, count: 1, timeoutMs: PATIENCE.timeout })
  const staff = (text: string, threadId: number, more = {}) =>
    stage.telegram.control.post(forum, stage.tess, text, { threadId, ...more })
  const conversations = async () => (await stage.api<{ id: string; kind: string }[]>('GET', '/conversations')).body

  it('each person has a topic, both ways, with edits and answers', { timeout: 240_000 }, async () => {
    const question = stage.ann(dm, 'do you deliver?')
    stage.telegram.control.post(zoeDm, zoe, 'when do you open?')
    await until(() => topic('Ann') !== undefined && topic('Zoe') !== undefined)
    const [ann, other] = [topic('Ann')?.id as number, topic('Zoe')?.id as number]
    await hasInTopic(ann, 'do you deliver?')
    await hasInTopic(other, 'when do you open?')
    stage.discord.control.edit({ channel: dm, message: question, content: 'do you deliver to Bonn?' })
    await hasInTopic(ann, 'do you deliver to Bonn?')
    const copy = inTopic(ann).find((m) => m.text.includes('Bonn'))?.id as number
    staff('yes, on Mondays', ann, { replyTo: copy })
    staff('at nine', other)
    await inDm('yes, on Mondays')
    await inZoeDm('at nine')
    expect(stage.onDiscord(dm).some((line) => line.includes('at nine'))).toBe(false)
    expect(inTopic(ann).some((m) => m.text.includes('when do you open'))).toBe(false)
    expect((await conversations()).map((c) => c.kind)).toEqual(['inbox', 'inbox'])
  })

  it('what is written to a topic the staff closed waits until it is open again', { timeout: 240_000 }, async () => {
    const ann = topic('Ann')?.id as number
    stage.telegram.control.setTopic(forum, stage.tess, ann, 'close')
    stage.ann(dm, 'are you there?')
    await until(async () => {
      const lanes = (await stage.api<unknown>('GET', '/lanes')).body
      return JSON.stringify(lanes).includes('TELEGRAM_TOPIC_CLOSED')
    })
    stage.telegram.control.setTopic(forum, stage.tess, ann, 'reopen')
    await hasInTopic(ann, 'are you there?')
  })

  it('a conversation that ends closes its topic, and the next one has a new topic', { timeout: 240_000 }, async () => {
    const first = topic('Zoe')?.id as number
    stage.telegram.control.post(zoeDm, zoe, '/end')
    await inZoeDm('This conversation has ended')
    await until(() => topics().find((t) => t.id === first)?.state === 'closed')
    stage.telegram.control.post(zoeDm, zoe, 'one more thing')
    await until(() => topic('Zoe') !== undefined)
    const again = topic('Zoe')?.id as number
    expect(again).not.toBe(first)
    await hasInTopic(again, 'one more thing')
    staff('go on', again)
    await inZoeDm('go on')
    stage.telegram.control.post(zoeDm, zoe, '/end')
    await until(() => topics().find((t) => t.id === again)?.state === 'closed')
  })

  it('an administrator agrees in the contact’s place: dm requests, dm approve', { timeout: 240_000 }, async () => {
    await until(() => stage.gateway.node.topics().some((t) => t.contact === berta.id && t.neighbors.includes(berta.id)))
    stage.telegram.control.post(zoeDm, zoe, '/k2_pair berta')
    await inZoeDm('An administrator has to agree')
    const requests = (await stage.api<{ id: string; personName: string; contact: string }[]>('GET', '/conversation-requests'))
      .body
    expect(requests).toMatchObject([{ personName: 'Zoe', contact: berta.id }])
    const id = requests[0]?.id
    expect((await stage.api('POST', '/conversation-requests/WRONGONE/approve', {})).status).toBe(400)
    expect((await stage.api('POST', `/conversation-requests/${id}/approve`, {})).status).toBe(200)
    await inZoeDm('You are talking with the K2 contact berta')
    await berta.message((m) => m.type === 'chat' && m.text.includes('is stored by Telegram, too'))
    stage.telegram.control.post(zoeDm, zoe, 'hello Berta')
    await berta.message((m) => m.type === 'chat' && m.text.includes('hello Berta'))
    berta.node.sendDirect(stage.gateway.node.id, { text: 'hello Zoe', senderName: 'Berta', key: 'k-zoe' })
    await inZoeDm('hello Zoe')
    // It was asked and answered once.
    expect((await stage.api('POST', `/conversation-requests/${id}/approve`, {})).status).toBe(400)
    expect(stage.telegram.remarks).toEqual([])
    expect(stage.discord.control.violations()).toEqual([])
  })
})
