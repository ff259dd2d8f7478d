import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Stage, until } from './stage.ts'

const LIMIT = { timeout: 200_000 }

/** Bridging 10.5, mode `auto`: threads, forum posts and topics get counterparts, which keep messages, names and states. */
describe('threads and topics make each other', () => {
  let stage: Stage
  let room: { channel: string; chat: number; early: number }
  let board: { channel: string; chat: number }
  let forum: { channel: string; chat: number }
  let desk: { channel: string; chat: number; orders: number }

  beforeAll(async () => {
    stage = await Stage.open({
      config: (s) => {
        const { guild } = s.discord.info
        const chat = s.telegram.control.addChat({ title: 'Room', forum: true, admins: [s.bot.id], members: [s.tess] })
        room = {
          channel: s.discord.control.addChannel({ guild, name: 'room' }).id,
          chat,
          early: s.telegram.control.createTopic(chat, s.tess, 'early'),
        }
        forum = {
          channel: s.discord.control.addChannel({ guild, name: 'forum', kind: 'forum' }).id,
          chat: s.telegram.control.addChat({ title: 'Forum', forum: true, admins: [s.bot.id], members: [s.tess] }),
        }
        const joined = (id: string, { channel, chat }: { channel: string; chat: number }) => ({
          id,
          threads: 'auto',
          members: [{ place: `discord/main/${guild}/${channel}` }, { place: `telegram/main/${chat}` }],
        })
        board = {
          channel: s.discord.control.addChannel({ guild, name: 'board', kind: 'forum' }).id,
          chat: s.telegram.control.addChat({ title: 'Board', members: [s.bot.id, s.tess] }),
        }
        const shop = s.telegram.control.addChat({ title: 'Shop', forum: true, admins: [s.bot.id], members: [s.tess] })
        desk = {
          channel: s.discord.control.addChannel({ guild, name: 'desk' }).id,
          chat: shop,
          orders: s.telegram.control.createTopic(shop, s.tess, 'orders'),
        }
        const named = {
          id: 'desk',
          deletedTopics: 'general',
          members: [{ place: `discord/main/${guild}/${desk.channel}` }, { place: `telegram/main/${shop}#${desk.orders}` }],
        }
        return {
          routes: [joined('room', room), joined('forum', forum), { ...joined('board', board), threads: 'flatten' }, named],
        }
      },
    })
  }, 300_000)
  afterAll(() => stage?.close())

  const topics = (chat: number) => [...(stage.telegram.world.chats.get(chat)?.topics ?? [])].map(([id, t]) => ({ id, ...t }))
  const topic = (chat: number, name: string) => topics(chat).find((t) => t.name === name)
  const thread = (channel: string, name: string) => stage.discord.control.threads({ channel }).find((t) => t.name === name)
  const inTopic = (chat: number, id: number | undefined): string[] =>
    stage.telegram.control
      .visible(chat)
      .filter((m) => m.threadId === id && m.from !== 'Tess' && m.kind === 'text')
      .map((m) => m.text)

  it('a thread becomes a topic, a topic a thread, and what is said there stays there', LIMIT, async () => {
    const started = stage.discord.control.startThread({ channel: room.channel, name: 'repairs' }).id
    await until(() => topic(room.chat, 'repairs') !== undefined)
    stage.ann(started, 'who can fix a bike?')
    await until(() => inTopic(room.chat, topic(room.chat, 'repairs')?.id).includes('Ann: who can fix a bike?'))
    const sales = stage.telegram.control.createTopic(room.chat, stage.tess, 'sales')
    await until(() => thread(room.channel, 'sales') !== undefined)
    stage.telegram.control.post(room.chat, stage.tess, 'a lamp, 5 €', { threadId: sales })
    await until(() => stage.onDiscord(thread(room.channel, 'sales')?.id as string).includes('a lamp, 5 €'))
    // The channel itself goes on as before.
    stage.ann(room.channel, 'hello all')
    await until(() => inTopic(room.chat, undefined).includes('Ann: hello all'))
    expect(inTopic(room.chat, undefined)).toEqual(['Ann: hello all'])
    expect(stage.onDiscord(room.channel)).toEqual([])
  })

  it('a topic from before gets its thread with its first message, under its name', LIMIT, async () => {
    stage.telegram.control.post(room.chat, stage.tess, 'still here', { threadId: room.early })
    await until(() => thread(room.channel, 'early') !== undefined)
    await until(() => stage.onDiscord(thread(room.channel, 'early')?.id as string).includes('still here'))
  })

  it('names and states are kept in step, also after a restart, and nothing is made twice', LIMIT, async () => {
    await stage.stop()
    await stage.start()
    const started = thread(room.channel, 'repairs')?.id as string
    stage.ann(started, 'still looking')
    const id = topic(room.chat, 'repairs')?.id
    await until(() => inTopic(room.chat, id).includes('Ann: still looking'))
    stage.discord.control.changeThread({ thread: started, name: 'bike repairs' })
    await until(() => topics(room.chat).find((t) => t.id === id)?.name === 'bike repairs')
    stage.telegram.control.setTopic(room.chat, stage.tess, id as number, 'close')
    await until(() => thread(room.channel, 'bike repairs')?.archived === true)
    expect(topics(room.chat)).toHaveLength(3)
    expect(stage.discord.control.threads({ channel: room.channel })).toHaveLength(3)
  })

  it('a forum post becomes a topic, a topic a forum post', LIMIT, async () => {
    const post = stage.discord.control.startThread({ channel: forum.channel, name: 'selling a boat' }).id
    stage.ann(post, 'it floats')
    await until(() => inTopic(forum.chat, topic(forum.chat, 'selling a boat')?.id).includes('Ann: it floats'))
    const wanted = stage.telegram.control.createTopic(forum.chat, stage.tess, 'wanted: oars')
    await until(() => thread(forum.channel, 'wanted: oars') !== undefined)
    stage.telegram.control.post(forum.chat, stage.tess, 'two of them', { threadId: wanted })
    await until(() => stage.onDiscord(thread(forum.channel, 'wanted: oars')?.id as string).includes('two of them'))
  })

  it('a message to a forum begins a post, its answers follow there, and a lost answer begins no second one', LIMIT, async () => {
    const { discord, telegram } = stage
    const first = telegram.control.post(board.chat, stage.tess, 'Boat for sale\nten feet, blue')
    await until(() => thread(board.channel, 'Boat for sale') !== undefined)
    const post = thread(board.channel, 'Boat for sale')?.id as string
    await until(() => stage.onDiscord(post).includes('Boat for sale\nten feet, blue'))
    telegram.control.post(board.chat, stage.tess, 'still there', { replyTo: first })
    await until(() => stage.onDiscord(post).some((m) => m.endsWith('still there')))
    telegram.control.edit(board.chat, first, 'Boat for sale\nten feet, red')
    await until(() => stage.onDiscord(post).includes('Boat for sale\nten feet, red'))
    stage.ann(post, 'how much?')
    await until(() => stage.onTelegram(board.chat).includes('Ann: how much?'))
    discord.control.fault({ method: 'POST', route: '/webhooks/', times: 1, effect: { kind: 'response-lost' } })
    telegram.control.post(board.chat, stage.tess, 'Oars for sale')
    await until(() => discord.control.threads({ channel: board.channel }).length === 2)
    telegram.control.post(board.chat, stage.tess, 'Rope for sale')
    await until(() => thread(board.channel, 'Rope for sale') !== undefined)
    expect(discord.control.threads({ channel: board.channel }).map((t) => t.name)).toEqual([
      'Boat for sale',
      'Oars for sale',
      'Rope for sale',
    ])
  })

  it('a thread or topic that was deleted is made again when something is said there', LIMIT, async () => {
    const { discord, telegram } = stage
    const first = topic(room.chat, 'sales')?.id as number
    discord.control.removeChannel({ channel: thread(room.channel, 'sales')?.id as string })
    const sold = telegram.control.post(room.chat, stage.tess, 'the lamp is sold', { threadId: first })
    await until(() => thread(room.channel, 'sales') !== undefined)
    const again = thread(room.channel, 'sales')?.id as string
    await until(() => stage.onDiscord(again).includes('the lamp is sold'))
    // What was in the old one went with it; changes of it hold nothing up.
    telegram.control.setTopic(room.chat, stage.tess, first, 'delete')
    stage.ann(again, 'and the chair?')
    const open = () => topics(room.chat).filter((t) => t.name === 'sales' && t.state === 'open')
    await until(() => inTopic(room.chat, open()[0]?.id).includes('Ann: and the chair?'))
    await stage.stop()
    await stage.start()
    telegram.control.post(room.chat, stage.tess, 'it is here', { threadId: open()[0]?.id as number })
    await until(() => stage.onDiscord(again).includes('it is here'))
    telegram.control.edit(room.chat, sold, 'the lamp is gone')
    await until(() => stage.onDiscord(again).includes('the lamp is gone'))
    stage.ann(again, 'I take it')
    await until(() => inTopic(room.chat, open()[0]?.id).includes('Ann: I take it'))
    expect(open()).toHaveLength(1)
    expect(discord.control.threads({ channel: room.channel }).filter((t) => t.name === 'sales')).toHaveLength(1)
  })

  it(
    'what is for a topic that is gone for good goes to the general topic under its name, where the route says so',
    LIMIT,
    async () => {
      const { discord, telegram } = stage
      telegram.control.post(desk.chat, stage.tess, 'one cup, please', { threadId: desk.orders })
      await until(() => stage.onDiscord(desk.channel).includes('one cup, please'))
      stage.ann(desk.channel, 'it is on its way')
      await until(() => inTopic(desk.chat, desk.orders).includes('Ann: it is on its way'))
      telegram.control.setTopic(desk.chat, stage.tess, desk.orders, 'delete')
      const asked = stage.ann(desk.channel, 'another one?')
      await until(() => inTopic(desk.chat, undefined).includes('[orders] Ann: another one?'))
      discord.control.edit({ channel: desk.channel, message: asked, content: 'another two?' })
      await until(() => inTopic(desk.chat, undefined).includes('[orders] Ann: another two?'))
      await stage.stop()
      await stage.start()
      const gone = stage.ann(desk.channel, 'or a third?')
      await until(() => inTopic(desk.chat, undefined).includes('[orders] Ann: or a third?'))
      discord.control.remove({ channel: desk.channel, messages: [gone] })
      await until(() => !inTopic(desk.chat, undefined).includes('[orders] Ann: or a third?'))
      expect(inTopic(desk.chat, undefined)).toEqual(['[orders] Ann: another two?'])
    },
  )

  it('where no topic can be made the thread is read with its channel', LIMIT, async () => {
    stage.telegram.control.setMember(room.chat, stage.bot.id, 'member')
    const quiet = stage.discord.control.startThread({ channel: room.channel, name: 'no rights' }).id
    stage.ann(quiet, 'said in vain?')
    await until(() => inTopic(room.chat, undefined).includes('Ann: said in vain?'))
    expect(topic(room.chat, 'no rights')).toBeUndefined()
    // Read with its channel, it is not said in the channel.
    expect(stage.onDiscord(room.channel)).toEqual([])
    expect(stage.discord.control.violations()).toEqual([])
    expect(stage.telegram.remarks).toEqual([])
  })
})
