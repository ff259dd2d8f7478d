import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { systemClock } from '../../../src/base/clock.ts'
import type { ServerMessage, WireMessage } from '../../../src/bridges/webchat/protocol.ts'
import { MemoryBlobStore, readBlob } from '../../../src/core/blobs/index.ts'
import { toPeerAddr } from '../../../src/core/index.ts'
import { openDownloads } from '../../../src/gateway/blobs/downloads.ts'
import { readShare } from '../../../src/gateway/blobs/share-text.ts'
import { FakeDiscord } from '../../fakes/discord/server.ts'
import { startProvider, type TestProvider } from '../../support/blob-provider.ts'
import { startTestNode, type TestNode } from '../../support/k2-nodes.ts'
import { startTestGateway, type TestGateway } from '../commands/support.ts'

const WAIT = { timeout: 90_000, interval: 100 }
const PUBLIC = 'https://files.example'

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')
const bytesOf = async (answer: Response): Promise<Uint8Array> => new Uint8Array(await answer.arrayBuffer())

/** A page of the web chat, as far as its WebSocket goes. */
class Page {
  readonly got: ServerMessage[] = []
  readonly #socket: WebSocket
  #ids = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data) => this.got.push(JSON.parse(String(data)) as ServerMessage))
  }

  static async open(url: string, name: string, room: string): Promise<Page> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`)
    const page = new Page(socket)
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    page.tell({ type: 'hello', version: 1, client: name.padEnd(16, '0'), name })
    page.tell({ type: 'join', room })
    await vi.waitUntil(() => page.got.some((m) => m.type === 'joined'), WAIT)
    return page
  }

  tell(message: object): void {
    this.#socket.send(JSON.stringify(message))
  }

  operation(message: object): void {
    this.tell({ ...message, id: `op-${String(++this.#ids).padStart(8, '0')}` })
  }

  get uploadToken(): string {
    return this.got.find((m) => m.type === 'welcome')?.uploads?.token ?? ''
  }

  messages(): WireMessage[] {
    const shown = new Map<string, WireMessage>()
    for (const m of this.got) {
      if (m.type === 'joined') for (const message of m.messages) shown.set(message.id, message)
      else if (m.type === 'message') shown.set(m.message.id, m.message)
    }
    return [...shown.values()]
  }

  /** What commands have answered, for this page alone or for the room. */
  answers(): string[] {
    const notices = this.got.flatMap((m) =>
      m.type === 'answer' ? m.notice : m.type === 'message' ? (m.message.notice ?? []) : [],
    )
    return notices.map((notice) => notice.text.map((run) => run.text).join(''))
  }

  close(): void {
    this.#socket.close()
  }
}

/** One gateway between Discord, the web chat and K2, and a peer that has files. */
describe('files in a gateway with Discord and the web chat', () => {
  let fake: FakeDiscord
  let berta: TestNode
  let provider: TestProvider
  let t: TestGateway
  let page: Page

  beforeAll(async () => {
    fake = await FakeDiscord.start({ identifyIntervalMs: 0 })
    berta = await startTestNode({ topics: ['Goods'] })
    provider = await startProvider({ maxBytes: 64_000_000 })
    const { guild, channel, token, apiUrl, bot } = fake.info
    t = await startTestGateway({
      node: { mode: 'loopback', topics: ['Goods'], peers: [berta.ticket] },
      accounts: { discord: { main: { token, apiUrl } } },
      market: { enabled: false },
      media: { maxFile: '300kB' },
      blobs: { publicUrl: PUBLIC },
      routes: [
        {
          id: 'goods',
          files: { share: 'ticket', blockedTypes: ['application/x-msdownload'] },
          members: [{ place: 'p2p/self/Goods' }, { place: `discord/main/${guild}/${channel}` }, { place: 'web/main/Goods' }],
        },
      ],
    })
    await vi.waitUntil(() => fake.control.commands({ bot }).includes('k2'), WAIT)
    await berta.neighbor('Goods', t.gateway.node.id)
    page = await Page.open(t.gateway.url, 'Wanda', 'Goods')
  }, 180_000)
  afterAll(async () => {
    page?.close()
    await t?.stop()
    await Promise.all([berta?.stop(), provider?.stop(), fake?.close()])
  })

  const discord = () => fake.control.visible({ channel: fake.info.channel })
  const runOnDiscord = (command: string, options: Record<string, string>): void =>
    void fake.control.runCommand({ user: fake.info.user, channel: fake.info.channel, command, options })
  const links = (): string[] => discord().flatMap((m) => m.content.match(/https:\/\/files\.example\/\S+/g) ?? [])

  it('a ticket in a chat is text, and nothing is fetched because of it', async () => {
    const ticket = provider.add(randomBytes(5_000))
    await berta.node.sendText('Goods', { text: `look: free.bin|${ticket}`, senderName: 'Berta', key: 'free' })
    await vi.waitUntil(() => discord().some((m) => m.content.includes('free.bin')), WAIT)
    expect((await t.api('GET', '/jobs')).body).toEqual([])
    expect(provider.requests).toBe(0)
  }, 180_000)

  it('Discord: what fits comes as the file, once', async () => {
    const data = randomBytes(200_000)
    runOnDiscord('k2 file get', { ticket: `plan.bin|${provider.add(data)}` })
    const files = (): number[] => discord().flatMap((m) => m.sizes.filter((_, i) => m.files[i] === 'plan.bin'))
    await vi.waitUntil(() => files().length > 0, WAIT)
    expect(files()).toEqual([data.length])
  }, 180_000)

  it('Discord: what does not fit comes as a link that serves the verified bytes and parts of them, until it is revoked', async () => {
    const data = randomBytes(6_000_000)
    const ticket = `../we${'i'.repeat(3)}rd name.html|${provider.add(data)}`
    runOnDiscord('k2 file get', { ticket })
    await vi.waitUntil(() => links().length > 0, WAIT)
    const url = (links()[0] as string).replace(PUBLIC, t.gateway.url)
    const whole = await fetch(url)
    expect(whole.headers.get('content-disposition')).toBe('attachment; filename="weiiird name.html"')
    expect(whole.headers.get('content-type')).not.toMatch(/html/)
    expect(sha256(await bytesOf(whole))).toBe(sha256(data))
    const part = await fetch(url, { headers: { range: 'bytes=16384-20000' } })
    expect(part.status).toBe(206)
    expect(sha256(await bytesOf(part))).toBe(sha256(data.subarray(16_384, 20_001)))
    expect((await fetch(`${url.slice(0, -2)}xx`)).status).toBe(404)
    // Here already: the same ticket again is answered without asking the provider.
    const asked = provider.requests
    runOnDiscord('k2 file get', { ticket })
    await vi.waitUntil(() => links().length > 1, WAIT)
    expect(provider.requests).toBe(asked)
    const [job] = (await t.api('GET', '/jobs')).body as { id: string }[]
    const { files } = (await t.api('GET', `/jobs/${job?.id}`)).body as { files: { id: string }[] }
    expect((await t.api('DELETE', `/links/${files[0]?.id}`)).status).toBe(200)
    expect((await fetch((links()[1] as string).replace(PUBLIC, t.gateway.url))).status).toBe(404)
  }, 180_000)

  it('web chat: a ticket is fetched with its progress, and the file can be downloaded from the room', async () => {
    const data = randomBytes(150_000)
    page.operation({ type: 'command', text: `/file get web.bin|${provider.add(data)}` })
    const file = () => page.messages().flatMap((m) => m.files?.filter(({ name }) => name === 'web.bin') ?? [])[0]
    await vi.waitUntil(() => file() !== undefined, WAIT)
    const answer = await fetch(`${t.gateway.url}/${file()?.path}`)
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment/)
    expect(sha256(await bytesOf(answer))).toBe(sha256(data))
    await vi.waitUntil(() => page.answers().some((text) => text.includes('web.bin: done')), WAIT)
  }, 180_000)

  it('web chat: an uploaded file reaches Discord as a file and K2 as a ticket that any peer can fetch', async () => {
    const data = randomBytes(90_000)
    const upload = await fetch(`${t.gateway.url}/chat/files?name=chart.bin`, {
      method: 'POST',
      body: data,
      headers: { 'x-upload-token': page.uploadToken },
    })
    const { id } = (await upload.json()) as { id: string }
    page.operation({ type: 'send', room: 'Goods', text: 'the chart', files: [id] })
    await vi.waitUntil(() => discord().some((m) => m.files.includes('chart.bin')), WAIT)
    const seen = await berta.message((m) => JSON.stringify(m).includes('chart.bin|blob'))
    const share = /chart\.bin\|blob[a-z2-7]+/.exec(JSON.stringify(seen))?.[0] ?? ''
    const { ticket } = readShare(share)
    const store = new MemoryBlobStore(1_000_000)
    const { download, stop } = openDownloads({
      store,
      endpoint: () => berta.node.endpoint,
      reach: { mode: 'loopback' },
      clock: systemClock,
    })
    const { hash } = await download({ hash: ticket.hash, providers: [toPeerAddr(ticket.addr)] })
    expect(sha256(await readBlob(store, hash, 1_000_000))).toBe(sha256(data))
    await stop()
    await store.close()
  }, 180_000)

  it('the program a policy blocks is not delivered, and the chat is told why', async () => {
    const program = Buffer.concat([Buffer.from('MZ'), randomBytes(20_000)])
    runOnDiscord('k2 file get', { ticket: `game.exe|${provider.add(program)}` })
    await vi.waitUntil(() => discord().some((m) => m.content.includes('game.exe') && m.content.includes('could not be')), WAIT)
    expect(discord().some((m) => m.files.includes('game.exe'))).toBe(false)
  }, 180_000)
})
