import { mkdir, rename, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cryptoRng } from '../../../src/base/random.ts'
import { newIdentity } from '../../../src/core/index.ts'
import { type FolderAnswer, put, removeDir, SyncGateway, same, tempDir, tree, until } from '../../support/sync-gateway.ts'

let dir: string
let a: SyncGateway
let b: SyncGateway
let rootA: string
let rootB: string
let folder: FolderAnswer

beforeAll(async () => {
  dir = await tempDir()
  a = new SyncGateway(join(dir, 'a'))
  b = new SyncGateway(join(dir, 'b'), () => [a.gateway?.node.ticket() ?? ''])
  await a.start()
  await b.start()
  a.gateway?.node.connectTo(b.gateway?.node.addr() ?? (undefined as never))
  rootA = join(dir, 'photos')
  await mkdir(rootA)
}, 180_000)

afterAll(async () => {
  await b.stop()
  await a.stop()
  await removeDir(dir)
}, 60_000)

const equal = (): Promise<boolean> => until('both folders to be the same', async () => same(await tree(rootA), await tree(rootB)))

describe('a folder of two gateways', { timeout: 240_000 }, () => {
  it('is offered, shown, accepted, and its files arrive', async () => {
    await put(rootA, 'README', 'a text')
    await put(rootA, 'README.md', 'a longer text')
    await put(rootA, 'sub/deep/größe.txt', 'x'.repeat(40_000))
    await b.call('POST', '/sync/devices', { node: a.id, name: 'Gateway A' })
    await a.call('POST', '/sync/devices', { node: b.id, name: 'Gateway B' })
    folder = await a.call('POST', '/sync/folders', { name: 'Photos', path: rootA, devices: 'Gateway B' })
    const [invitation] = await until('the invitation', async () => {
      const list = await b.call<{ id: string; name: string; peer: string }[]>('GET', '/sync/invitations')
      return list.length > 0 && list
    })
    expect(invitation).toMatchObject({ id: folder.id, name: 'Photos', peer: a.id })
    const accepted = await b.call<FolderAnswer>('POST', `/sync/invitations/${folder.id}/accept`, {})
    rootB = accepted.path
    expect(rootB).toBe(join(dir, 'b', 'folders', 'Photos'))
    await until('the files', async () => same(await tree(rootA), await tree(rootB)))
    expect(await tree(rootB)).toMatchObject({ README: 'a text', 'README.md': 'a longer text' })
  })

  it('follows new files, changes, renames and deletions in both directions', async () => {
    await put(rootB, 'from b/note.txt', 'written at b')
    await equal()
    await put(rootA, 'README', 'changed at a')
    await until('the change', async () => (await tree(rootB)).README === 'changed at a')
    await rename(join(rootB, 'sub'), join(rootB, 'moved'))
    await until('the rename', async () => (await tree(rootA))['moved/deep/größe.txt'] !== undefined)
    await rm(join(rootA, 'README.md'))
    await until('the deletion', async () => (await tree(rootB))['README.md'] === undefined)
    await equal()
    expect(Object.keys(await tree(rootA)).sort()).toEqual(['README', 'from b/note.txt', 'moved/deep/größe.txt'])
  })

  it('a paused folder does nothing in either direction, a passive one waits to be asked', async () => {
    await b.call('PATCH', `/sync/folders/${folder.id}`, { enabled: false })
    await put(rootA, 'while paused', 'from a')
    await put(rootB, 'also while paused', 'from b')
    await until(
      'the entry at a',
      async () => (await a.folder(folder.id)).toPublish === 0 && (await a.folder(folder.id)).files === 4,
    )
    await expect(b.call('POST', '/jobs/sync', { folder: folder.id })).rejects.toThrow('SYNC_OFF')
    expect((await tree(rootB))['while paused']).toBeUndefined()
    await b.call('PATCH', `/sync/folders/${folder.id}`, { enabled: true, mode: 'passive' })
    await until('what waits', async () => (await b.folder(folder.id)).status === 'pending')
    expect((await tree(rootB))['while paused']).toBeUndefined()
    await b.call('POST', '/jobs/sync', { folder: folder.id })
    await equal()
    await b.call('PATCH', `/sync/folders/${folder.id}`, { mode: 'proactive' })
  })

  it('what both changed apart is kept twice, and a restart in between loses nothing', async () => {
    await b.call('PATCH', `/sync/folders/${folder.id}`, { mode: 'passive' })
    await b.stop()
    await put(rootA, 'README', 'later, at a')
    await until(
      'the version of a',
      async () => (await tree(rootA)).README === 'later, at a' && (await a.folder(folder.id)).status === 'idle',
    )
    await put(rootA, 'marker', 'written after it')
    // Older than the version of a by its time, and never seen by it.
    await put(rootB, 'README', 'earlier, at b')
    await utimes(join(rootB, 'README'), new Date('2020-01-01'), new Date('2020-01-01'))
    await put(rootB, 'written while away', 'at b')
    await rm(join(rootB, 'while paused'))
    await b.start()
    await until('what a has written', async () => (await b.folder(folder.id)).toTake > 0)
    expect((await tree(rootB)).README).toBe('earlier, at b')
    await b.call('PATCH', `/sync/folders/${folder.id}`, { mode: 'proactive' })
    const conflict = 'README (conflict 2020-01-01'
    await until('the conflict copy', async () => Object.keys(await tree(rootA)).some((path) => path.startsWith(conflict)))
    await equal()
    const files = await tree(rootA)
    expect(files.README).toBe('later, at a')
    expect(files['written while away']).toBe('at b')
    expect(files['while paused']).toBeUndefined()
    expect(Object.entries(files).find(([path]) => path.startsWith(conflict))?.[1]).toBe('earlier, at b')
  })

  it('tests a device, and removes one', async () => {
    await until('the device to answer', async () => (await a.call('POST', '/sync/devices/Gateway%20B/test', {})).online === true)
    const gone = newIdentity(cryptoRng).id
    await a.call('POST', '/sync/devices', { node: gone, name: 'Old phone', type: 'Mobile' })
    expect(await a.call('POST', '/sync/devices/Old%20phone/test', {})).toMatchObject({ node: gone, online: false })
    const names = async (): Promise<string[]> => (await a.call<{ name: string }[]>('GET', '/sync/devices')).map((d) => d.name)
    expect(await names()).toEqual(expect.arrayContaining(['Gateway B', 'Old phone']))
    expect(await a.call('DELETE', '/sync/devices/Old%20phone')).toMatchObject({ name: 'Old phone' })
    expect(await names()).not.toContain('Old phone')
  })

  it('says who is online, lists devices, and leaves without touching files', async () => {
    expect(await a.call('POST', '/sync/devices/Gateway%20B/test', {})).toMatchObject({ online: true })
    expect(await a.call('GET', '/sync/devices')).toMatchObject([{ name: 'Gateway B', nodeId: b.id, status: 'online' }])
    expect(await a.call('PATCH', '/sync/settings', { name: 'A' })).toEqual({ localLogo: null, displayName: 'A' })
    const before = await tree(rootB)
    await b.call('DELETE', `/sync/folders/${folder.id}`, {})
    expect(await tree(rootB)).toEqual(before)
    expect(await b.call('GET', '/sync/folders')).toMatchObject({ folders: [] })
    await expect(b.folder(folder.id)).rejects.toThrow('SYNC_UNKNOWN_FOLDER')
  })
})
