import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Host, HostNetwork, namespacesRefused } from '../interop/lab/netns.ts'
import { GatewayProcess, type Started } from '../support/gateway-process.ts'

const COMMAND = fileURLToPath(new URL('../../bin/k2gw.mjs', import.meta.url))
const DHT = fileURLToPath(new URL('../support/dht-main.ts', import.meta.url))
const TOPIC = 'Goods'
const FOUND_MS = 60_000

const refused = await namespacesRefused()
if (refused !== undefined) {
  if (process.env.CI === 'true') throw new Error(refused)
  console.log(`gateways in namespaces are left out: ${refused}`)
}

let folder: string
let network: HostNetwork
const ends: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k2gw-find-'))
  network = await HostNetwork.create(3)
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
  await network.close()
  await rm(folder, { recursive: true, force: true })
})

/** A whole gateway on one host, without relays or n0's name service: what it finds it finds by `discovery` alone. */
async function gateway(
  host: Host,
  name: string,
  discovery: object,
  peers: readonly string[] = [],
): Promise<Started & { wrapper: readonly string[] }> {
  const process = await GatewayProcess.prepare(
    folder,
    name,
    { node: { mode: 'lan', topics: [TOPIC], bind: `${host.ip}:0`, peers }, discovery: { trackers: [], ...discovery } },
    {},
    host.wrapper,
  )
  ends.push(() => process.kill())
  return { ...(await process.start()), wrapper: host.wrapper }
}

/** A helper process on a host; resolves with its first line, read as JSON. */
async function helper(host: Host, args: readonly string[]): Promise<Record<string, unknown>> {
  const [command, ...rest] = [...host.wrapper, process.execPath, ...args]
  const child: ChildProcess = spawn(command as string, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<void>((done) => child.once('close', () => done()))
  ends.push(() => {
    child.kill('SIGTERM')
    return ended
  })
  const lines = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> })
  for await (const line of lines) return JSON.parse(line) as Record<string, unknown>
  throw new Error('the helper ended without a word')
}

/** How many neighbours a gateway has on the topic, asked for on its own host: its door is on loopback there. */
async function neighbors(name: string, wrapper: readonly string[]): Promise<number | undefined> {
  const { url, token } = JSON.parse(await readFile(join(folder, name, 'control.json'), 'utf8')) as { url: string; token: string }
  const [command, ...rest] = [...wrapper, process.execPath, '-e', ASK, `${url}/api/status`]
  const child = spawn(command as string, rest, { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, TOKEN: token } })
  let text = ''
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString()
  })
  await new Promise((done) => child.once('close', done))
  const { node } = JSON.parse(text) as { node: { topics: { name: string; neighbors: number }[] } }
  return node.topics.find((topic) => topic.name === TOPIC)?.neighbors
}

const ASK =
  'fetch(process.argv[1], { headers: { authorization: `Bearer ${process.env.TOKEN}` } }).then((r) => r.text()).then(console.log)'

async function meet(a: Started & { wrapper: readonly string[] }, b: Started & { wrapper: readonly string[] }): Promise<void> {
  const until = { timeout: FOUND_MS, interval: 1_000 }
  await expect.poll(() => neighbors('a', a.wrapper), until).toBe(1)
  await expect.poll(() => neighbors('b', b.wrapper), until).toBe(1)
}

describe.skipIf(refused !== undefined)('two gateways on two hosts find each other', () => {
  test('by mDNS alone, knowing nothing', async () => {
    const [first, second] = network.hosts as [Host, Host]
    const discovery = { mdns: true }
    const [a, b] = await Promise.all([gateway(first, 'a', discovery), gateway(second, 'b', discovery)])
    await meet(a, b)
  })

  test('by a tracker alone, knowing only it', async () => {
    const [first, second, third] = network.hosts as [Host, Host, Host]
    const config = join(folder, 'tracker.yaml')
    await writeFile(config, JSON.stringify({ dataDir: join(folder, 'tracker'), node: { mode: 'lan' }, log: { level: 'warn' } }))
    const tracker = await helper(third, [COMMAND, '--config', config, '--json', 'tracker', 'run', '--bind', `${third.ip}:0`])
    const discovery = { trackers: [tracker.ticket] }
    const a = await gateway(first, 'a', discovery)
    const b = await gateway(second, 'b', discovery)
    await meet(a, b)
  })

  test('by a DHT alone, one knowing the id of the other', async () => {
    const [first, second, third] = network.hosts as [Host, Host, Host]
    const { addr } = await helper(third, ['--import', 'tsx', DHT, third.ip])
    const discovery = { dht: { enabled: true, bootstrap: [addr], closed: true } }
    const a = await gateway(first, 'a', discovery)
    const b = await gateway(second, 'b', discovery, [a.node])
    await meet(a, b)
  })
})
