import { strict as assert } from 'node:assert'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { endpointAddr } from '../../../src/core/keys/address.ts'
import { parseEndpointId } from '../../../src/core/keys/endpoint-id.ts'
import { type FolderAnswer, put, SyncGateway, tree, until } from '../../support/sync-gateway.ts'
import type { LabNode } from '../lab/lab-node.ts'
import type { Lab, Scenario } from '../lab/scenario.ts'

const TOMBSTONE = '15473f3e1238d253589bcb2944be6e62511e7c44dce3e4be2a7298ee35b1c1ce'

interface Entry {
  readonly author: string
  readonly key: string
  readonly hash: string
  readonly size: number
  readonly timestamp: string
}

/** A whole gateway and a Rust node with a data folder that know each other. */
export async function pair(lab: Lab, sync: object = {}): Promise<{ gateway: SyncGateway; rust: LabNode; dir: string }> {
  const dir = await lab.folder()
  const gateway = new SyncGateway(join(dir, 'gateway'))
  lab.defer(() => gateway.stop())
  const [rust] = await Promise.all([lab.node('rust', { bind: { data_dir: join(dir, 'rust') } }), gateway.start(sync)])
  const { node } = gateway.gateway ?? {}
  if (node === undefined) throw new Error('the gateway does not run')
  node.connectTo(endpointAddr(parseEndpointId(rust.id), [], rust.address.addrs))
  await rust.peer.call('node.add_addr', { id: node.id, addrs: node.addr().direct })
  await gateway.call('POST', '/sync/devices', { node: rust.id, name: 'Desktop' })
  return { gateway, rust, dir }
}

const addressOf = (gateway: SyncGateway): object => ({ id: gateway.id, addrs: gateway.gateway?.node.addr().direct ?? [] })

export async function entriesOf(rust: LabNode, doc: string): Promise<readonly Entry[]> {
  return (await rust.peer.call<{ entries: Entry[] }>('docs.entries', { doc })).entries
}

/** As the desktop does it: the file is imported where it lies, then its entry and its time are written. */
export async function addFile(
  rust: LabNode,
  doc: string,
  root: string,
  key: string,
  text: string,
  mtime = 1_700_000_000,
): Promise<void> {
  const path = join(root, `file-${Buffer.from(key).toString('hex').slice(0, 40)}`)
  await writeFile(path, text)
  const { hash, size } = await rust.peer.call<{ hash: string; size: number }>('blobs.add_file', { path })
  // The time first: an entry that is seen has it, whatever comes between the two.
  await rust.peer.call('docs.put', { doc, key: `meta:${key}`, value: JSON.stringify({ mtime }) })
  await rust.peer.call('docs.set_hash', { doc, key, hash, size })
}

/** The gateway offers a folder; the Rust node takes it, reads every file, and its changes come back (rows 29, 30, 32, 33, 38). */
const offered: Scenario = {
  name: 'sync.offered',
  what: 'a folder of the gateway: invitation, files byte-equal at the peer, changes and deletions both ways',
  directions: ['ts→rust'],
  limitMs: 300_000,
  async run(lab) {
    const { gateway, rust, dir } = await pair(lab)
    const root = join(dir, 'photos')
    const files = { README: 'short', 'README.md': 'longer than README', 'a/b/größe.bin': 'x'.repeat(100_000) }
    for (const [path, text] of Object.entries(files)) await put(root, path, text)
    await put(root, 'empty', '')
    const folder = await gateway.call<FolderAnswer>('POST', '/sync/folders', { name: 'Photos', path: root, devices: 'Desktop' })
    const doc = folder.id
    const invitation = await rust.peer.next('the invitation', (e) => e.event === 'invite.received', 0, 60_000)
    assert.equal(invitation.folder_name, 'Photos')
    await rust.peer.call('docs.import', { ticket: invitation.ticket, subscribe: true })
    await rust.peer.call('invite.set', { folder_id: doc, status: 'accepted' })
    await gateway.call('POST', '/jobs/sync', { folder: doc })
    await until('the accepted state', async () => (await gateway.folder(doc)).linkedDevices[rust.id] === 'Accepted')
    const all = await until('the entries', async () => {
      const entries = await entriesOf(rust, doc)
      return entries.length === 3 && entries
    })
    assert.deepEqual(all.map(({ key }) => key).sort(), Object.keys(files).sort())
    for (const { key, hash } of all) {
      const read = await until(`the content of ${key}`, () => rust.peer.call<{ data: string }>('blobs.read', { hash }))
      assert.equal(Buffer.from(read.data, 'hex').toString(), files[key as keyof typeof files])
    }
    // Nothing changed: a complete look publishes nothing.
    await gateway.call('POST', '/jobs/sync', { folder: doc })
    await until('the look to end', async () => (await gateway.folder(doc)).status === 'idle')
    assert.deepEqual(await entriesOf(rust, doc), all)
    await addFile(rust, doc, dir, 'from rust/new.txt', 'written by the peer')
    await until('the file of the peer', async () => (await tree(root))['from rust/new.txt'] === 'written by the peer')
    await rm(join(root, 'README'))
    await until('the tombstone', async () =>
      (await entriesOf(rust, doc)).some(({ key, hash }) => key === 'README' && hash === TOMBSTONE),
    )
    assert.ok((await entriesOf(rust, doc)).some(({ key, hash }) => key === 'README.md' && hash !== TOMBSTONE))
    const own = await rust.peer.call<{ author: string }>('docs.author')
    assert.ok((await entriesOf(rust, doc)).every(({ author, key }) => author === own.author || !key.startsWith('meta:')))
    return undefined
  },
}

/** The Rust node offers a folder with everything a desktop, or somebody worse, puts into it (rows 28, 31, 33 to 36). */
const taken: Scenario = {
  name: 'sync.taken',
  what: 'a folder of the peer: approval, files, hostile keys and metadata refused, its deletion obeyed, the newest version wins',
  directions: ['rust→ts'],
  limitMs: 300_000,
  async run(lab) {
    const { gateway, rust, dir } = await pair(lab)
    const { doc } = await rust.peer.call<{ doc: string }>('docs.create')
    const files = { 'plain.txt': 'plain', 'win\\dir\\file.txt': 'of Windows', 'both.txt': 'first', 'gone.txt': 'to be deleted' }
    for (const [key, text] of Object.entries(files)) await addFile(rust, doc, dir, key, text)
    const hostile = [
      '../escape',
      '/absolute',
      'C:\\drive',
      'a/../../up',
      'meta:meta:x',
      'ctl\u0001',
      '.k2gw-0000000000000000.draft',
    ]
    for (const key of hostile) await rust.peer.call('docs.put', { doc, key, value: 'bad' })
    const { ticket } = await rust.peer.call<{ ticket: string }>('docs.share', { doc, mode: 'write' })
    const peer = addressOf(gateway)
    const state = async (): Promise<number> =>
      (await rust.peer.call<{ answer: number }>('invite.query', { peer, folder_id: doc })).answer
    assert.equal(await state(), 1)
    const invite = (folder_id: string) =>
      rust.peer.call<{ answer: number }>('invite.send', { peer, folder_id, folder_name: 'Théirs', ticket })
    assert.equal((await invite('ab'.repeat(32))).answer, 0)
    assert.equal((await invite(doc)).answer, 1)
    assert.equal(await state(), 2)
    await gateway.call('POST', `/sync/invitations/${doc}/reject`, {})
    assert.equal(await state(), 1)
    assert.equal((await invite(doc)).answer, 1)
    const { path: root } = await gateway.call<FolderAnswer>('POST', `/sync/invitations/${doc}/accept`, {})
    assert.equal(await state(), 3)
    await until('the files', async () => Object.keys(await tree(root)).length === 4)
    assert.deepEqual(await tree(root), {
      'plain.txt': 'plain',
      'win/dir/file.txt': 'of Windows',
      'both.txt': 'first',
      'gone.txt': 'to be deleted',
    })
    const before = await entriesOf(rust, doc)
    const { refused } = await gateway.folder(doc)
    assert.deepEqual(
      new Set(refused.map(({ reason }) => reason)),
      new Set(['dots', 'absolute', 'drive', 'control-character', 'ignored']),
    )
    await rust.peer.call('docs.put', { doc, key: 'gone.txt', value: '__K2_SYNC_TOMBSTONE_DELETED__' })
    await until('the deletion', async () => (await tree(root))['gone.txt'] === undefined)
    // A desktop that missed it scans again: the copy does not come back by itself.
    await addFile(rust, doc, dir, 'gone.txt', 'to be deleted')
    await until('the held file', async () => (await gateway.folder(doc)).held.some(({ reason }) => reason === 'resurrected'))
    assert.equal((await tree(root))['gone.txt'], undefined)
    // The newest version wins whoever has the greater author id.
    await put(root, 'both.txt', 'of the gateway')
    const sha = async (): Promise<readonly Entry[]> => (await entriesOf(rust, doc)).filter(({ key }) => key === 'both.txt')
    await until('the version of the gateway', async () => (await sha()).length === 2)
    await addFile(rust, doc, dir, 'both.txt', 'of the peer, later')
    await until('the version of the peer', async () => (await tree(root))['both.txt'] === 'of the peer, later')
    // No echo, no junk: of the gateway there is one entry, the version it wrote.
    const own = (await rust.peer.call<{ author: string }>('docs.author')).author
    const foreign = (await entriesOf(rust, doc)).filter(({ author }) => author !== own)
    assert.deepEqual(
      foreign.map(({ key }) => key),
      ['both.txt'],
    )
    assert.ok(before.every(({ author }) => author === own))
    await gateway.call('DELETE', `/sync/folders/${doc}`, { yes: true })
    assert.equal(await state(), 4)
    return undefined
  },
}

export const sync: readonly Scenario[] = [offered, taken]
