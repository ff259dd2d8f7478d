import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import type { PeerHandler } from '../../../src/bridges/p2p/port.ts'
import { openDatabase } from '../../../src/gateway/db/database.ts'
import { DirectHistory } from '../../../src/gateway/direct/history.ts'
import { PATIENCE, Stage, until } from '../../scenarios/stage.ts'
import { embeddedDir } from '../../support/embedded.ts'
import { startTestNode, type TestNode } from '../../support/k2-nodes.ts'
import { ShiftedClock } from '../pipeline/rig.ts'

interface Listed {
  readonly messages: readonly { readonly way: string; readonly name: string; readonly text: string; readonly seq: number }[]
}

/** Row 13 of k2-application 4.2: what was said directly can be read again, by those whom it concerns. */
describe('the history of direct messages', () => {
  let stage: Stage
  let berta: TestNode
  let dm: string
  let tessDm: number

  beforeAll(async () => {
    berta = await startTestNode({ topics: ['Goods'] })
    stage = await Stage.open({
      config: (s) => ({
        node: { mode: 'loopback', topics: ['Goods'], peers: [berta.ticket], contacts: [{ name: 'berta', id: berta.id }] },
        access: { admins: [`discord:${s.discord.info.user}`], traders: 'everyone' },
      }),
    })
    await until(() => stage.discord.control.commands({ bot: stage.discord.info.bot }).includes('k2'))
    berta.node.addContact({ name: 'gateway', addr: stage.gateway.node.addr() })
    dm = stage.discord.control.openDm({ user: stage.discord.info.user, bot: stage.discord.info.bot }).id
    tessDm = stage.telegram.control.startBot(stage.tess, stage.bot.id)
    await online()
  }, 300_000)
  afterAll(async () => {
    await stage?.close()
    await berta?.stop()
  })

  const online = () =>
    until(() => stage.gateway.node.topics().some((t) => t.contact === berta.id && t.neighbors.includes(berta.id)))
  const run = async (command: string, options: Record<string, string>): Promise<string> => {
    const asked = stage.discord.control.runCommand({ user: stage.discord.info.user, channel: dm, command, options })
    const view = await stage.discord.control.answer({ ...asked, timeoutMs: PATIENCE.timeout })
    return view.messages.map((m) => m.text).join('\n')
  }
  const onTelegram = async (command: string, text: string): Promise<void> => {
    stage.telegram.control.post(tessDm, stage.tess, command)
    await stage.telegram.control.untilVisible({ chatId: tessDm, text, count: 1, timeoutMs: PATIENCE.timeout })
  }
  const listed = async (query = ''): Promise<Listed['messages']> =>
    (await stage.api<Listed>('GET', `/dm/berta/messages${query}`)).body.messages
  const say = (text: string) => berta.node.sendDirect(stage.gateway.node.id, { text, senderName: 'Berta', key: `k-${text}` })

  it('shows moderators everything and others what is theirs, also after a restart', { timeout: 240_000 }, async () => {
    expect(await run('k2 dm history', { contact: 'berta' })).toContain('Nothing was said')
    await run('k2 dm send', { contact: 'berta', text: 'a secret of Ann' })
    await say('an answer to Ann')
    await until(async () => (await listed()).length === 2)
    await onTelegram('/k2_dm berta a question of Tess', 'Sent to berta')
    await say('an answer to Tess')
    await until(async () => (await listed()).length === 4)
    await stage.stop()
    await stage.start()

    expect((await listed()).map(({ way, text }) => [way, text])).toEqual([
      ['out', 'a secret of Ann'],
      ['in', 'an answer to Ann'],
      ['out', 'a question of Tess'],
      ['in', 'an answer to Tess'],
    ])
    const last = await listed('?limit=1')
    expect(last.map(({ text, name }) => [text, name])).toEqual([['an answer to Tess', 'Berta']])
    expect((await listed(`?limit=2&before=${last[0]?.seq}`)).map(({ text }) => text)).toEqual([
      'an answer to Ann',
      'a question of Tess',
    ])
    const toAnn = await run('k2 dm history', { contact: 'berta' })
    expect(toAnn).toContain('a secret of Ann')
    expect(toAnn).toContain('an answer to Tess')

    await onTelegram('/k2_dm_history berta', 'an answer to Tess')
    const toTess = stage.telegram.control.visible(tessDm).map((m) => m.text ?? '')
    expect(toTess.join('\n')).toContain('a question of Tess')
    expect(toTess.join('\n')).not.toContain('Ann')

    // Whoever wants to be forgotten is, with what answered them.
    expect((await stage.api('POST', '/moderation/purge', { account: `telegram:${stage.tess}` })).status).toBe(200)
    expect((await listed()).map(({ text }) => text)).toEqual(['a secret of Ann', 'an answer to Ann'])
  })

  it('keeps the last thousand lines of a conversation, once each, and none that is too old', { timeout: 120_000 }, async () => {
    const folder = await embeddedDir()
    const db = await openDatabase({ driver: 'embedded', dir: folder.dir })
    const clock = new ShiftedClock()
    let hear: PeerHandler = async () => {}
    const port = {
      onDirectSent: () => {},
      observe: (handler: PeerHandler) => {
        hear = handler
        return () => {}
      },
    }
    const open = async (): Promise<DirectHistory> => {
      const history = new DirectHistory({ pool: db.pool, port, keepMs: 86_400_000, clock, log: nullLogger })
      await history.start()
      return history
    }
    const line = (messageId: string, text: string) => ({
      kind: 'chat' as const,
      message: { peerId: 'p', senderClass: 'verified' as const, text, sentAt: clock.now(), messageId },
    })
    try {
      const history = await open()
      for (let n = 0; n < 1_400; n++) {
        await hear(line(`m${n}`, `line ${n}`))
        if (n % 200 === 199) await history.list('p', { limit: 1 })
      }
      await hear(line('m1399', 'line 1399'))
      await hear(line('bad', 'half \ud800 and \u0000'))
      const kept = await history.list('p', { limit: 5_000 })
      expect(kept.slice(0, 2).map((l) => l.text)).toEqual(['half \ufffd and ', 'line 1399'])
      expect(kept.length).toBeGreaterThanOrEqual(1_000)
      expect(kept.length).toBeLessThanOrEqual(1_200)
      await history.drain()
      clock.shift(2 * 86_400_000)
      expect(await (await open()).list('p', { limit: 5 })).toEqual([])
    } finally {
      await db.close()
      await folder.remove()
    }
  })
})
