import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import { cryptoRng } from '../../../src/base/random.ts'
import { K2Node, newIdentity } from '../../../src/core/index.ts'
import { qrPng } from '../../../src/gateway/blobs/qr.ts'
import { readControlFile } from '../../../src/gateway/cli/control-file.ts'
import { runProgram } from '../../../src/gateway/cli/program.ts'
import { startGateway } from '../../../src/gateway/compose.ts'
import { configSchema } from '../../../src/gateway/config/schema.ts'
import type { Gateway } from '../../../src/gateway/gateway.ts'

const dir = mkdtempSync(join(tmpdir(), 'k2gw-docs-'))
const dataDir = join(dir, 'data')
const configured = newIdentity(cryptoRng).id
const anna = newIdentity(cryptoRng).id
const berta = new K2Node({ identity: newIdentity(cryptoRng), config: { mode: 'loopback', topics: [] } })
let gateway: Gateway
/** Whole gateways start and stop, on machines that are busy with others. */
const SLOW = 240_000

async function start(): Promise<void> {
  const config = configSchema.parse({
    dataDir,
    instance: 'test',
    http: { port: 0 },
    node: { mode: 'loopback', topics: ['Goods'], contacts: [{ name: 'Fixed', id: configured }] },
  })
  gateway = await startGateway({ config, log: nullLogger }, new AbortController().signal)
}

beforeAll(async () => {
  writeFileSync(join(dir, 'k2gw.yaml'), JSON.stringify({ dataDir, instance: 'test' }))
  await Promise.all([start(), berta.start()])
}, SLOW)
afterAll(async () => {
  await gateway.stop()
  await berta.stop()
  rmSync(dir, { recursive: true, force: true })
}, SLOW)

async function raw(method: string, path: string, body?: Uint8Array | string): Promise<Response> {
  const file = await readControlFile(dataDir)
  if (file === undefined) throw new Error('no control file')
  const init = { method, headers: { authorization: `Bearer ${file.token.reveal()}` } }
  return fetch(
    `${file.url}/api/v1${path}`,
    body === undefined ? init : { ...init, body: typeof body === 'string' ? body : body.slice() },
  )
}

async function api(method: string, path: string, body?: object): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await raw(method, path, body === undefined ? undefined : JSON.stringify(body))
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

async function k2gw(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const code = await runProgram(['--config', join(dir, 'k2gw.yaml'), ...argv], {
    env: {},
    cwd: dir,
    out,
    err,
    signal: new AbortController().signal,
  })
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') }
}

const names = async (): Promise<unknown[]> =>
  ((await api('GET', '/contacts')).body as unknown as { name: string }[]).map((c) => c.name)
const errorOf = ({ body }: { body: Record<string, unknown> }): string => (body.error as { code: string }).code

describe('the contact book', () => {
  it('holds contacts beside those of the configuration, over HTTP and on the command line', async () => {
    expect(await api('POST', '/contacts', { node: anna.toUpperCase(), name: 'Anna', notes: 'sells laptops' })).toMatchObject({
      status: 200,
      body: { id: anna, name: 'Anna' },
    })
    expect((await k2gw('contact', 'add', berta.ticket(), 'Berta')).code).toBe(0)
    expect(await api('GET', '/contacts')).toMatchObject({
      body: [
        { name: 'Anna', id: anna, online: false, source: 'book', notes: 'sells laptops' },
        { name: 'Berta', id: berta.id, source: 'book' },
        { name: 'Fixed', id: configured, source: 'config' },
      ],
    })
    const listed = await k2gw('contact', 'list')
    expect(listed.out).toContain('Anna')
  })

  it('names contacts in other commands, by the address of their ticket', async () => {
    expect(await api('POST', '/contacts/Berta/ping')).toMatchObject({ body: { id: berta.id, online: true } })
    expect(gateway.node.topics().map((t) => t.contact)).toContain(berta.id)
  })

  it('names contacts in routes made by commands, which keep the id', async () => {
    const made = await api('PUT', '/routes/anna', { place: 'p2p/self/dm:anna', with: 'web/main/Anna' })
    expect(made).toMatchObject({ status: 200, body: { members: [{ place: `p2p/self/dm:${anna}` }, { place: 'web/main/Anna' }] } })
    const other = await api('PUT', '/routes/other', { place: 'p2p/self/dm:nobody', with: 'web/main/Other' })
    expect(errorOf(other)).toBe('ROUTE_BAD_PLACE')
  })

  it('refuses what is no node, its own id, a taken name, and changes of configured contacts', async () => {
    expect(errorOf(await api('POST', '/contacts', { node: 'nonsense', name: 'x' }))).toBe('KEY_BAD_ID')
    expect(errorOf(await api('POST', '/contacts', { node: gateway.node.id, name: 'Me' }))).toBe('CONTACT_SELF')
    expect(errorOf(await api('POST', '/contacts', { node: newIdentity(cryptoRng).id, name: 'anna' }))).toBe('CONTACT_NAME_TAKEN')
    expect(errorOf(await api('PATCH', '/contacts/Fixed', { name: 'Other' }))).toBe('CONTACT_CONFIGURED')
    expect(errorOf(await api('DELETE', '/contacts/nobody'))).toBe('CONTACT_UNKNOWN')
    expect(await names()).toEqual(['Anna', 'Berta', 'Fixed'])
  })

  it('renames, and removes after a question; the topic of a removed contact is left', async () => {
    expect(await api('PATCH', '/contacts/Anna', { name: 'Anne' })).toMatchObject({ body: { id: anna, name: 'Anne' } })
    expect((await k2gw('contact', 'remove', 'Berta')).code).toBe(2)
    expect(await names()).toContain('Berta')
    expect((await k2gw('contact', 'remove', 'Berta', '--yes')).code).toBe(0)
    expect(await names()).toEqual(['Anne', 'Fixed'])
    expect(gateway.node.topics().map((t) => t.contact)).not.toContain(berta.id)
    expect(JSON.stringify((await api('GET', '/audit')).body)).toContain('contact remove')
  })

  it('takes the contacts of an older program', async () => {
    const old = newIdentity(cryptoRng).id
    const contacts = {
      [old]: { node_id: old, nickname: 'Otto', added_at: 1_700_000_000, notes: null },
      [anna]: { node_id: anna, nickname: 'Not taken', added_at: 1, notes: null },
      bad: { node_id: 'bad', nickname: 'No id', added_at: 1, notes: null },
    }
    writeFileSync(join(dir, 'contacts.json'), JSON.stringify({ contacts }))
    expect(await k2gw('contact', 'import', 'contacts.json')).toMatchObject({ code: 0, out: '1 contact added\n' })
    expect(await names()).toEqual(['Anne', 'Fixed', 'Otto'])
    writeFileSync(join(dir, 'contacts.json'), '{"people": []}')
    expect(await k2gw('contact', 'import', 'contacts.json')).toMatchObject({
      code: 1,
      err: expect.stringContaining('K2_MALFORMED'),
    })
  })
})

describe('topics', () => {
  it('are joined and left by command, each also after a restart', { timeout: SLOW }, async () => {
    const joined = async (): Promise<unknown[]> =>
      ((await api('GET', '/topics')).body as unknown as { name: string }[]).map((topic) => topic.name)
    expect(await api('PUT', '/topics/Boats')).toMatchObject({ status: 200, body: { name: 'Boats', joined: true } })
    expect(await joined()).toEqual(expect.arrayContaining(['Goods', 'Boats']))
    await gateway.stop()
    await start()
    expect(await joined()).toEqual(expect.arrayContaining(['Goods', 'Boats']))
    // On the command line leaving is confirmed.
    expect((await k2gw('topic', 'leave', 'Boats')).code).toBe(2)
    expect((await k2gw('topic', 'leave', 'Boats', '--yes')).code).toBe(0)
    expect(await joined()).not.toContain('Boats')
    // A topic that a route reads is not left.
    expect((await k2gw('topic', 'leave', 'Goods', '--yes')).code).toBe(1)
    await gateway.stop()
    await start()
    expect(await joined()).not.toContain('Boats')
    expect(await joined()).toContain('Goods')
  })
})

describe('the profile', () => {
  it('changes texts one by one and clears them', async () => {
    expect((await api('PATCH', '/profile', { name: 'Market of Bern', intro: 'Things' })).body).toMatchObject({
      name: 'Market of Bern',
    })
    expect((await k2gw('profile', 'set', '--description', 'All kinds of things')).code).toBe(0)
    await api('PATCH', '/profile', { clear: 'intro' })
    expect((await api('GET', '/profile')).body).toEqual({
      name: 'Market of Bern',
      intro: null,
      description: 'All kinds of things',
      avatar_hash: null,
      logo_hash: null,
      logo_light_hash: null,
    })
  })

  it('keeps the light logo when the dark one follows, and serves both', async () => {
    const [dark, light] = [await qrPng('dark'), await qrPng('light')]
    expect((await raw('PUT', '/profile/images/logo-light', light)).status).toBe(200)
    writeFileSync(join(dir, 'dark.png'), dark)
    expect((await k2gw('profile', 'image-set', 'logo-dark', 'dark.png')).code).toBe(0)
    for (const [field, bytes] of [
      ['logo-light', light],
      ['logo-dark', dark],
    ] as const) {
      const answer = await raw('GET', `/profile/images/${field}`)
      expect(answer.headers.get('content-type')).toBe('image/png')
      expect(Buffer.from(await answer.arrayBuffer()).equals(Buffer.from(bytes))).toBe(true)
    }
    expect((await k2gw('profile', 'image', 'logo-dark', '-o', join(dir, 'saved.png'))).code).toBe(0)
  })

  it('refuses what is no image, and images that are too large', async () => {
    expect((await raw('PUT', '/profile/images/avatar', 'just a text')).status).toBe(400)
    expect((await raw('PUT', '/profile/images/avatar', new Uint8Array(4 * 1024 * 1024 + 1))).status).toBe(400)
    expect((await raw('PUT', '/profile/images/nose', await qrPng('x'))).status).toBe(400)
    expect((await raw('GET', '/profile/images/avatar')).status).toBe(404)
  })
})

describe('documents of a gateway', () => {
  it('outlive garbage collections and restarts', { timeout: SLOW }, async () => {
    const before = (await api('GET', '/profile')).body
    await gateway.stop()
    await start()
    // What documents name has no tag: only they keep it.
    expect((await raw('POST', '/blobs/gc')).status).toBe(200)
    expect((await api('GET', '/profile')).body).toEqual(before)
    expect(await names()).toEqual(['Anne', 'Fixed', 'Otto'])
    expect((await raw('GET', '/profile/images/logo-light')).status).toBe(200)
    expect(gateway.node.contacts().map((c) => c.name)).toEqual(expect.arrayContaining(['Fixed', 'Anne', 'Otto']))
    expect(await api('DELETE', '/profile/images/logo-light')).toMatchObject({ body: { removed: true } })
    expect((await raw('GET', '/profile/images/logo-light')).status).toBe(404)
    expect((await raw('GET', '/profile/images/logo-dark')).status).toBe(200)
  })

  it('are answered from the start, and counted', async () => {
    berta.connectTo(gateway.node.addr())
    expect(await berta.ping(gateway.node.id, { alpn: '/iroh-sync/1' })).toMatchObject({ online: true })
    const file = await readControlFile(dataDir)
    const metrics = await fetch(`${file?.url}/metrics`, { headers: { authorization: `Bearer ${file?.token.reveal()}` } })
    // Contacts and profile at least; capabilities keep documents of their own.
    expect(Number(/^k2_docs (\d+)$/m.exec(await metrics.text())?.[1])).toBeGreaterThanOrEqual(2)
  })
})
