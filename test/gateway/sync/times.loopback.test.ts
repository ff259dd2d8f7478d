import { mkdir, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type FolderAnswer, put, removeDir, SyncGateway, same, tempDir, tree, until } from '../../support/sync-gateway.ts'

let dir: string
let a: SyncGateway
let b: SyncGateway

beforeAll(async () => {
  dir = await tempDir()
  a = new SyncGateway(join(dir, 'a'))
  b = new SyncGateway(join(dir, 'b'), () => [a.gateway?.node.ticket() ?? ''])
  await a.start({ fileTimes: true })
  await b.start({ fileTimes: true })
  a.gateway?.node.connectTo(b.gateway?.node.addr() ?? (undefined as never))
}, 180_000)

afterAll(async () => {
  await b?.stop()
  await a?.stop()
  if (dir !== undefined) await removeDir(dir)
}, 60_000)

const secondsOf = async (root: string, path: string): Promise<number> => Math.floor((await stat(join(root, path))).mtimeMs / 1000)

/** Writes a file that looks as old as that. */
async function write(root: string, path: string, text: string, seconds: number): Promise<void> {
  await put(root, path, text)
  await utimes(join(root, path), seconds, seconds)
}

it('the time of a file is that of its winner, at gateways that write times (row 41)', { timeout: 240_000 }, async () => {
  const rootA = join(dir, 'papers')
  await mkdir(rootA)
  await write(rootA, 'old.txt', 'from a', 1_200_000_000)
  await write(rootA, 'deep/er/older.txt', 'from a, too', 900_000_000)
  await b.call('POST', '/sync/devices', { node: a.id, name: 'A' })
  await a.call('POST', '/sync/devices', { node: b.id, name: 'B' })
  const { id } = await a.call<FolderAnswer>('POST', '/sync/folders', { name: 'Papers', path: rootA, devices: 'B' })
  await until('the invitation', async () => (await b.call<unknown[]>('GET', '/sync/invitations')).length > 0)
  const { path: rootB } = await b.call<FolderAnswer>('POST', `/sync/invitations/${id}/accept`, {})
  await until('the files', async () => same(await tree(rootA), await tree(rootB)))
  expect(await secondsOf(rootB, 'old.txt')).toBe(1_200_000_000)
  expect(await secondsOf(rootB, 'deep/er/older.txt')).toBe(900_000_000)
  // The other side changes one: both authors have told a time now, and the winner's counts.
  await write(rootB, 'old.txt', 'from b, later', 1_300_000_000)
  await until('the change', async () => (await tree(rootA))['old.txt'] === 'from b, later')
  expect(await secondsOf(rootA, 'old.txt')).toBe(1_300_000_000)
  await write(rootA, 'old.txt', 'from a, older than ever', 1_000_000_000)
  await until('the change back', async () => (await tree(rootB))['old.txt'] === 'from a, older than ever')
  expect(await secondsOf(rootB, 'old.txt')).toBe(1_000_000_000)
  expect(await secondsOf(rootB, 'deep/er/older.txt')).toBe(900_000_000)
  // Neither side takes the other's times for changes.
  const entries = async (): Promise<string[]> =>
    Promise.all(
      [a, b].map(
        async (g) => (await g.call<{ document: { fingerprint: string } }>('GET', `/sync/folders/${id}`)).document.fingerprint,
      ),
    )
  await until('the same document', async () => new Set(await entries()).size === 1)
  const before = await entries()
  for (const g of [a, b]) {
    const { scannedAt = 0 } = await g.call<{ scannedAt?: number }>('GET', `/sync/folders/${id}`)
    await g.call('POST', '/jobs/sync', { folder: id })
    await until('the look to end', async () => {
      const now = await g.call<{ scannedAt?: number; status: string }>('GET', `/sync/folders/${id}`)
      return (now.scannedAt ?? 0) > scannedAt && now.status === 'idle'
    })
  }
  expect(await entries()).toEqual(before)
})
