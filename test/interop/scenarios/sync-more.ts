import { strict as assert } from 'node:assert'
import { mkdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { seededRng } from '../../../src/base/random.ts'
import { GatewaySide } from '../../support/folder-side.ts'
import { RustDesktop } from '../../support/rust-desktop.ts'
import { type FolderAnswer, put, tree, until } from '../../support/sync-gateway.ts'
import { runSync } from '../../support/sync-run.ts'
import { buildPeer } from '../lab/build.ts'
import type { LabNode } from '../lab/lab-node.ts'
import { BOTH_WAYS, type Lab, type Scenario } from '../lab/scenario.ts'
import { addFile, entriesOf, pair } from './sync.ts'

/** Seconds in which nothing may be written; `K2_INTEROP_IDLE=300` for the five minutes of the checklist. */
const IDLE_SECONDS = Number(process.env.K2_INTEROP_IDLE ?? '5')

/** Rows 32, 34 and 42: a folder of many files while processes are killed, then silence. */
const many: Scenario = {
  name: 'sync.many',
  what: '150 files while either process is killed: byte-equal, no junk; another look and an idle time write no entry',
  directions: BOTH_WAYS,
  limitMs: 900_000,
  async run(lab, direction) {
    const dir = await lab.folder()
    const build = await buildPeer()
    if (build.status !== 'built') throw new Error('the Rust peer is not built')
    const [own, other] = [await GatewaySide.address(), await GatewaySide.address()]
    const gateway = await GatewaySide.prepare(dir, 'gateway', own, other)
    const desktop = new RustDesktop({ name: 'desktop', binary: build.binary, dir: join(dir, 'rust'), own: other, peer: own })
    lab.defer(() => gateway.kill())
    lab.defer(() => desktop.kill())
    const [offering, taking] = direction === 'ts→rust' ? [gateway, desktop] : [desktop, gateway]
    const options = { files: 150, bytes: 8 * 1024 ** 2, kills: 2, idleSeconds: IDLE_SECONDS, rng: seededRng(3) }
    const { kills, entries, takeSeconds } = await runSync(offering, taking, join(dir, 'folder'), options)
    // The desktop writes an entry for the time of each file; the gateway adds none.
    assert.equal(entries, direction === 'ts→rust' ? 150 : 300)
    return { kills, entries, 'fetched after s': Math.round(takeSeconds) }
  },
}

interface Shared {
  readonly gateway: Awaited<ReturnType<typeof pair>>['gateway']
  readonly rust: LabNode
  readonly dir: string
  readonly root: string
  readonly doc: string
}

/** A folder of the gateway that the Rust node has joined. */
async function shared(lab: Lab, sync: object = {}): Promise<Shared> {
  const { gateway, rust, dir } = await pair(lab, sync)
  const root = join(dir, 'folder')
  await put(root, 'first.txt', 'first')
  const { id: doc } = await gateway.call<FolderAnswer>('POST', '/sync/folders', {
    name: 'Shared',
    path: root,
    devices: 'Desktop',
  })
  const { ticket } = await rust.peer.next('the invitation', (e) => e.event === 'invite.received', 0, 60_000)
  await rust.peer.call('docs.import', { ticket, subscribe: true })
  await rust.peer.call('invite.set', { folder_id: doc, status: 'accepted' })
  await until('the first file', async () => (await entriesOf(rust, doc)).length > 0)
  await gateway.call('POST', '/jobs/sync', { folder: doc })
  await until('the accepted state', async () => (await gateway.folder(doc)).linkedDevices[rust.id] === 'Accepted')
  return { gateway, rust, dir, root, doc }
}

/** Versions of a key the Rust node was told of. */
const versions = (rust: LabNode, key: string): number =>
  rust.peer.events.filter((e) => e.event === 'docs.insert_remote' && (e.entry as { key: string }).key === key).length

/** A peer without any patience: every version of a file is an entry, and the next one comes before the last was fetched. */
async function burstOfPeer({ gateway, rust, dir, root, doc }: Shared): Promise<undefined> {
  const own = (await entriesOf(rust, doc)).map(({ author }) => author)
  for (let i = 1; i <= 100; i++) await addFile(rust, doc, dir, 'busy.txt', `version ${i}`)
  await until('the last version', async () => (await tree(root))['busy.txt'] === 'version 100')
  await Promise.all(Array.from({ length: 100 }, (_, i) => addFile(rust, doc, dir, `many/${i}.txt`, `file ${i}`)))
  await until('all files', async () => Object.keys(await tree(root)).length === 102)
  await until('peace', async () => (await gateway.folder(doc)).status === 'idle')
  // A complete look finds nothing of our own to say: no version kept aside, no echo.
  await gateway.call('POST', '/jobs/sync', { folder: doc })
  await until('peace', async () => (await gateway.folder(doc)).status === 'idle')
  const files = await tree(root)
  assert.equal(files['busy.txt'], 'version 100')
  for (let i = 0; i < 100; i++) assert.equal(files[`many/${i}.txt`], `file ${i}`)
  assert.equal(Object.keys(files).length, 102)
  const entries = await entriesOf(rust, doc)
  // The first file is the gateway's; of the peer there is an entry for each file and one for its time.
  assert.equal(entries.filter(({ author }) => own.includes(author)).length, 1)
  assert.equal(entries.length, 1 + 2 * 101)
  return undefined
}

/** Row 40. */
const burst: Scenario = {
  name: 'sync.burst',
  what: 'a hundred writes to one file in a row end as one file of the last content; ours as one entry, theirs without an entry of ours',
  directions: BOTH_WAYS,
  limitMs: 300_000,
  async run(lab, direction) {
    const { gateway, rust, dir, root, doc } = await shared(lab, { quiet: '1s' })
    if (direction === 'rust→ts') return burstOfPeer({ gateway, rust, dir, root, doc })
    for (let i = 1; i <= 100; i++) await writeFile(join(root, 'busy.txt'), `version ${i}`)
    const last = await until('the entry', async () => (await entriesOf(rust, doc)).find(({ key }) => key === 'busy.txt'))
    const read = await until('its content', () => rust.peer.call<{ data: string }>('blobs.read', { hash: last.hash }))
    assert.equal(Buffer.from(read.data, 'hex').toString(), 'version 100')
    for (let i = 0; i < 100; i++) await put(root, `many/${i}.txt`, `file ${i}`)
    await until('all entries', async () => (await entriesOf(rust, doc)).length === 102)
    await until('peace', async () => (await gateway.folder(doc)).status === 'idle')
    assert.equal(versions(rust, 'busy.txt'), 1)
    for (let i = 0; i < 100; i++) assert.equal(versions(rust, `many/${i}.txt`), 1)
    return undefined
  },
}

/** Row 37. */
const paused: Scenario = {
  name: 'sync.paused',
  what: 'a paused folder takes and gives nothing, a passive one waits to be asked; resumed and asked, both sides have everything',
  directions: ['ts→rust', 'rust→ts'],
  limitMs: 300_000,
  async run(lab, direction) {
    const { gateway, rust, dir, root, doc } = await shared(lab)
    const isPaused = direction === 'rust→ts'
    await gateway.call('PATCH', `/sync/folders/${doc}`, isPaused ? { enabled: false } : { mode: 'passive' })
    await addFile(rust, doc, dir, 'of the peer.txt', 'theirs')
    await put(root, 'of the gateway.txt', 'ours')
    // The entry of the peer is here: what follows it would have come, too.
    await until('the entry at the gateway', async () => {
      const { document } = await gateway.call<{ document: { entries: number } }>('GET', `/sync/folders/${doc}`)
      return document.entries === 3
    })
    const { status } = await gateway.folder(doc)
    assert.equal(status, isPaused ? 'paused' : 'pending')
    assert.deepEqual(Object.keys(await tree(root)).sort(), ['first.txt', 'of the gateway.txt'])
    assert.equal(versions(rust, 'of the gateway.txt'), 0)
    if (isPaused) await gateway.call('PATCH', `/sync/folders/${doc}`, { enabled: true })
    else await gateway.call('POST', '/jobs/sync', { folder: doc })
    await until('the file of the peer', async () => (await tree(root))['of the peer.txt'] === 'theirs')
    await until('the file of the gateway', async () =>
      (await entriesOf(rust, doc)).some(({ key }) => key === 'of the gateway.txt'),
    )
    return undefined
  },
}

const SECONDS = 1_600_000_000

/** Row 41. */
const times: Scenario = {
  name: 'sync.times',
  what: 'the time of a file comes from the metadata of whoever wrote it; ours is written as K2 writes it, where that is switched on',
  directions: ['ts→rust', 'rust→ts'],
  limitMs: 300_000,
  async run(lab, direction) {
    const { rust, dir, root, doc } = await shared(lab, { fileTimes: true })
    if (direction === 'ts→rust') {
      const file = join(dir, 'timed.txt')
      await writeFile(file, 'timed')
      await utimes(file, SECONDS, SECONDS)
      await rename(file, join(root, 'timed.txt'))
      const meta = await until('the metadata', async () =>
        (await entriesOf(rust, doc)).find(({ key }) => key === 'meta:timed.txt'),
      )
      const { data } = await until('its content', () => rust.peer.call<{ data: string }>('blobs.read', { hash: meta.hash }))
      assert.equal(Buffer.from(data, 'hex').toString(), `{"mtime":${SECONDS}}`)
      return undefined
    }
    await mkdir(join(dir, 'theirs'), { recursive: true })
    await addFile(rust, doc, join(dir, 'theirs'), 'timed.txt', 'timed', SECONDS)
    await until('the file', async () => (await tree(root))['timed.txt'] === 'timed')
    assert.equal(Math.floor((await stat(join(root, 'timed.txt'))).mtimeMs / 1000), SECONDS)
    await rm(join(dir, 'theirs'), { recursive: true })
    return undefined
  },
}

export const syncMore: readonly Scenario[] = [many, burst, paused, times]
