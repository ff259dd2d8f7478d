import { strict as assert } from 'node:assert'
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
  await a.peer.call('docs.import', { ticket })
  await a.peer.call('docs.subscribe', { doc })
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

export const docs: readonly Scenario[] = [sync, ownAuthor, deletion]
