import { strict as assert } from 'node:assert'
import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type LabNode, refusal } from '../lab/lab-node.ts'
import { ALL_PAIRS, BOTH_WAYS, type Direction, type Lab, type Scenario, sides } from '../lab/scenario.ts'
import { askAgain } from './blobs.ts'

const MIB = 1 << 20
const KILLS = 10

async function sha256(path: string): Promise<string> {
  const digest = createHash('sha256')
  for await (const piece of createReadStream(path)) digest.update(piece as Buffer)
  return digest.digest('hex')
}

/** A node that keeps its key and its files when it is started again. */
class Lasting {
  readonly #lab: Lab
  readonly #impl: 'ts' | 'rust'
  readonly #bind: { secret: string; data_dir: string }
  node: LabNode | undefined

  constructor(lab: Lab, impl: 'ts' | 'rust', folder: string) {
    this.#lab = lab
    this.#impl = impl
    this.#bind = { secret: randomBytes(32).toString('hex'), data_dir: folder }
  }

  async start(): Promise<LabNode> {
    this.node = await this.#lab.node(this.#impl, { bind: this.#bind })
    return this.node
  }
}

interface Shared {
  readonly path: string
  readonly hash: string
  readonly ticket: string
  readonly sha256: string
}

const ticketOf = async (owner: LabNode, hash: string): Promise<string> =>
  (await owner.peer.call<{ ticket: string }>('blobs.ticket', { hash })).ticket

/** A file of random bytes, shared by reference as K2 does. */
async function share(owner: LabNode, path: string, size: number): Promise<Shared> {
  const data = randomBytes(size)
  await writeFile(path, data)
  const { hash } = await owner.peer.call<{ hash: string }>('blobs.add_file', { path }, 60_000)
  return { path, hash, ticket: await ticketOf(owner, hash), sha256: createHash('sha256').update(data).digest('hex') }
}

/** The sending side of a direction with a shared file on disk, and where the other one keeps its own. */
async function sender(lab: Lab, direction: Direction, size: number) {
  const folder = await lab.folder()
  const [asking, sending] = sides(direction)
  const owner = await lab.node(sending, { bind: { data_dir: join(folder, 'b') } })
  return { folder, asking, askingDir: join(folder, 'a'), owner, shared: await share(owner, join(folder, 'file'), size) }
}

async function arrived(asker: LabNode, folder: string, { hash, sha256: want }: Shared): Promise<void> {
  const path = join(folder, `out-${hash.slice(0, 16)}`)
  await asker.peer.call('blobs.export', { hash, path }, 60_000)
  assert.equal(await sha256(path), want, 'the file that arrived is another one')
}

const large: Scenario = {
  name: 'blobs.100-mib',
  what: 'a file of 100 MiB from disk to disk, K2’s way: the same SHA-256 on both sides',
  directions: ALL_PAIRS,
  awaits: 'blobs',
  alone: true,
  limitMs: 240_000,
  async run(lab, direction) {
    const { folder, asking, askingDir, owner, shared } = await sender(lab, direction, 100 * MIB)
    const asker = await lab.node(asking, { bind: { data_dir: askingDir } })
    await asker.knows(owner)
    const begun = performance.now()
    await asker.peer.call('blobs.get', { ticket: shared.ticket }, 200_000)
    const seconds = (performance.now() - begun) / 1000
    await arrived(asker, folder, shared)
    return { 'MiB/s': (100 / seconds).toFixed(1) }
  },
}

/** When to kill, ms after the start: spread over what a transfer of this size takes. */
const moment = (): number => 50 + Math.random() * 900

const askerKilled: Scenario = {
  name: 'blobs.resume-asker',
  what: `the asking side is killed at ${KILLS} random moments of a transfer and started again: it goes on and ends with the same bytes`,
  directions: ALL_PAIRS,
  awaits: 'blobs',
  alone: true,
  limitMs: 240_000,
  async run(lab, direction) {
    const size = (direction === 'rust→rust' ? 400 : 48) * MIB
    const { folder, asking, askingDir, owner, shared } = await sender(lab, direction, size)
    const asker = new Lasting(lab, asking, askingDir)
    const present: number[] = []
    /** Started again; what it has is noted where the node can tell. */
    const again = async (): Promise<LabNode> => {
      const node = await asker.start()
      await node.knows(owner)
      if (asking === 'ts') present.push(await presentAt(node, shared.hash))
      return node
    }
    let kills = 0
    while (kills < KILLS) {
      const node = await again()
      const getting = node.peer.call('blobs.get', { ticket: shared.ticket }, 200_000).then(
        () => 'done',
        () => 'killed',
      )
      const now = asking === 'ts' ? cameIn(node, Math.random() * (size / KILLS)) : new Promise((go) => setTimeout(go, moment()))
      const outcome = await Promise.race([getting, now])
      await node.peer.kill()
      await getting
      kills++
      if (outcome === 'done') break
    }
    const node = await again()
    const { received } = await node.peer.call<{ received?: number }>('blobs.get', { ticket: shared.ticket }, 200_000)
    await arrived(node, folder, shared)
    if (received === undefined) return { kills }
    assert.deepEqual(
      present,
      [...present].sort((a, b) => a - b),
      'something that was stored got lost',
    )
    assert.equal(received, size - (present.at(-1) ?? 0), 'something that was here was fetched again')
    return { kills, 'MiB kept by kills': ((present.at(-1) ?? 0) / MIB).toFixed(1) }
  },
}

/** A TypeScript node has received this much. */
async function cameIn(node: LabNode, bytes: number): Promise<void> {
  const isIt = (e: { event: string; received?: unknown }): boolean => e.event === 'blobs.progress' && Number(e.received) >= bytes
  await node.peer.next('progress', isIt, 0, 60_000).catch(() => {}) // ended before: the caller sees that
}

/** Bytes of a blob a TypeScript node has. */
async function presentAt(node: LabNode, hash: string): Promise<number> {
  const state = await node.peer.call<{ status: string; size?: number; ranges?: number[] }>('blobs.status', { hash })
  if (state.status === 'complete') return state.size ?? 0
  let bytes = 0
  for (let i = 0; i < (state.ranges?.length ?? 0); i += 2) {
    const end = state.ranges?.[i + 1]
    bytes += (end === undefined ? (state.size ?? 0) : end * 1024) - (state.ranges?.[i] ?? 0) * 1024
  }
  return bytes
}

const ownerKilled: Scenario = {
  name: 'blobs.resume-owner',
  what: `${KILLS} transfers whose sending side is killed at a random moment: each fails, is asked for again and ends with the same bytes`,
  directions: BOTH_WAYS,
  awaits: 'blobs',
  waits: true,
  limitMs: 240_000,
  async run(lab, direction) {
    const folder = await lab.folder()
    const [first, second] = sides(direction)
    const asker = await lab.node(first, { bind: { data_dir: join(folder, 'a') } })
    const transfers = []
    for (let i = 0; i < KILLS; i++) {
      const owner = new Lasting(lab, second, join(folder, `b${i}`))
      const node = await owner.start()
      transfers.push({ owner, shared: await share(node, join(folder, `file${i}`), 12 * MIB) })
    }
    const interrupted = await Promise.all(
      transfers.map(async ({ owner, shared }) => {
        const node = owner.node as LabNode
        await asker.knows(node)
        const getting = asker.peer.call('blobs.get', { ticket: shared.ticket }, 100_000)
        getting.catch(() => {}) // looked at below
        await new Promise((go) => setTimeout(go, moment() * 3))
        await node.peer.kill()
        return await getting.then(
          () => false,
          () => true,
        )
      }),
    )
    assert.ok(interrupted.includes(true), 'every transfer was over before its end')
    let asked = 0
    for (const { owner, shared } of transfers) {
      const node = await owner.start()
      await asker.knows(node)
      // A Rust node killed soon after an import may have forgotten it.
      await node.peer.call('blobs.add_file', { path: shared.path }, 60_000)
      // A Rust node dials the old port of a restarted peer for a while.
      asked += await askAgain(asker, shared.ticket)
      await arrived(asker, folder, shared)
      await node.peer.end()
    }
    return { interrupted: interrupted.filter(Boolean).length, 'asked again': asked }
  },
}

const parts: Scenario = {
  name: 'blobs.parts',
  what: 'our node asks a Rust node for parts of a blob, which then are not fetched again',
  directions: ['ts→rust'],
  awaits: 'blobs',
  async run(lab, direction: Direction) {
    const [first, second] = sides(direction)
    const [asker, owner] = await Promise.all([lab.node(first), lab.node(second)])
    await asker.knows(owner)
    const { hash } = await owner.peer.call<{ hash: string }>('blobs.add', { content: { pattern: 300_000 } })
    const ticket = await ticketOf(owner, hash)
    const get = async (ranges?: number[]) =>
      (await asker.peer.call<{ received: number }>('blobs.get', { ticket, ...(ranges && { ranges }) })).received
    assert.equal(await get([16, 48, 100, 101]), 3 * 16_384)
    assert.equal(await get([1_000]), 300_000 - 18 * 16_384)
    await refusal(asker.peer.call('blobs.read', { hash }))
    assert.equal(await get(), 300_000 - 3 * 16_384 - (300_000 - 18 * 16_384))
    assert.deepEqual((await asker.peer.call<{ size: number }>('blobs.read', { hash })).size, 300_000)
    return undefined
  },
}

const MANY = 300

const many: Scenario = {
  name: 'blobs.many',
  what: '300 blobs around the borders with one request for all of them; what the owner lacks is named, and is too large is left out',
  directions: ['ts→rust'],
  awaits: 'blobs',
  async run(lab, direction: Direction) {
    const [first, second] = sides(direction)
    const [asker, owner] = await Promise.all([lab.node(first), lab.node(second)])
    await asker.knows(owner)
    const add = async (content: object): Promise<string> =>
      (await owner.peer.call<{ hash: string }>('blobs.add', { content })).hash
    const sizes = [1, 1_023, 1_024, 1_025, 16_383, 16_384, 16_385, 50_000]
    const hashes = await Promise.all(
      Array.from({ length: MANY }, (_, i) => add({ pattern: (sizes[i % sizes.length] as number) + i * 3 })),
    )
    const large = await add({ pattern: 200_000 })
    const unknown = '1'.repeat(64)
    const asked = [...hashes.slice(0, 120), unknown, ...hashes.slice(120, 200), large, ...hashes.slice(200)]
    const ticket = await ticketOf(owner, large)
    const { missing } = await asker.peer.call<{ missing: string[] }>('blobs.get_many', {
      ticket,
      hashes: asked,
      max_bytes: 100_000,
    })
    assert.deepEqual([...missing].sort(), [unknown, large].sort())
    for (const hash of hashes)
      assert.equal((await asker.peer.call<{ status: string }>('blobs.status', { hash })).status, 'complete')
    return undefined
  },
}

export const blobsResume: readonly Scenario[] = [parts, many, large, askerKilled, ownerKilled]
