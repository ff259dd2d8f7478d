import { strict as assert } from 'node:assert'
import { setTimeout as pause } from 'node:timers/promises'
import type { LabNode } from '../lab/lab-node.ts'
import type { PeerEvent } from '../lab/peer-process.ts'
import { ALL_PAIRS, type Direction, type Lab, type Scenario, sides } from '../lab/scenario.ts'

interface Entry {
  readonly author: string
  readonly key: string
  readonly size: number
}

interface Shared {
  readonly a: LabNode
  readonly b: LabNode
  readonly doc: string
}

/** b has created and shared a document with one entry; a has imported the ticket. */
async function shared(lab: Lab, direction: Direction): Promise<Shared> {
  const [first, second] = sides(direction)
  const [a, b] = await Promise.all([lab.node(first), lab.node(second)])
  await Promise.all([a.knows(b), b.knows(a)])
  const { doc } = await b.peer.call<{ doc: string }>('docs.create')
  await b.peer.call('docs.put', { doc, key: 'first', value: 'from b' })
  await b.peer.call('docs.subscribe', { doc })
  const { ticket } = await b.peer.call<{ ticket: string }>('docs.share', { doc, mode: 'write' })
  await a.peer.call('docs.import', { ticket, subscribe: true })
  await event(a, 'docs.insert_remote', (e) => (e.entry as Entry).key === 'first')
  return { a, b, doc }
}

const event = (node: LabNode, name: string, matches: (e: PeerEvent) => boolean = () => true): Promise<PeerEvent> =>
  node.peer.next(name, (e) => e.event === name && matches(e), 0, 20_000)

const entriesOf = async (node: LabNode, doc: string): Promise<Entry[]> =>
  (await node.peer.call<{ entries: Entry[] }>('docs.entries', { doc })).entries

const sync: Scenario = {
  name: 'docs.sync',
  what: 'import of a write ticket: entries and contents of both sides on both sides',
  directions: ALL_PAIRS,
  awaits: 'docs',
  async run(lab, direction) {
    const { a, b, doc } = await shared(lab, direction)
    await event(a, 'docs.content_ready')
    await a.peer.call('docs.put', { doc, key: 'second', value: 'from a' })
    await event(b, 'docs.insert_remote', (e) => (e.entry as Entry).key === 'second')
    assert.deepEqual((await entriesOf(b, doc)).map((e) => e.key).sort(), ['first', 'second'])
    assert.deepEqual(await entriesOf(a, doc), await entriesOf(b, doc))
    return undefined
  },
}

const ownAuthor: Scenario = {
  name: 'docs.get-own-author',
  what: 'reading a key gives the own author’s value only, as K2 does',
  directions: ALL_PAIRS,
  awaits: 'docs',
  async run(lab, direction) {
    const { a, doc } = await shared(lab, direction)
    assert.equal((await a.peer.call<{ value: string | null }>('docs.get', { doc, key: 'first' })).value, null)
    await a.peer.call('docs.put', { doc, key: 'first', value: 'from a' })
    assert.equal((await a.peer.call<{ value: string | null }>('docs.get', { doc, key: 'first' })).value, 'from a')
    return undefined
  },
}

const deletion: Scenario = {
  name: 'docs.delete',
  what: 'a deletion removes the author’s entries below the prefix on the other side too',
  directions: ALL_PAIRS,
  awaits: 'docs',
  async run(lab, direction) {
    const { a, b, doc } = await shared(lab, direction)
    await b.peer.call('docs.put', { doc, key: 'first/child', value: 'below' })
    await event(a, 'docs.insert_remote', (e) => (e.entry as Entry).key === 'first/child')
    const { removed } = await b.peer.call<{ removed: number }>('docs.delete', { doc, key: 'first' })
    assert.equal(removed, 2)
    await event(a, 'docs.insert_remote', (e) => (e.entry as Entry).key === 'first' && (e.entry as Entry).size === 0)
    assert.deepEqual(await entriesOf(a, doc), [])
    return undefined
  },
}

const lines = (entries: readonly Entry[]): string[] => entries.map((e) => `${e.author} ${e.key} ${e.size}`).sort()

/** Both have the same entries, deletions included. */
async function equal(a: LabNode, b: LabNode, doc: string, waitMs = 20_000): Promise<readonly Entry[]> {
  const until = Date.now() + waitMs
  for (;;) {
    const [ofA, ofB] = await Promise.all(
      [a, b].map((n) => n.peer.call<{ entries: Entry[] }>('docs.entries', { doc, include_empty: true })),
    )
    const [left, right] = [ofA?.entries ?? [], ofB?.entries ?? []]
    if (JSON.stringify(lines(left)) === JSON.stringify(lines(right))) return left
    if (Date.now() > until) assert.deepEqual(lines(left), lines(right))
    await pause(200)
  }
}

/** Ends the document on both sides, and begins again once both have written. */
const apart: Scenario = {
  name: 'docs.offline-edits',
  what: 'each side writes, overwrites and deletes while the other is away; then one asks for a sync',
  directions: ALL_PAIRS,
  awaits: 'docs',
  limitMs: 90_000,
  async run(lab, direction) {
    const { a, b, doc } = await shared(lab, direction)
    await Promise.all([a, b].map((n) => n.peer.call('docs.leave', { doc })))
    for (let i = 0; i < 60; i++) {
      await a.peer.call('docs.put', { doc, key: `a/${i}`, value: `a ${i}` })
      await b.peer.call('docs.put', { doc, key: `b/${i}`, value: `b ${i}` })
    }
    await a.peer.call('docs.put', { doc, key: 'first', value: 'of a' })
    await b.peer.call('docs.put', { doc, key: 'first', value: 'of b, again' })
    await b.peer.call('docs.delete', { doc, key: 'b/1' })
    await b.peer.call('docs.start_sync', { doc })
    await a.peer.call('docs.start_sync', { doc, peers: [b.address] })
    const all = await equal(a, b, doc)
    assert.equal(all.length, 60 + 1 + (60 - 11) + 1 + 1)
    return { entries: all.length }
  },
}

const prune: Scenario = {
  name: 'docs.prune',
  what: 'a key takes the author’s older keys away that begin with it, and no others',
  directions: ALL_PAIRS,
  awaits: 'docs',
  async run(lab, direction) {
    const { a, b, doc } = await shared(lab, direction)
    for (const key of ['profile:logo_light', 'profile:log', 'notes.md']) await b.peer.call('docs.put', { doc, key, value: key })
    await a.peer.call('docs.put', { doc, key: 'profile:logo_light', value: 'of a' })
    await b.peer.call('docs.put', { doc, key: 'profile:logo', value: 'dark' })
    const all = await equal(a, b, doc)
    assert.deepEqual(all.map((e) => e.key).sort(), ['first', 'notes.md', 'profile:log', 'profile:logo', 'profile:logo_light'])
    return undefined
  },
}

const threeAuthors: Scenario = {
  name: 'docs.three-authors',
  what: 'three nodes of which the third knows only the first: entries and contents of all three everywhere',
  directions: ALL_PAIRS,
  awaits: 'docs',
  limitMs: 90_000,
  async run(lab, direction) {
    const { a, b, doc } = await shared(lab, direction)
    const [, second] = sides(direction)
    const c = await lab.node(second)
    await Promise.all([c.knows(a), a.knows(c)])
    const { ticket } = await a.peer.call<{ ticket: string }>('docs.share', { doc, mode: 'write' })
    await c.peer.call('docs.import', { ticket, subscribe: true })
    await event(c, 'docs.insert_remote', (e) => (e.entry as Entry).key === 'first')
    for (const [node, name] of [
      [a, 'a'],
      [b, 'b'],
      [c, 'c'],
    ] as const)
      await node.peer.call('docs.put', { doc, key: 'same', value: `of ${name}` })
    for (const other of [b, c]) await equal(a, other, doc)
    const all = await entriesOf(a, doc)
    assert.equal(new Set(all.filter((e) => e.key === 'same').map((e) => e.author)).size, 3)
    return undefined
  },
}

const restart: Scenario = {
  name: 'docs.restart',
  what: 'a node with its documents on disk is killed; restarted it has them, and syncs again when asked to',
  directions: ALL_PAIRS,
  awaits: 'docs',
  limitMs: 90_000,
  async run(lab, direction) {
    const [first, second] = sides(direction)
    const bind = { data_dir: await lab.folder(), secret: '07'.repeat(32) }
    const [a, b] = await Promise.all([lab.node(first), lab.node(second, { bind })])
    await Promise.all([a.knows(b), b.knows(a)])
    const { doc } = await b.peer.call<{ doc: string }>('docs.create')
    for (let i = 0; i < 20; i++) await b.peer.call('docs.put', { doc, key: `k/${i}`, value: `v ${i}` })
    const { ticket } = await b.peer.call<{ ticket: string }>('docs.share', { doc, mode: 'write' })
    await a.peer.call('docs.import', { ticket })
    await equal(a, b, doc)
    // Rust commits documents at the latest after half a second.
    await pause(1_500)
    await b.peer.kill()
    await a.peer.call('docs.put', { doc, key: 'meanwhile', value: 'of a' })
    const again = await lab.node(second, { bind, name: 'again' })
    await Promise.all([a.knows(again), again.knows(a)])
    assert.equal((await entriesOf(again, doc)).length, 20)
    await again.peer.call('docs.start_sync', { doc, peers: [a.address] })
    assert.equal((await equal(a, again, doc)).length, 21)
    return undefined
  },
}

export const docs: readonly Scenario[] = [sync, ownAuthor, deletion, apart, prune, threeAuthors, restart]
