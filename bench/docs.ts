// Reconciliation of documents: two of our nodes beside two Rust nodes, each in a process of its own, over loopback QUIC.
import { blake3 } from '@noble/hashes/blake3.js'
import { toHex, utf8 } from '../src/base/bytes.ts'
import { rangeFingerprint } from '../src/core/docs/entry-index.ts'
import { entryId } from '../src/core/docs/proto/entry.ts'
import { Replica } from '../src/core/docs/replica.ts'
import { buildPeer } from '../test/interop/lab/build.ts'
import type { LabNode } from '../test/interop/lab/lab-node.ts'
import { LabRun } from '../test/interop/lab/lab-run.ts'
import type { Impl } from '../test/interop/lab/peer-process.ts'

/** ms from asking for a session until both sides have all entries, 1 % of them differing. */
export interface ReconcileFigures {
  readonly entries: number
  readonly tsMs: number
  readonly rustMs: number | null
  /** Ours divided by theirs; the bar is 3 at 10,000 entries. */
  readonly ratio: number | null
}

export interface DocsFigures {
  readonly reconcile: readonly ReconcileFigures[]
  /** Entries an open replica of 10,000 takes per second, signatures apart. */
  readonly insertsPerSecond: number
  /** ms for the fingerprint of a range of half of a million entries. */
  readonly fingerprintMsPerMillion: number
  /** Files of 4 KiB a gateway's first look at a folder reads per second, and files its second look goes past. */
  readonly scanFilesPerSecond: { readonly first: number; readonly again: number }
}

const ROUNDS = 3
const WAIT_MS = 300_000
/** Entries written into a Rust node without waiting for each. */
const CALLS_AT_ONCE = 500

/** @param options.sizes entries of the compared documents; default by `quick`. */
export async function benchDocs(
  options: { readonly quick?: boolean; readonly sizes?: readonly number[] } = {},
): Promise<DocsFigures> {
  const sizes = options.sizes ?? (options.quick === true ? [1_000] : [1_000, 10_000, 100_000])
  const build = await buildPeer()
  const lab = new LabRun(build.status === 'built' ? build.binary : '')
  const reconcile: ReconcileFigures[] = []
  try {
    for (const entries of sizes) {
      const tsMs = await reconcileMs(lab, 'ts', entries)
      const rustMs = build.status === 'built' ? await reconcileMs(lab, 'rust', entries) : null
      reconcile.push({ entries, tsMs, rustMs, ratio: rustMs === null ? null : Math.round((tsMs / rustMs) * 100) / 100 })
    }
  } finally {
    await lab.close()
  }
  return {
    reconcile,
    ...replicaFigures(options.quick === true ? 100_000 : 300_000),
    scanFilesPerSecond: await (await import('./folder-scan.ts')).scanFilesPerSecond(options.quick === true ? 1_000 : 5_000),
  }
}

/** Median of a few sessions between two nodes that have each written something since the last one. */
async function reconcileMs(lab: LabRun, impl: Impl, entries: number): Promise<number> {
  const [a, b] = (await Promise.all([lab.node(impl), lab.node(impl)])) as [LabNode, LabNode]
  await Promise.all([a.knows(b), b.knows(a)])
  const { doc } = await b.peer.call<{ doc: string }>('docs.create')
  await fill(b, doc, entries, 'base')
  const { ticket } = await b.peer.call<{ ticket: string }>('docs.share', { doc, mode: 'write' })
  await a.peer.call('docs.import', { ticket })
  await until(a, doc, entries)
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all([a, b].map((n) => n.peer.call('docs.leave', { doc })))
    await fill(a, doc, entries / 200, `a${round}`)
    await fill(b, doc, entries / 200, `b${round}`)
    await Promise.all([a, b].map((n) => n.peer.call('docs.subscribe', { doc })))
    await b.peer.call('docs.start_sync', { doc })
    const arrived = [a, b].map((n) => inserts(n, entries / 200))
    const begun = performance.now()
    await a.peer.call('docs.start_sync', { doc, peers: [b.address] })
    await Promise.all(arrived)
    times.push(performance.now() - begun)
    await until(a, doc, entries + ((round + 1) * entries) / 100)
  }
  await Promise.all([a, b].map((n) => n.peer.end()))
  return Math.round(times.sort((x, y) => x - y)[ROUNDS >> 1] as number)
}

/** Waits until so many entries of the other side have arrived: what nodes say of the end of a session differs. */
async function inserts(node: LabNode, count: number): Promise<void> {
  let left = count
  await node.peer.next(`${count} entries`, (e) => e.event === 'docs.insert_remote' && --left === 0, node.peer.mark(), WAIT_MS)
}

/** Entries for contents that nobody has. */
async function fill(node: LabNode, doc: string, count: number, prefix: string): Promise<void> {
  if (node.impl === 'ts') {
    await node.peer.call('docs.fill', { doc, count, prefix }, WAIT_MS)
    return
  }
  for (let from = 0; from < count; from += CALLS_AT_ONCE) {
    const some = Array.from({ length: Math.min(CALLS_AT_ONCE, count - from) }, (_, i) => {
      const key = `${prefix}${String(from + i).padStart(7, '0')}.`
      return node.peer.call('docs.set_hash', { doc, key, hash: toHex(blake3(utf8(key))), size: 1 }, WAIT_MS)
    })
    await Promise.all(some)
  }
}

async function until(node: LabNode, doc: string, count: number): Promise<void> {
  const end = performance.now() + WAIT_MS
  for (;;) {
    const { entries } = await node.peer.call<{ entries: unknown[] }>('docs.entries', { doc }, WAIT_MS)
    if (entries.length >= count) return
    if (performance.now() > end) throw new Error(`${entries.length} of ${count} entries arrived in time`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

function replicaFigures(size: number): Pick<DocsFigures, 'insertsPerSecond' | 'fingerprintMsPerMillion'> {
  const namespace = new Uint8Array(32).fill(1)
  const author = new Uint8Array(32).fill(2)
  const signature = new Uint8Array(64)
  const replica = new Replica(namespace)
  const put = (i: number): void => {
    const key = utf8(`folder/${(i * 7_919) % 1_000_003}/file.`)
    const entry = { len: 1n, hash: blake3(key), timestamp: BigInt(1_700_000_000_000_000 + i) }
    replica.put({ ...entry, id: entryId(namespace, author, key), authorSignature: signature, namespaceSignature: signature })
  }
  for (let i = 0; i < 10_000; i++) put(i)
  let begun = performance.now()
  for (let i = 10_000; i < 30_000; i++) put(i)
  const insertsPerSecond = Math.round(20_000 / ((performance.now() - begun) / 1000))
  for (let i = 30_000; i < size; i++) put(i)
  const rounds = 20
  begun = performance.now()
  for (let i = 0; i < rounds; i++) rangeFingerprint([[100 + i, replica.index.size / 2]], replica.index)
  const ms = (performance.now() - begun) / rounds
  return { insertsPerSecond, fingerprintMsPerMillion: Math.round(ms * (1_000_000 / size) * 1000) / 1000 }
}
