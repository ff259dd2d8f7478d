import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { offerForm } from '../../core/k2/fixtures.ts'
import type { OptionValue } from '../../fakes/discord/interactions.ts'
import { FakeDiscord } from '../../fakes/discord/server.ts'
import { startTestNode, type TestNode } from '../../support/k2-nodes.ts'
import { startTestGateway, type TestGateway } from './support.ts'

/** A person who only knows Discord, with a K2 user on the other side of the network. */
describe('a newcomer on Discord', () => {
  let fake: FakeDiscord
  let berta: TestNode
  let t: TestGateway
  const transcript: string[] = []

  beforeAll(async () => {
    fake = await FakeDiscord.start({ identifyIntervalMs: 0 })
    berta = await startTestNode({ topics: ['Goods'] })
    const { guild, channel, token, apiUrl, bot } = fake.info
    t = await startTestGateway({
      node: { mode: 'loopback', topics: ['Goods'], peers: [berta.ticket], contacts: [{ name: 'berta', id: berta.id }] },
      accounts: { discord: { main: { token, apiUrl } } },
      routes: [{ id: 'goods', members: [{ place: 'p2p/self/Goods' }, { place: `discord/main/${guild}/${channel}` }] }],
    })
    await vi.waitUntil(() => fake.control.commands({ bot }).includes('k2'), { timeout: 30_000 })
    berta.node.addContact({ name: 'gateway', addr: t.gateway.node.addr() })
    await berta.neighbor('Goods', t.gateway.node.id)
  }, 180_000)
  afterAll(async () => {
    const { TRANSCRIPT } = process.env
    if (TRANSCRIPT !== undefined) writeFileSync(TRANSCRIPT, page(transcript))
    await t?.stop()
    await berta?.stop()
    await fake?.close()
  })

  type View = Awaited<ReturnType<typeof fake.control.answer>>
  const ann = () => ({ user: fake.info.user, channel: fake.info.channel })
  const told = (view: View): string =>
    view.messages
      .map((m) =>
        [m.title, m.text, ...m.buttons.map((b) => `[${b}]`), ...m.files.map((f) => `📎 ${f}`)].filter((x) => x !== '').join('\n'),
      )
      .join('\n')
  const note = (who: string, text: string): void => {
    const lines = text.split('\n').map((line, i) => (i === 0 ? `${who}: ${line}` : `   ${line}`))
    // Looking again at what has not changed yet tells nobody anything.
    if (!transcript.join('\n').endsWith(lines.join('\n'))) transcript.push(...lines)
  }

  async function run(
    command: string,
    options: Record<string, OptionValue> = {},
    wait: { text?: string; messages?: number } = {},
  ): Promise<View> {
    const shown = Object.entries(options).map(([k, v]) => ` ${k}:${typeof v === 'object' ? v.file.name : v}`)
    const once = (): Promise<View> =>
      fake.control.answer({ ...fake.control.runCommand({ ...ann(), command, options }), ...wait, timeoutMs: 40_000 })
    let view = await once()
    // Tests type faster than people.
    while (told(view).includes('Slow down')) {
      await setTimeout(1_000)
      view = await once()
    }
    note('Ann', `/${command}${shown.join('')}`)
    note('K2', view.modal ? `(a form: ${view.modal.title})` : told(view))
    return view
  }
  async function press(view: View, label: string): Promise<View> {
    const message = view.messages.find((m) => m.buttons.includes(label))
    note('Ann', `[${label}]`)
    const next = await fake.control.answer({
      ...fake.control.pressButton({ user: fake.info.user, message: message?.id ?? '', label }),
      timeoutMs: 40_000,
    })
    note('K2', next.modal ? `(a form: ${next.modal.title})` : told(next))
    return next
  }

  it('is greeted where the bot is added, and told where to begin', async () => {
    const { channel } = fake.control.joinGuild({ bot: fake.info.bot, name: 'Ann and friends' })
    const greeting = () => fake.control.visible({ channel }).find((m) => m.isBot)
    await vi.waitUntil(() => greeting() !== undefined, { timeout: 30_000 })
    const sent = fake.control.requests({ method: 'POST', path: `/channels/${channel}/messages` }).at(-1)?.body
    const { content = '', embeds = [] } = sent as { content?: string; embeds?: { title?: string; description?: string }[] }
    const said = [content, ...embeds.flatMap((e) => [e.title, e.description])].filter((text) => text !== undefined && text !== '')
    note('K2', said.join('\n'))
    expect(transcript.join('\n')).toContain('/k2 help')
  })

  it('is led from /k2 help to a published offer', async () => {
    const help = told(await run('k2 help'))
    for (const step of ['/k2 sell', '/k2 offers', '/k2 dm send', '/k2 file get']) expect(help).toContain(step)
    const form = await run('k2 sell')
    expect(form.modal?.title).toBeDefined()
    const fields = form.modal?.components.flatMap((row) => row.components) ?? []
    const values = Object.fromEntries(
      fields.map((f) => [f.custom_id, { item: 'ThinkPad X1 Carbon', price: '700 USD', place: 'Berlin' }[f.custom_id] ?? '']),
    )
    note('Ann', JSON.stringify(values))
    const asked = await fake.control.answer({ ...fake.control.submitModal({ interaction: form.id, values }), timeoutMs: 40_000 })
    note('K2', told(asked))
    expect(told(asked)).toContain('ThinkPad')
    const yes = asked.messages.flatMap((m) => m.buttons)[0] ?? ''
    expect(told(await press(asked, yes))).toContain('ThinkPad')
    const seen = await berta.message((m) => m.type === 'market')
    expect(JSON.stringify(seen)).toContain('ThinkPad')
  })

  it('sees what others offer', async () => {
    const form = { ...offerForm, title: 'Oak desk', brand: '', location: 'Berlin' }
    berta.node.publish({ kind: 'offer', topic: 'Goods', form })
    // A new offer is listed soon, but not at once.
    await expect.poll(async () => told(await run('k2 offers')), { timeout: 60_000, interval: 4_000 }).toContain('Oak desk')
  })

  it('says what they look for, and sees what fits', async () => {
    const form = await run('k2 buy')
    const fields = form.modal?.components.flatMap((row) => row.components) ?? []
    const values = Object.fromEntries(
      fields.map((f) => [f.custom_id, { item: 'Oak desk', price: '900 USD', place: 'Berlin' }[f.custom_id] ?? '']),
    )
    note('Ann', JSON.stringify(values))
    const asked = await fake.control.answer({ ...fake.control.submitModal({ interaction: form.id, values }), timeoutMs: 40_000 })
    note('K2', told(asked))
    const yes = asked.messages.flatMap((m) => m.buttons)[0] ?? ''
    await press(asked, yes)
    await expect.poll(async () => told(await run('k2 match list')), { timeout: 60_000, interval: 4_000 }).toContain('Oak desk')
  })

  it('finds a contact and writes to them', async () => {
    await expect.poll(async () => told(await run('k2 contact list')), { timeout: 30_000, interval: 3_000 }).toContain('🟢')
    const choices = await fake.control.typeAutocomplete({ ...ann(), command: 'k2 dm send', option: 'contact', typed: 'ber' })
    expect(choices.map((c) => c.value)).toEqual(['berta'])
    expect(told(await run('k2 dm send', { contact: 'berta', text: 'Is the desk still there?' }))).toContain('Sent to berta')
    await berta.chat('Is the desk still there?')
  })

  it('shares a file and fetches one', async () => {
    const said = () => fake.control.visible({ channel: fake.info.channel })
    await run('k2 file share', { file: { file: { name: 'plan.txt', type: 'text/plain', text: 'a plan of the desk' } } })
    const ticketIn = (text: string) => /plan\.txt\|blob[a-z2-7]{20,}/.exec(text)?.[0]
    await vi.waitUntil(() => said().some((m) => ticketIn(m.content)), { timeout: 40_000 })
    const ticket =
      said()
        .map((m) => ticketIn(m.content))
        .find((found) => found !== undefined) ?? ''
    note('K2', ticket)
    await run('k2 file get', { ticket })
    await vi.waitUntil(() => said().some((m) => m.isBot && m.files.includes('plan.txt')), { timeout: 40_000 })
    note('K2', '📎 plan.txt')
  })

  it('broke no rule of Discord', () => {
    expect(fake.control.violations()).toEqual([])
  })

  it('is what docs/newcomer.md shows (npm run docs:newcomer)', () => {
    const kept = readFileSync(join(import.meta.dirname, '../../../docs/newcomer.md'), 'utf8')
    const written = process.env.TRANSCRIPT === undefined ? kept : page(transcript)
    expect(lasting(page(transcript))).toEqual(lasting(written))
  })
})

/** What is the same in every run: what the newcomer did, and what they were told about what they can do. */
function lasting(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replace(/blob[a-z2-7]{20,}/g, 'blob…'))
  const help = lines.slice(0, lines.indexOf('Ann: /k2 sell'))
  // Looking again until something is there happens now and then.
  const done = lines.filter((line) => line.startsWith('Ann: '))
  return [...help, ...done.filter((line, i) => line !== done[i - 1])]
}

/** `docs/newcomer.md`, written by `npm run docs:newcomer`. */
function page(transcript: readonly string[]): string {
  return `# A newcomer on Discord

Somebody who only ever used Discord, on a server whose bot is this gateway; berta is a K2 user elsewhere. What follows is a run of
\`test/gateway/commands/newcomer.loopback.test.ts\` against the fake Discord with unmodified discord.js, written down as it was
(\`npm run docs:newcomer\`; ids differ from run to run). Buttons are in brackets, file names behind 📎.

\`\`\`text
${transcript.join('\n')}
\`\`\`
`
}
