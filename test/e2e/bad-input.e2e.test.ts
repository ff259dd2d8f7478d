import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { seededRng } from '../../src/base/random.ts'
import { parsePeer, toPeerAddr } from '../../src/core/index.ts'
import { openEndpoint } from '../../src/core/net/index.ts'
import { FakeDiscord } from '../fakes/discord/server.ts'
import { freeUdpPort } from '../support/free-port.ts'
import { metricOf } from '../support/gateway-api.ts'
import { GatewayProcess, type Started } from '../support/gateway-process.ts'
import { startRawPeer, startTestNode, type TestNode } from '../support/k2-nodes.ts'

const TOPIC = 'Goods'
const GOSSIP_ALPN = '/iroh-gossip/1'
/** A message must be on the other side within this, ms. */
const ARRIVES = { timeout: 60_000, interval: 100 }

describe('a gateway that meets bad input', () => {
  let folder: string
  let discord: FakeDiscord
  let channel: string
  let gateway: GatewayProcess
  let started: Started
  let friend: TestNode

  const shown = (): string[] => discord.control.visible({ channel }).map((m) => m.content)
  let said = 0
  /** The next message of a well-behaved peer arrives. */
  const nextArrives = async (): Promise<void> => {
    const text = `still here ${said++}`
    await friend.node.sendText(TOPIC, { text, senderName: 'Friend', key: text })
    await expect.poll(shown, ARRIVES).toContainEqual(expect.stringContaining(text))
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'k2gw-bad-input-'))
    discord = await FakeDiscord.start()
    channel = discord.info.channel
    gateway = await GatewayProcess.prepare(
      folder,
      'steady',
      {
        node: { mode: 'loopback', bind: `127.0.0.1:${await freeUdpPort()}`, topics: [TOPIC] },
        accounts: { discord: { main: { token: '${env:STEADY_DISCORD}', apiUrl: discord.info.apiUrl } } },
        web: { enabled: false },
        routes: [
          { id: 'goods', members: [{ place: `p2p/self/${TOPIC}` }, { place: `discord/main/${discord.info.guild}/${channel}` }] },
        ],
      },
      { STEADY_DISCORD: discord.info.token },
    )
    started = await gateway.start()
    friend = await startTestNode({ topics: [TOPIC], peers: [started.ticket] })
  }, 120_000)

  afterAll(async () => {
    await friend?.stop()
    await gateway?.kill()
    await discord?.close()
    await rm(folder, { recursive: true, force: true })
  })

  describe('at its start', () => {
    it('ends with code 4 when the HTTP port is taken, naming the port and the option', async () => {
      const holder = createServer().listen(0, '127.0.0.1')
      await once(holder, 'listening')
      const { port } = holder.address() as AddressInfo
      const late = await GatewayProcess.prepare(folder, 'late', { node: { mode: 'loopback' }, http: { port } })
      try {
        await expect(late.start()).rejects.toThrow('did not start')
        expect(await late.stop()).toBe(4)
        expect(late.log).toContain(`127.0.0.1:${port} is in use`)
        expect(late.log).toContain('http.port')
      } finally {
        await late.kill()
        holder.close()
      }
    })

    it('ends with code 3 for a wrong config, with the line of every mistake', async () => {
      const wrong = await GatewayProcess.prepare(folder, 'wrong', {})
      await writeFile(join(folder, 'wrong.yaml'), 'instance: wrong\nhttp:\n  port: many\nweb:\n  enabled: true\n  colour: red\n')
      await expect(wrong.start()).rejects.toThrow('did not start')
      expect(await wrong.stop()).toBe(3)
      expect(wrong.log).toMatch(/wrong\.yaml:3:\d+ http\.port/)
      expect(wrong.log).toMatch(/wrong\.yaml:6:\d+ web/)
    })

    it('ends with code 5 when another one uses its data directory, naming that process', async () => {
      const second = await GatewayProcess.prepare(folder, 'second', { dataDir: gateway.dataDir, node: { mode: 'loopback' } })
      await expect(second.start()).rejects.toThrow('did not start')
      expect(await second.stop()).toBe(5)
      expect(second.log).toContain(`process ${gateway.pid}`)
      await nextArrives()
    })
  })

  describe('from strangers', () => {
    it('lives through a protocol nobody speaks and garbage on gossip streams', async () => {
      const address = toPeerAddr(parsePeer(started.ticket))
      const rng = seededRng(3)
      const stranger = await openEndpoint({ secretKey: new Uint8Array(32).fill(77), mode: 'loopback' })
      try {
        await stranger.start()
        stranger.learn(address, 'config')
        await expect(stranger.dial(address.id, '/nonsense/1')).rejects.toMatchObject({ code: 'NET_ALPN' })
        for (let i = 0; i < 10; i++) {
          const connection = await stranger.dial(address.id, GOSSIP_ALPN, { exclusive: true })
          const stream = await connection.openUni()
          // Random bytes, a frame that claims 4 GiB, and frames of the right length without sense.
          const bytes = i === 0 ? new Uint8Array(64).fill(255) : i === 1 ? new Uint8Array(4096) : rng.bytes(1 + i * 700)
          // The gateway may cut the stream, or the connection, at the first senseless byte.
          await stream.write(bytes, { deadlineMs: 5_000 }).catch(() => {})
          await stream.finish().catch(() => {})
          if (i % 2 === 0) connection.close(0n, '')
        }
        await nextArrives()
      } finally {
        await stranger.stop()
      }
    })

    it('drops and counts messages that are bombs for a JSON parser', async () => {
      await using raw = await startRawPeer({ peers: [started.ticket] })
      const handle = await raw.join(TOPIC)
      const before = await metricOf(gateway, 'k2_node_dropped')
      const bombs = [
        '['.repeat(4000),
        `${'{"a":'.repeat(600)}1${'}'.repeat(600)}`,
        `{"Chat":{"text":${'9'.repeat(3900)}e999999}}`,
      ]
      for (const bomb of bombs) await handle.broadcast(new TextEncoder().encode(bomb))
      await expect.poll(() => metricOf(gateway, 'k2_node_dropped'), ARRIVES).toBeGreaterThanOrEqual(before + bombs.length)
      await nextArrives()
    })
  })

  it('stops in time when asked, with code 0, and goes on where it was after the next start', async () => {
    const asked = performance.now()
    expect(await gateway.stop()).toBe(0)
    expect(performance.now() - asked).toBeLessThan(10_000)
    discord.control.say({ channel, user: discord.info.user, content: 'said while nobody listened' })
    started = await gateway.start()
    expect(started.node).toBe(parsePeer(started.ticket).id)
    const chat = await friend.message((m) => m.type === 'chat' && m.text.includes('said while nobody listened'))
    expect(chat.type).toBe('chat')
    await nextArrives()
    expect(gateway.log).not.toMatch(/APP_UNHANDLED|unexpected error/)
  })
})
