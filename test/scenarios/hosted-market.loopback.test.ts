import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fromUtf8 } from '../../src/base/bytes.ts'
import { encodeChatMessage, encodeMarketMessage } from '../../src/core/k2/json-messages.ts'
import { directTopicName } from '../../src/core/k2/topics.ts'
import { offerForm } from '../core/k2/fixtures.ts'
import { type RawPeer, startRawPeer } from '../support/k2-nodes.ts'
import { PATIENCE, Stage, until } from './stage.ts'

interface Heard {
  readonly message_type?: string
  readonly sender_node_id: string
  readonly content?: string
  readonly form_data?: { readonly title: string }
}

/** A gateway whose people have ids of their own, and a K2 application beside it, as far as gossip shows it. */
describe('k2-application 2.7: people with ids of their own in the market', () => {
  let stage: Stage
  let app: RawPeer
  let ben: string
  const heard: Heard[] = []
  const dms = new Map<string, string>()

  beforeAll(async () => {
    stage = await Stage.open({
      config: ({ discord: { info } }) => ({
        node: { mode: 'loopback', topics: ['Goods'], identities: 'hosted' },
        market: { enabled: true },
        routes: [{ id: 'r', members: [{ place: `discord/main/${info.guild}/${info.channel}` }, { place: 'p2p/self/Goods' }] }],
      }),
    })
    const { control, info } = stage.discord
    await until(() => control.commands({ bot: info.bot }).includes('k2'))
    ben = control.addUser({ guild: info.guild, name: 'ben' }).id
    for (const user of [info.user, ben]) dms.set(user, control.openDm({ user, bot: info.bot }).id)
    app = await startRawPeer({ peers: [stage.gateway.node.ticket()] })
  }, 300_000)
  afterAll(async () => {
    await app?.[Symbol.asyncDispose]()
    await stage?.close()
  })

  const join = async (topic: string) => {
    const handle = await app.join(topic)
    const listen = async (): Promise<void> => {
      for await (const event of handle.events)
        if (event.type === 'received') heard.push(JSON.parse(fromUtf8(event.content) as string))
    }
    void listen()
    return handle
  }
  const run = async (user: string, command: string, options: Record<string, string | boolean> = {}): Promise<string> => {
    const asked = stage.discord.control.runCommand({ user, channel: dms.get(user) as string, command, options })
    const view = await stage.discord.control.answer({ ...asked, timeoutMs: PATIENCE.timeout })
    return view.messages.map((m) => m.text).join('\n')
  }
  const shownTo = (user: string) => stage.onDiscord(dms.get(user) as string).join('\n')

  it('two offers of two senders; interest and direct messages reach whose it is, both ways', { timeout: 240_000 }, async () => {
    const ann = stage.discord.info.user
    const goods = await join('Goods')
    await until(() => stage.gateway.node.topics().some((t) => t.neighbors.includes(app.id)))
    expect(await run(ann, 'k2 sell', { publish: true, text: 'ThinkPad X1 Carbon, 700 USD' })).toContain('ThinkPad')
    expect(await run(ben, 'k2 sell', { publish: true, text: 'Canon EOS R6 camera, 900 USD' })).toContain('Canon')
    const idOf = (user: string): string => stage.gateway.node.hostedIdOf(`discord:${user}`) ?? ''
    const sellers = () => new Set(heard.filter((m) => m.message_type === 'offer').map((m) => m.sender_node_id))
    await until(() => sellers().size >= 2)
    expect(sellers()).toEqual(new Set([idOf(ann), idOf(ben)]))

    // What a K2 application does with an offer, and what its user writes then.
    const form = { ...offerForm, action: 'buy', title: 'ThinkPad X1' }
    const interest = { kind: 'interest', topic: 'Goods', senderId: app.id, targetId: idOf(ann), form } as const
    await goods.broadcast(encodeMarketMessage({ ...interest, sentAt: Date.now() }))
    await until(() => shownTo(ann).includes('is interested'))
    const direct = await join(directTopicName(idOf(ann) as typeof app.id, app.id))
    await direct.broadcast(encodeChatMessage({ senderId: app.id, senderName: 'Bea', text: 'Still there?', sentAt: Date.now() }))
    await until(() => shownTo(ann).includes('Still there?'))
    const talk = /\b([\w-]{12,})\b/.exec(await run(ann, 'k2 offer talks'))?.[1] ?? ''
    expect(await run(ann, 'k2 offer write', { id: talk, text: 'Yes, come and see it' })).toContain('Sent.')
    await until(() => heard.some((m) => m.content === 'Yes, come and see it'))
    expect(heard.find((m) => m.content !== undefined)?.sender_node_id).toBe(idOf(ann))

    expect(shownTo(ben)).not.toMatch(/is interested|Still there/)
    // What was said to Ann alone is in no channel.
    expect(stage.onDiscord(stage.discord.info.channel).join('\n')).not.toContain('Still there?')
    expect(stage.gateway.node.topics().map((t) => t.name)).toHaveLength(2)

    // Sold: hers is no longer repeated, his is.
    const sold = /([\w-]{8})\W*$/.exec((await run(ann, 'k2 offer mine')).trim())?.[1] ?? ''
    expect(await run(ann, 'k2 offer close', { id: sold })).toContain('Closed.')
    await until(() => stage.gateway.node.stats().offers.active === 1)
    heard.length = 0
    await until(() => sellers().size > 0)
    expect(sellers()).toEqual(new Set([idOf(ben)]))
  })
})
