import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PATIENCE, Stage, until } from './stage.ts'

type Room = ReturnType<Stage['addRoom']>

const route = (stage: Pick<Stage, 'discord'>, id: string, room: Room, more: object = {}): object => ({
  id,
  members: [{ place: `discord/main/${stage.discord.info.guild}/${room.channel}` }, { place: `telegram/main/${room.chat}` }],
  ...more,
})

/** Scenario M of bridging 22, and the rest of section 18 that concerns changes while the gateway runs. */
describe('M: changes while the gateway runs', () => {
  let stage: Stage
  let main: Room
  const base = (): object => ({ routes: [route(stage, 'main', main)] })

  beforeAll(async () => {
    stage = await Stage.open({
      config: (s) => {
        const { guild } = s.discord.info
        const channel = s.discord.control.addChannel({ guild, name: 'main' }).id
        main = { channel, chat: s.telegram.control.addChat({ title: 'main', members: [s.bot.id, s.tess] }) }
        return { routes: [route(s, 'main', main)] }
      },
    })
  }, 300_000)
  afterAll(() => stage?.close())

  it('reloads a hundred times under load: no reconnect, nothing lost, nothing twice, in order', {
    timeout: 240_000,
  }, async () => {
    const identifies = stage.discord.control.stats().identifies
    const polls = (): number => stage.telegram.control.requests('getMe').length
    const asked = polls()
    const lines = Array.from({ length: 300 }, (_, n) => `line ${String(n).padStart(3, '0')}`)
    const writing = (async () => {
      for (const line of lines) {
        stage.ann(main.channel, `d ${line}`)
        stage.telegram.control.post(main.chat, stage.tess, `t ${line}`)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    let applied = 0
    for (let n = 0; n < 100; n++) {
      const extra =
        n % 2 === 0 ? [route(stage, `extra-${n}`, { channel: String(10n ** 17n + BigInt(n)), chat: -1_000_000_000 - n })] : []
      await stage.configure({ routes: [route(stage, 'main', main, { maxAge: `${n + 1}h` }), ...extra] })
      const { status, body } = await stage.api<{ changed: boolean }>('POST', '/reload', {})
      expect(status).toBe(200)
      if (body.changed) applied++
    }
    await writing
    expect(applied).toBeGreaterThan(90)
    await until(() => stage.onTelegram(main.chat).length >= 300 && stage.onDiscord(main.channel).length >= 300)
    expect(stage.onTelegram(main.chat).map((text) => text.replace(/^.*(?=d line)/s, ''))).toEqual(lines.map((l) => `d ${l}`))
    expect(stage.onDiscord(main.channel)).toEqual(lines.map((l) => `t ${l}`))
    expect(stage.discord.control.stats().identifies).toBe(identifies)
    expect(polls()).toBe(asked)
    expect(stage.metric('config_reloads_total', { outcome: 'refused' })).toBe(0)
  })

  it('uses a changed file by itself, and keeps the last good one when the file is wrong', { timeout: 200_000 }, async () => {
    const room = stage.addRoom('second')
    await stage.configure({ routes: [route(stage, 'main', main), route(stage, 'second', room)] })
    await until(() => stage.gateway.pipeline.counters.total('config_reloads_total', { outcome: 'applied' }) > 90)
    await until(async () => {
      const { body } = await stage.api<{ id: string }[]>('GET', '/routes')
      return body.some((r) => r.id === 'second')
    })
    stage.ann(room.channel, 'hello there')
    await stage.telegram.control.untilVisible({ chatId: room.chat, text: 'hello there', count: 1, timeoutMs: PATIENCE.timeout })

    await stage.write('dataDir: /tmp\nroutes:\n  - id: main\n    members:\n      - place: discord/main/nowhere\n')
    await until(() => stage.metric('config_reloads_total', { outcome: 'refused' }) > 0)
    const ready = (await (await stage.fetch('/health/ready')).json()) as {
      parts: { name: string; health: { status: string; reason?: string } }[]
    }
    const health = ready.parts.find((p) => p.name === 'config')?.health
    expect(health?.status).toBe('degraded')
    expect(health?.reason).toContain('k2gw.yaml:5:16 routes[0].members[0].place')
    const refused = await stage.api<{ error: { code: string; message: string } }>('POST', '/reload', {})
    expect(refused.status).toBe(400)
    expect(refused.body.error.message).toContain('k2gw.yaml:5:16')
    stage.ann(room.channel, 'still here')
    await stage.telegram.control.untilVisible({ chatId: room.chat, text: 'still here', count: 1, timeoutMs: PATIENCE.timeout })

    await stage.configure(base())
    await until(async () =>
      (await (await stage.fetch('/health/ready')).text()).includes('{"name":"config","health":{"status":"ok"}}'),
    )
  })

  it('refuses routes that run in a circle, by line', async () => {
    const circle = (id: string) => ({ ...(route(stage, id, main) as object) })
    await stage.configure({ routes: [circle('one'), circle('two')] })
    const { status, body } = await stage.api<{ error: { message: string } }>('POST', '/reload', {})
    expect(status).toBe(400)
    expect(body.error.message).toMatch(/k2gw\.yaml:\d+:\d+ routes\[\d\]\.id: routes .* forward in a circle/)
    await stage.configure(base())
    expect((await stage.api('POST', '/reload', {})).status).toBe(200)
  })

  it('makes, changes and ends routes by command, also over a restart', { timeout: 200_000 }, async () => {
    const room = stage.addRoom('made')
    const place = `discord/main/${stage.discord.info.guild}/${room.channel}`
    const made = await stage.api('PUT', '/routes/made', { place, with: `telegram/main/${room.chat}` })
    expect(made).toMatchObject({
      status: 200,
      body: { route: 'made', members: [{ place }, { place: `telegram/main/${room.chat}` }] },
    })
    stage.ann(room.channel, 'first words')
    await stage.telegram.control.untilVisible({ chatId: room.chat, text: 'first words', count: 1, timeoutMs: PATIENCE.timeout })

    const wrong = await stage.api<{ error: { code: string } }>('PUT', '/routes/made', { place: 'discord/nobody/12345/67890' })
    expect(wrong).toMatchObject({ status: 400 })
    const exported = await stage.api<{ routes: { id: string }[] }>('GET', '/routes/export')
    expect(exported.body.routes.map((r) => r.id)).toEqual(['main', 'made'])

    await stage.stop()
    await stage.start()
    stage.ann(room.channel, 'after the restart')
    await stage.telegram.control.untilVisible({
      chatId: room.chat,
      text: 'after the restart',
      count: 1,
      timeoutMs: PATIENCE.timeout,
    })
    expect((await stage.api('DELETE', '/routes/made')).status).toBe(200)
    const { body } = await stage.api<{ id: string }[]>('GET', '/routes')
    expect(body.map((r) => r.id)).toEqual(['main'])
  })

  it('gives one account a new token, adds one and takes it away, and the others go on', { timeout: 200_000 }, async () => {
    const identifies = stage.discord.control.stats().identifies
    const room = stage.addRoom('another bot')
    const second = stage.telegram.control.addBot({ privacy: false, username: 'second_bot' })
    stage.telegram.control.setMember(room.chat, second.id, 'member')
    const accounts = {
      ...stage.accounts,
      telegram: { ...stage.accounts.telegram, second: { token: second.token, apiUrl: stage.telegram.url, limits: 'off' } },
    }
    const members = [
      { place: `discord/main/${stage.discord.info.guild}/${room.channel}` },
      { place: `telegram/second/${room.chat}` },
    ]
    await stage.configure({ accounts, routes: [route(stage, 'main', main), { id: 'second', members }] })
    expect((await stage.api('POST', '/reload', {})).status).toBe(200)
    stage.ann(room.channel, 'through the new bot')
    await stage.telegram.control.untilVisible({
      chatId: room.chat,
      text: 'through the new bot',
      count: 1,
      timeoutMs: PATIENCE.timeout,
    })
    stage.telegram.control.post(room.chat, stage.tess, 'and back')
    await until(() => stage.onDiscord(room.channel).includes('and back'))

    await stage.configure(base())
    expect((await stage.api('POST', '/reload', {})).status).toBe(200)
    const ready = (await (await stage.fetch('/health/ready')).json()) as { parts: { name: string }[] }
    expect(ready.parts.map((p) => p.name)).not.toContain('telegram/second')
    stage.ann(main.channel, 'all the same')
    await stage.telegram.control.untilVisible({ chatId: main.chat, text: 'all the same', count: 1, timeoutMs: PATIENCE.timeout })
    expect(stage.discord.control.stats().identifies).toBe(identifies)
    expect(stage.discord.control.violations()).toEqual([])
  })
})
