import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MIB, PNG } from '../support/media.ts'
import { Stage, until } from './stage.ts'

const LIMIT = { timeout: 200_000 }

/** Scenario J of bridging 22: what the conversion tables promise, through a whole gateway in both directions, and nothing lost. */
describe('bridging 22.J: everything people send', () => {
  let stage: Stage
  let room: ReturnType<Stage['addRoom']>
  let counted: ReturnType<Stage['addRoom']>
  let talk: { thread: string; topic: number }

  beforeAll(async () => {
    stage = await Stage.open({
      config: (s) => {
        const { guild } = s.discord.info
        const channel = s.discord.control.addChannel({ guild, name: 'content' }).id
        const chat = s.telegram.control.addChat({ title: 'Content', forum: true, admins: [s.bot.id], members: [s.tess] })
        room = { channel, chat }
        counted = {
          channel: s.discord.control.addChannel({ guild, name: 'counted' }).id,
          chat: s.telegram.control.addChat({ title: 'Counted', admins: [s.bot.id], members: [s.tess] }),
        }
        talk = {
          thread: s.discord.control.startThread({ channel, name: 'talk' }).id,
          topic: s.telegram.control.createTopic(chat, s.tess, 'talk'),
        }
        return {
          routes: [
            {
              id: 'all',
              pins: 'pin',
              members: [{ place: `discord/main/${guild}/${channel}` }, { place: `telegram/main/${chat}` }],
            },
            {
              id: 'counted',
              reactions: 'tally',
              members: [{ place: `discord/main/${guild}/${counted.channel}` }, { place: `telegram/main/${counted.chat}` }],
            },
            {
              id: 'talk',
              members: [
                { place: `discord/main/${guild}/${channel}#${talk.thread}` },
                { place: `telegram/main/${chat}#${talk.topic}` },
              ],
            },
          ],
        }
      },
    })
  }, 300_000)
  afterAll(() => stage?.close())

  const onDiscord = (channel = room.channel) => stage.discord.control.visible({ channel }).filter((m) => m.isBot)
  const onTelegram = () => stage.telegram.control.visible(room.chat).filter((m) => m.from !== 'Tess' && m.threadId === undefined)
  const say = (more: object, channel = room.channel): string =>
    stage.discord.control.say({ channel, user: stage.discord.info.user, ...more }).id
  const post = (content: string | Record<string, unknown>, more: object = {}): number =>
    stage.telegram.control.post(room.chat, stage.tess, content, more)

  it('replies name what they answer, on both sides', LIMIT, async () => {
    const question = say({ content: 'who has a bike?' })
    await until(() => onTelegram().some((m) => m.text === 'Ann: who has a bike?'))
    const copy = onTelegram().find((m) => m.text === 'Ann: who has a bike?')?.id as number
    post('I have one', { replyTo: copy })
    await until(() => onDiscord().some((m) => m.content.includes('I have one')))
    const answer = onDiscord().find((m) => m.content.includes('I have one'))
    expect(answer?.content).toBe(
      `-# ↪ [Ann](https://discord.com/channels/${stage.discord.info.guild}/${room.channel}/${question}): who has a bike?\nI have one`,
    )
    say({ content: 'great', replyTo: answer?.id })
    await until(() => onTelegram().some((m) => m.text === 'Ann: great'))
    const mine = stage.telegram.control.visible(room.chat).find((m) => m.text === 'I have one')?.id
    expect(onTelegram().find((m) => m.text === 'Ann: great')?.replyTo).toBe(mine)
  })

  it('reactions are set and taken back', LIMIT, async () => {
    const { user } = stage.discord.info
    const message = say({ content: 'like this?' })
    await until(() => onTelegram().some((m) => m.text === 'Ann: like this?'))
    const copy = (): ReturnType<typeof onTelegram>[number] | undefined => onTelegram().find((m) => m.text === 'Ann: like this?')
    stage.telegram.control.react(room.chat, copy()?.id as number, stage.tess, ['🔥'])
    const here = () => stage.discord.control.visible({ channel: room.channel }).find((m) => m.id === message)?.reactions
    await until(() => here()?.['🔥'] === 1)
    stage.discord.control.react({ channel: room.channel, message, user, emoji: '👍' })
    await until(() => copy()?.reactions?.includes('👍') === true)
    stage.telegram.control.react(room.chat, copy()?.id as number, stage.tess, [])
    stage.discord.control.react({ channel: room.channel, message, user, emoji: '👍', on: false })
    await until(() => (here()?.['🔥'] ?? 0) === 0 && copy()?.reactions === undefined)
  })

  it('reactions that cannot be shown are counted below the copy', LIMIT, async () => {
    const { user } = stage.discord.info
    const message = say({ content: 'and this?' })
    const copy = () => onTelegram().find((m) => m.text.startsWith('Ann: and th'))
    await until(() => copy() !== undefined)
    const react = (emoji: string, on = true): void =>
      stage.discord.control.react({ channel: room.channel, message, user, emoji, on })
    react('🦀')
    react('👍')
    await until(() => copy()?.text === 'Ann: and this?\n🦀 1' && copy()?.reactions?.includes('👍') === true)
    // The line stays when the words change, and goes when nobody uses the emoji any more.
    stage.discord.control.edit({ channel: room.channel, message, content: 'and that?' })
    await until(() => copy()?.text === 'Ann: and that?\n🦀 1')
    react('🦀', false)
    await until(() => copy()?.text === 'Ann: and that?')
    expect(copy()?.reactions).toEqual(['👍'])
  })

  it('all reactions are counted where the route says so', LIMIT, async () => {
    const message = stage.ann(counted.channel, 'count this')
    const copy = () => stage.telegram.control.visible(counted.chat).find((m) => m.text.startsWith('Ann: count this'))
    await until(() => copy() !== undefined)
    const here = () => stage.discord.control.visible({ channel: counted.channel }).find((m) => m.id === message)?.reactions
    for (const emoji of ['🔥', '👍'])
      stage.discord.control.react({ channel: counted.channel, message, user: stage.discord.info.user, emoji })
    await until(() => /^Ann: count this\n(🔥 1 · 👍 1|👍 1 · 🔥 1)$/.test(copy()?.text ?? ''))
    expect(copy()?.reactions).toBeUndefined()
    // The original is a person's message: nothing can be written below it.
    stage.telegram.control.react(counted.chat, copy()?.id as number, stage.tess, ['🎉'])
    await until(() => here()?.['🎉'] === 1)
  })

  it('what is pinned here is pinned there, and told where the bot may not', LIMIT, async () => {
    const { user } = stage.discord.info
    const message = say({ content: 'the rules of this place' })
    const copy = () => onTelegram().find((m) => m.text === 'Ann: the rules of this place')
    await until(() => copy() !== undefined)
    stage.discord.control.pin({ channel: room.channel, message, user })
    await until(() => copy()?.pinned === true)
    const mine = post('the prices of this place')
    const there = () => onDiscord().find((m) => m.content === 'the prices of this place')
    await until(() => there() !== undefined)
    stage.telegram.control.pin(room.chat, stage.tess, mine)
    await until(() => there()?.pinned === true)
    stage.telegram.control.setMember(room.chat, stage.bot.id, 'member')
    const other = say({ content: 'pinned in vain' })
    await until(() => onTelegram().some((m) => m.text === 'Ann: pinned in vain'))
    stage.discord.control.pin({ channel: room.channel, message: other, user })
    await until(() => onTelegram().some((m) => m.text === 'Ann: Ann pinned a message'))
    stage.telegram.control.setMember(room.chat, stage.bot.id, 'administrator')
    // The pins that worked are not told as well, and ours come back as nothing.
    expect(onTelegram().filter((m) => m.text.includes('pinned a message'))).toHaveLength(1)
    expect(onDiscord().filter((m) => m.content.includes('pinned “'))).toEqual([])
  })

  it('threads and topics keep their messages, names and states', LIMIT, async () => {
    say({ content: 'in the thread' }, talk.thread)
    post('in the topic', { threadId: talk.topic })
    const there = () => stage.telegram.control.visible(room.chat).filter((m) => m.threadId === talk.topic)
    await until(() => there().some((m) => m.text === 'Ann: in the thread'))
    await until(() => onDiscord(talk.thread).some((m) => m.content === 'in the topic'))
    stage.discord.control.changeThread({ thread: talk.thread, name: 'better talk' })
    await until(() => stage.telegram.world.chats.get(room.chat)?.topics.get(talk.topic)?.name === 'better talk')
    stage.telegram.control.setTopic(room.chat, stage.tess, talk.topic, 'close')
    const thread = () => stage.discord.control.threads({ channel: room.channel }).find((t) => t.id === talk.thread)
    await until(() => thread()?.archived === true)
    stage.telegram.control.setTopic(room.chat, stage.tess, talk.topic, 'reopen')
    await until(() => thread()?.archived === false)
  })

  it('an album of ten is one message there, and ten pictures are one album here', LIMIT, async () => {
    const photo = (n: number) => stage.telegram.people.file('photo', `photo-${n}.png`, Buffer.concat([PNG, Buffer.from([n])]))
    const contents = Array.from({ length: 10 }, (_, n) => ({ ...photo(n), ...(n === 0 && { caption: 'ten photos' }) }))
    stage.telegram.control.postAlbum(room.chat, stage.tess, contents)
    await until(() => onDiscord().some((m) => m.content === 'ten photos'))
    expect(onDiscord().find((m) => m.content === 'ten photos')?.files).toHaveLength(10)
    const files = Array.from({ length: 10 }, (_, n) => ({
      name: `picture-${n}.png`,
      type: 'image/png',
      width: 1,
      height: 1,
      content: Buffer.concat([PNG, Buffer.from([20 + n])]).toString('base64'),
    }))
    say({ content: 'ten pictures', files })
    await until(() => onTelegram().some((m) => m.text === 'Ann: ten pictures'))
    const album = onTelegram().find((m) => m.text === 'Ann: ten pictures')?.album
    expect(album).toBeDefined()
    await until(() => onTelegram().filter((m) => m.album === album).length === 10)
  })

  it('files replaced, taken away and added by edits are so there too, also after a restart', LIMIT, async () => {
    const photo = (n: number) => stage.telegram.people.file('photo', `edit-${n}.png`, Buffer.concat([PNG, Buffer.alloc(n)]))
    const mine = post({ ...photo(40), caption: 'the old photo' })
    const there = (text: string) => onDiscord().find((m) => m.content === text)
    await until(() => there('the old photo')?.files.length === 1)
    const picture = (name: string, n: number) => ({
      name,
      type: 'image/png',
      width: 1,
      height: 1,
      content: Buffer.concat([PNG, Buffer.alloc(n)]).toString('base64'),
    })
    const message = say({ content: 'two pictures', files: [picture('a.png', 50), picture('b.png', 51)] })
    const here = (text: string) => onTelegram().filter((m) => m.text === `Ann: ${text}`)
    await until(() => here('two pictures').length === 1)
    const album = here('two pictures')[0]?.album
    const sizes = (): (number | undefined)[] =>
      onTelegram()
        .filter((m) => m.album === album)
        .map((m) => m.size)
    await until(() => sizes().length === 2)
    await stage.stop()
    await stage.start()
    stage.telegram.control.edit(room.chat, mine, { ...photo(41), caption: 'the new photo' })
    await until(() => there('the new photo')?.sizes[0] === PNG.length + 41)
    expect(there('the new photo')?.files).toHaveLength(1)
    stage.discord.control.edit({ channel: room.channel, message, content: 'one picture', without: ['a.png'] })
    await until(() => here('one picture').length === 1)
    await until(() => sizes().length === 1)
    expect(sizes()).toEqual([PNG.length + 51])
    stage.discord.control.edit({
      channel: room.channel,
      message,
      content: 'another picture',
      without: ['b.png'],
      files: [picture('c.png', 52)],
    })
    await until(() => here('another picture').length === 1)
    await until(() => sizes()[0] === PNG.length + 52)
    expect(sizes()).toHaveLength(1)
  })

  it('stickers and voice messages are files people can open', LIMIT, async () => {
    post(stage.telegram.people.file('sticker', 'wave.webp', Buffer.from('RIFF\x10\0\0\0WEBPVP8 ', 'latin1'), { emoji: '👋' }))
    post(stage.telegram.people.file('voice', 'voice.ogg', Buffer.from('OggS spoken'), { duration: 3, mime_type: 'audio/ogg' }))
    await until(() => onDiscord().some((m) => m.files.some((f) => f.endsWith('.webp'))))
    await until(() => onDiscord().some((m) => m.files.some((f) => f.endsWith('.ogg') || f.endsWith('.oga'))))
    // The beginning of an Ogg page with Opus in it: files are known by their content.
    const ogg = Buffer.concat([Buffer.from('OggS'), Buffer.alloc(24), Buffer.from('OpusHead'), Buffer.alloc(64)])
    say({
      sticker: { name: 'hello cat', content: PNG.toString('base64') },
    })
    say({
      files: [{ name: 'voice-message.ogg', type: 'audio/ogg', voiceSeconds: 2, content: ogg.toString('base64') }],
      flags: 8192,
    })
    await until(() => onTelegram().some((m) => m.kind === 'voice'))
    await until(() => onTelegram().some((m) => m.kind === 'photo' && m.size === PNG.length && m.album === undefined))
  })

  it('files of 9, 11 and 60 MB arrive or are named, with their text', LIMIT, async () => {
    const sizes = [9, 11, 60]
    for (const mib of sizes) {
      say({ content: `from Discord ${mib}`, files: [{ name: `d${mib}.bin`, size: mib * MIB }] })
      const file = stage.telegram.people.file('document', `t${mib}.bin`, Buffer.alloc(mib * MIB, mib))
      post({ ...file, caption: `from Telegram ${mib}` })
    }
    const telegram = (mib: number) => onTelegram().find((m) => m.text.startsWith(`Ann: from Discord ${mib}`))
    const discord = (mib: number) => onDiscord().find((m) => m.content.startsWith(`from Telegram ${mib}`))
    await until(() => sizes.every((mib) => telegram(mib) !== undefined && discord(mib) !== undefined))
    expect(telegram(9)).toMatchObject({ kind: 'document', size: 9 * MIB, text: 'Ann: from Discord 9' })
    expect(telegram(11)).toMatchObject({ kind: 'document', size: 11 * MIB, text: 'Ann: from Discord 11' })
    expect(telegram(60)).toMatchObject({ kind: 'text', text: expect.stringContaining('📎 d60.bin (62.9 MB)') })
    expect(discord(9)).toMatchObject({ files: ['t9.bin'], sizes: [9 * MIB], content: 'from Telegram 9' })
    expect(discord(11)).toMatchObject({ files: [], content: expect.stringContaining('📎 t11.bin (11.5 MB)') })
    expect(discord(60)).toMatchObject({ files: [], content: expect.stringContaining('📎 t60.bin (62.9 MB)') })
  })

  it('texts of 4,000 characters, and one of 40,000, are complete', LIMIT, async () => {
    const words = (mark: string, length: number): string =>
      Array.from({ length: Math.floor(length / 10) }, (_, n) => `${mark}${String(n).padStart(8, '0')}`).join(' ')
    const found = (texts: readonly string[], mark: string): number =>
      new Set(texts.join(' ').match(new RegExp(`${mark}\\d{8}`, 'g')) ?? []).size
    // People write as much as their platform takes: 4,000 on Telegram at once, on Discord with Nitro.
    post(words('a', 4_000))
    say({ content: words('b', 4_000) })
    await until(
      () =>
        found(
          onDiscord().map((m) => m.content),
          'a',
        ) === 400,
    )
    await until(
      () =>
        found(
          onTelegram().map((m) => m.text),
          'b',
        ) === 400,
    )
    expect(onDiscord().every((m) => m.content.length <= 2_000)).toBe(true)
    // More than five messages: Discord shows the beginning and has the whole text as a file.
    post(words('e', 40_000))
    await until(() => onDiscord().some((m) => m.files.includes('message.txt')))
    const file = onDiscord().find((m) => m.files.includes('message.txt'))
    expect(file?.sizes[0]).toBe(words('e', 40_000).length)
    expect(file?.content).toContain('full text attached')
  })

  it('two thousand asterisks are two thousand asterisks', LIMIT, async () => {
    const stars = '*'.repeat(2_000)
    say({ content: `stars ${stars}` })
    post(`stars ${stars}`)
    await until(() => onTelegram().some((m) => m.text.startsWith('Ann: stars')))
    await until(() => onDiscord().filter((m) => /^(stars )?[\\*]+$/.test(m.content)).length >= 3)
    const shown = onDiscord().filter((m) => /^(stars )?[\\*]+$/.test(m.content))
    // Escaped they take twice the room: two messages and a little.
    expect(
      shown
        .map((m) => m.content.replaceAll('\\*', '*'))
        .join('')
        .replace('stars ', ''),
    ).toBe(stars)
    // Discord itself takes a few of them for markers of styles: people there do not see them either.
    expect(onTelegram().find((m) => m.text.startsWith('Ann: stars'))?.text).toMatch(/^Ann: stars \*{1900,}$/)
  })

  it('the platforms had nothing to complain about', () => {
    expect(stage.discord.control.violations()).toEqual([])
    expect(stage.telegram.remarks).toEqual([])
  })
})
