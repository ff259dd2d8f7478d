import { strict as assert } from 'node:assert'
import { until } from '../../support/sync-gateway.ts'
import type { LabNode } from '../lab/lab-node.ts'
import { BOTH_WAYS, type Direction, type Lab, type Scenario } from '../lab/scenario.ts'

/** Node ids of nobody here: the test identities of the specification. */
const A = '8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c'
const B = '8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394'
const N = 'ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1'
const HASH = 'ab'.repeat(32)
const OTHER_HASH = 'cd'.repeat(32)

async function pair(lab: Lab): Promise<{ ts: LabNode; rust: LabNode }> {
  const [ts, rust] = await Promise.all([lab.node('ts'), lab.node('rust')])
  await Promise.all([ts.knows(rust), rust.knows(ts)])
  return { ts, rust }
}

/** Shares a document of one side, which the other side imports. */
async function shareWith(from: LabNode, to: LabNode, doc: string): Promise<void> {
  const { ticket } = await from.peer.call<{ ticket: string }>('docs.share', { doc, mode: 'write' })
  await to.peer.call('docs.import', { ticket, subscribe: true })
}

/** A text of the Rust node by key, the newest of all authors. */
async function textAt(rust: LabNode, doc: string, key: string): Promise<string> {
  return until(`the value of ${key}`, async () => {
    const { entries } = await rust.peer.call<{ entries: { key: string; hash: string; timestamp: string }[] }>('docs.entries', {
      doc,
    })
    const [newest] = entries.filter((e) => e.key === key).sort((a, b) => (BigInt(a.timestamp) < BigInt(b.timestamp) ? 1 : -1))
    if (newest === undefined) return undefined
    return Buffer.from((await rust.peer.call<{ data: string }>('blobs.read', { hash: newest.hash })).data, 'hex').toString()
  })
}

const keysAt = async (rust: LabNode, doc: string): Promise<string[]> =>
  (await rust.peer.call<{ entries: { key: string }[] }>('docs.entries', { doc })).entries.map(({ key }) => key).sort()

async function put(rust: LabNode, doc: string, entries: Readonly<Record<string, string>>): Promise<void> {
  for (const [key, value] of Object.entries(entries)) await rust.peer.call('docs.put', { doc, key, value })
}

/** A book of ours that a Rust node imports, or one of a Rust node that becomes ours. */
async function book(lab: Lab, direction: Direction, kind: string, marker: Readonly<Record<string, string>>) {
  const { ts, rust } = await pair(lab)
  if (direction === 'ts→rust') {
    const { doc } = await ts.peer.call<{ doc: string }>('books.open', { kind })
    await shareWith(ts, rust, doc)
    const [[key, value] = ['', '']] = Object.entries(marker)
    assert.equal(await textAt(rust, doc, key), value)
    return { ts, rust, doc }
  }
  const { doc } = await rust.peer.call<{ doc: string }>('docs.create')
  await put(rust, doc, marker)
  await shareWith(rust, ts, doc)
  assert.equal((await ts.peer.call<{ doc: string }>('books.open', { kind, doc })).doc, doc)
  return { ts, rust, doc }
}

interface Contacts {
  readonly contacts: readonly { readonly id: string; readonly nickname: string }[]
}

/** Row 12. */
const contacts: Scenario = {
  name: 'books.contacts',
  what: 'a contact book: marker, keys and JSON as K2 writes them, contacts of both sides on both sides, what is none left out',
  directions: BOTH_WAYS,
  async run(lab, direction) {
    const { ts, rust, doc } = await book(lab, direction, 'contacts', { __k2_contacts_marker__: 'k2-contacts-v1' })
    const { addedAt } = await ts.peer.call<{ addedAt: number }>('books.add_contact', { node: A, name: 'Ánna', notes: 'sells' })
    assert.equal(
      await textAt(rust, doc, `contact:${A}`),
      `{"node_id":"${A}","nickname":"Ánna","added_at":${addedAt},"notes":"sells"}`,
    )
    await put(rust, doc, {
      [`contact:${B}`]: `{"node_id":"${B}","nickname":"Bình","added_at":1750464000,"notes":null}`,
      'contact:undefined': '{"node_id":"undefined","nickname":"nobody","added_at":1,"notes":null}',
    })
    const named = async (): Promise<string> =>
      (await ts.peer.call<Contacts>('books.contacts')).contacts.map(({ id, nickname }) => `${nickname} ${id}`).join()
    await until('the contact of the peer', async () => (await named()) === `Ánna ${A},Bình ${B}`)
    const legacy = JSON.stringify({
      contacts: {
        [N]: { node_id: N, nickname: 'Old', added_at: 5, notes: null },
        [B]: { node_id: B, nickname: 'Not this', added_at: 5 },
      },
    })
    assert.deepEqual(await ts.peer.call('books.import_legacy', { json: legacy }), { added: 1 })
    assert.equal(await textAt(rust, doc, `contact:${N}`), `{"node_id":"${N}","nickname":"Old","added_at":5,"notes":null}`)
    return undefined
  },
}

/** Row 11. */
const profile: Scenario = {
  name: 'books.profile',
  what: 'a profile: texts and hashes of images as K2 writes them; the dark logo written last does not cost ours the light one',
  directions: BOTH_WAYS,
  async run(lab, direction) {
    const { ts, rust, doc } = await book(lab, direction, 'profile', { __k2_profile_marker__: 'k2-profile-v1' })
    await ts.peer.call('books.set_text', { field: 'name', text: 'Cửa hàng' })
    await ts.peer.call('books.set_image', { field: 'logo-light', hash: OTHER_HASH })
    await ts.peer.call('books.set_image', { field: 'logo-dark', hash: HASH })
    assert.equal(await textAt(rust, doc, 'profile:name'), 'Cửa hàng')
    assert.equal(await textAt(rust, doc, 'profile:logo'), HASH)
    assert.equal(await textAt(rust, doc, 'profile:logo_light'), OTHER_HASH)
    // The reference loses it in this order, and our own stays whatever the peer writes.
    await put(rust, doc, { 'profile:logo_light': HASH, 'profile:logo': OTHER_HASH })
    await until('the entries of the peer', async () => {
      const { entries } = await ts.peer.call<{ entries: { key: string; hash: string }[] }>('docs.entries', {
        doc,
        prefix: 'profile:logo',
      })
      return entries.length === 3
    })
    assert.equal((await keysAt(rust, doc)).filter((key) => key === 'profile:logo_light').length, 1)
    const own = await ts.peer.call<{ images: object; texts: object }>('books.profile')
    assert.deepEqual(own, { texts: { name: 'Cửa hàng' }, images: { 'logo-dark': HASH, 'logo-light': OTHER_HASH } })
    return undefined
  },
}

interface SyncState {
  readonly folders: readonly { readonly id: string }[]
  readonly devices: readonly { readonly id: string; readonly nodeId: string }[]
  readonly settings: object
}

/** Row 39. */
const settings: Scenario = {
  name: 'books.settings',
  what: 'the document of folders, devices and settings: keys and JSON of K2, joined by the other side; folders of others stay theirs',
  directions: BOTH_WAYS,
  async run(lab, direction) {
    const { ts, rust, doc } = await book(lab, direction, 'sync', { __k2_sync_settings_marker__: 'k2-sync-v1' })
    await ts.peer.call('books.put_folder', { doc: N, name: 'Photos', path: '/home/u/Photos', peer: A })
    await ts.peer.call('books.put_device', { id: 'dev-1750464000000', name: 'Laptop', node: A })
    await ts.peer.call('books.update_settings', { name: 'Gateway' })
    assert.equal(
      await textAt(rust, doc, `folder:${N}`),
      `{"id":"${N}","name":"Photos","path":"/home/u/Photos","syncInterval":60,"syncMode":"passive","syncEnabled":true,"linkedDevices":{"${A}":"Accepted"}}`,
    )
    assert.equal(
      await textAt(rust, doc, 'device:dev-1750464000000'),
      `{"id":"dev-1750464000000","name":"Laptop","deviceType":"Desktop","nodeId":"${A}"}`,
    )
    assert.equal(await textAt(rust, doc, 'settings'), '{"localLogo":null,"displayName":"Gateway"}')
    await put(rust, doc, {
      [`folder:${HASH}`]: `{"id":"${HASH}","name":"Theirs","path":"/etc","syncInterval":1,"syncMode":"proactive","syncEnabled":true,"linkedDevices":{}}`,
      'device:dev-1750464000001': `{"id":"dev-1750464000001","name":"Desk","deviceType":"Desktop","nodeId":"${B}"}`,
      'device:undefined': '{"id":"undefined","name":"none","deviceType":"Desktop","nodeId":"undefined"}',
      settings: '{"localLogo":"data:image/png;base64,AA==","displayName":"Desk"}',
    })
    const state = await until('the values of the peer', async () => {
      const read = await ts.peer.call<SyncState>('books.sync')
      return read.devices.length === 2 && JSON.stringify(read.settings).includes('Desk') && read
    })
    assert.deepEqual(
      state.folders.map(({ id }) => id),
      [N],
    )
    assert.deepEqual(new Set(state.devices.map(({ nodeId }) => nodeId)), new Set([A, B]))
    assert.deepEqual(state.settings, { localLogo: 'data:image/png;base64,AA==', displayName: 'Desk' })
    return undefined
  },
}

export const books: readonly Scenario[] = [contacts, profile, settings]
