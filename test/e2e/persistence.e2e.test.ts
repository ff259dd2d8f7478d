import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { identityOfSeed } from '../../src/core/index.ts'
import { readControlFile } from '../../src/gateway/cli/control-file.ts'
import { openDatabase } from '../../src/gateway/db/database.ts'
import { createSealer } from '../../src/gateway/db/sealer.ts'
import { A, B } from '../core/k2/fixtures.ts'
import { GatewayProcess } from '../support/gateway-process.ts'

const START_MS = 300_000
const TICKET = 'docaaacanary'

let folder: string
let gateway: GatewayProcess

async function api<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
  const file = await readControlFile(gateway.dataDir)
  const response = await fetch(`${file?.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${file?.token.reveal()}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  expect(response.ok, `${method} ${path}: ${text}`).toBe(true)
  return JSON.parse(text) as T
}

/** What the gateway says of everything that has to stay (k2-application 8, row 42). */
async function everything(): Promise<unknown> {
  const { folders, invitations } = await api<{
    folders: { id: string; name: string; path: string }[]
    invitations: { id: string }[]
  }>('GET', '/sync/folders')
  const { name, intro } = await api<{ name: string; intro: string }>('GET', '/profile')
  return {
    contacts: (await api<{ id: string; name: string }[]>('GET', '/contacts')).map((contact) => [contact.id, contact.name]),
    profile: [name, intro],
    folders: folders.map((one) => [one.id, one.name, one.path]),
    invitations: invitations.map((one) => one.id),
    peers: await api('GET', '/peers'),
    files: (await api<{ id: string; share: string }[]>('GET', '/blobs')).map((file) => [file.id, file.share]),
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k2gw-persistence-'))
  gateway = await GatewayProcess.prepare(folder, 'data', { node: { mode: 'loopback', topics: ['Goods'] } })
}, START_MS)
afterAll(async () => {
  await gateway?.kill()
  await rm(folder, { recursive: true, force: true })
}, START_MS)

describe('kill -9', { timeout: 3 * START_MS }, () => {
  it('takes nothing: identity, contacts, profile, folders, pending invitations, decisions and files', async () => {
    const { node } = await gateway.start()
    await api('POST', '/contacts', { name: 'Bob', node: B })
    await api('PATCH', '/profile', { name: 'Shop', intro: 'We sell.' })
    await mkdir(join(folder, 'shared'))
    await writeFile(join(folder, 'shared', 'a.txt'), 'hello')
    await api('POST', '/sync/folders', { name: 'Shared', path: join(folder, 'shared') })
    await api('POST', `/peers/${A}/block`, {})
    await api('POST', '/blobs?name=a.bin', 'x'.repeat(50_000))
    await gateway.kill()

    // An invitation as one that arrived before the kill.
    const seed = JSON.parse(await readFile(join(gateway.dataDir, 'identity.json'), 'utf8')).secretKey as string
    const identity = identityOfSeed(new Uint8Array(Buffer.from(seed, 'hex')))
    const db = await openDatabase({ driver: 'embedded', dir: join(gateway.dataDir, 'database') })
    await db.pool.query(
      `insert into k2.sync_invite (gateway, folder, peer, name, ticket, state, at) values ($1, 'folder-1', $2, 'Theirs', $3, 'pending', $4)`,
      [identity.id, B, createSealer(identity.seed()).seal(TICKET), Date.now()],
    )
    await db.close()

    expect((await gateway.start()).node).toBe(node)
    const before = await everything()
    expect(before).toMatchObject({
      contacts: [[B, 'Bob']],
      profile: ['Shop', 'We sell.'],
      folders: [[expect.any(String), 'Shared', join(folder, 'shared')]],
      invitations: ['folder-1'],
      files: [[expect.any(String), expect.any(String)]],
    })
    expect(JSON.stringify(before)).toContain(A)
    await gateway.kill()
    expect((await gateway.start()).node).toBe(node)
    expect(await everything()).toEqual(before)
  })
})
