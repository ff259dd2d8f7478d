import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { Stage, until } from './stage.ts'

/** Telegram by webhook (bridging 5.5, 21.4): the fake sends in parallel and repeats what was not taken. */
describe('Telegram by webhook', () => {
  let stage: Stage
  let room: ReturnType<Stage['addRoom']>
  const SECRET = 'a-secret_of-our-own'

  beforeAll(async () => {
    const port = await freePort()
    stage = await Stage.open({
      config: (s) => {
        const { guild } = s.discord.info
        const channel = s.discord.control.addChannel({ guild, name: 'main' }).id
        room = { channel, chat: s.telegram.control.addChat({ title: 'main', members: [s.bot.id, s.tess] }) }
        const telegram = { ...s.accounts.telegram.main, webhook: { url: `http://127.0.0.1:${port}`, secret: SECRET } }
        return {
          http: { port },
          accounts: { ...s.accounts, telegram: { main: telegram } },
          routes: [
            { id: 'main', members: [{ place: `discord/main/${guild}/${channel}` }, { place: `telegram/main/${room.chat}` }] },
          ],
        }
      },
    })
    await until(() => stage.telegram.control.requests('setWebhook').length > 0)
  }, 300_000)
  afterAll(() => stage?.close())

  const post = (text: string): number => stage.telegram.control.post(room.chat, stage.tess, text)
  const hook = async (update: unknown, secret: string | undefined, account = 'main'): Promise<number> => {
    const answer = await fetch(`${stage.gateway.url}/telegram/${account}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(secret !== undefined && { 'x-telegram-bot-api-secret-token': secret }) },
      body: typeof update === 'string' ? update : JSON.stringify(update),
    })
    expect(await answer.text()).toBe('')
    return answer.status
  }

  it('takes many at once, in order, none lost and none twice, albums as one', { timeout: 200_000 }, async () => {
    const lines = Array.from({ length: 200 }, (_, n) => `line ${String(n).padStart(3, '0')}`)
    for (const line of lines) post(line)
    await until(() => stage.onDiscord(room.channel).length >= lines.length)
    expect(stage.onDiscord(room.channel)).toEqual(lines)
    expect(stage.telegram.control.requests('getUpdates')).toEqual([])

    stage.telegram.control.redeliver(stage.bot.id, 50)
    const photo = (name: string) => stage.telegram.control.file('photo', name, Buffer.from(name).toString('base64'))
    stage.telegram.control.postAlbum(room.chat, stage.tess, [
      { ...photo('a.jpg'), caption: 'three pictures' },
      photo('b.jpg'),
      photo('c.jpg'),
    ])
    post('afterwards')
    await until(() => stage.onDiscord(room.channel).includes('afterwards'))
    const said = stage.onDiscord(room.channel)
    expect(said.slice(0, 200)).toEqual(lines)
    const album = stage.discord.control.visible({ channel: room.channel }).filter((m) => m.content.includes('three pictures'))
    expect(album).toHaveLength(1)
    expect(album[0]?.files).toHaveLength(3)
    await until(() => stage.telegram.control.stats().pendingUpdates === 0)
    expect(stage.telegram.remarks).toEqual([])
  })

  it('takes nothing from strangers and nothing it cannot read', async () => {
    const before = stage.onDiscord(room.channel).length
    const update = { update_id: 1, message: {} }
    expect(await hook(update, undefined)).toBe(401)
    expect(await hook(update, 'another secret')).toBe(401)
    expect(await hook(update, SECRET, 'nobody')).toBe(404)
    expect(await hook('no json', SECRET)).toBe(400)
    expect(await hook('"x"', SECRET)).toBe(200)
    expect(await hook({ update_id: 2, message: 'not a message' }, SECRET)).toBe(200)
    expect(await hook({ update_id: 3, text: 'x'.repeat(2_000_000) }, SECRET)).toBe(413)
    expect(stage.onDiscord(room.channel)).toHaveLength(before)
  })

  it('loses nothing over a restart, and polls when the webhook is refused', { timeout: 200_000 }, async () => {
    await stage.stop()
    post('while it was away')
    await stage.start()
    await until(() => stage.onDiscord(room.channel).includes('while it was away'))

    await stage.stop()
    const refusal = { ok: false, error_code: 400, description: 'Bad Request: bad webhook: Failed to resolve host' }
    stage.telegram.control.addFault({ method: 'setWebhook', effect: { kind: 'status', status: 400, body: refusal } })
    await stage.start()
    post('by polling')
    await until(() => stage.onDiscord(room.channel).includes('by polling'))
    const health = await (await stage.fetch('/health/ready')).text()
    expect(health).toMatch(/the webhook was not accepted \(.*\): polling instead/)
    expect(stage.onDiscord(room.channel).filter((text) => text === 'while it was away')).toHaveLength(1)
  })
})
