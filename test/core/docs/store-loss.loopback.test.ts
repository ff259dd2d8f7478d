// As `loss.test.ts`, with everything a node has below its sessions: documents that are opened from an LMDB folder and keep each
// change there before anybody hears of it. A restart closes the folder and reads it again.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toHex } from '../../../src/base/bytes.ts'
import { ManualClock } from '../../../src/base/clock.ts'
import { KvDocStore, lmdbMap } from '../../../src/core/docs/index.ts'
import { OpenDoc } from '../../../src/core/docs/open-doc.ts'
import { writeCapability } from '../../../src/core/docs/proto/capability.ts'
import type { SyncMessage } from '../../../src/core/docs/proto/message.ts'
import { Replica } from '../../../src/core/docs/replica.ts'
import { NAMESPACE, T, trusting } from './entries.ts'
import { type Event, event } from './random-events.ts'

const CAPABILITY = writeCapability(new Uint8Array(32).fill(1))
/** Longest session: more messages would be a loop. */
const MAX_MESSAGES = 64

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'k2-docs-loss-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

class Peer {
  readonly #folder: string
  #store: KvDocStore
  doc: OpenDoc

  private constructor(folder: string, store: KvDocStore, doc: OpenDoc) {
    this.#folder = folder
    this.#store = store
    this.doc = doc
  }

  static async start(folder: string): Promise<Peer> {
    return new Peer(folder, ...(await Peer.#open(folder)))
  }

  static async #open(folder: string): Promise<[KvDocStore, OpenDoc]> {
    const store = await KvDocStore.open(await lmdbMap(folder))
    await store.putCapability(CAPABILITY)
    const clock = new ManualClock(Number(T / 1000n) + 1_000)
    const tools = { store, clock, verify: trusting, status: async () => 'complete' as const }
    return [store, await OpenDoc.load(CAPABILITY, tools)]
  }

  /** What is in memory is forgotten. */
  async restart(): Promise<void> {
    await this.#store.close()
    ;[this.#store, this.doc] = await Peer.#open(this.#folder)
  }

  /** What is on disk, read by nobody before. */
  async stored(): Promise<string[]> {
    await this.restart()
    return shown(this.doc.replica)
  }

  async end(): Promise<void> {
    await this.#store.close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** A session that breaks off after so many messages. */
async function session(dialer: Peer, acceptor: Peer, messages = MAX_MESSAGES): Promise<void> {
  let message: SyncMessage | undefined = dialer.doc.opening()
  for (let n = 0; n < messages && message !== undefined; n++)
    message = (await (n % 2 === 0 ? acceptor : dialer).doc.handle(message)).reply
  if (messages === MAX_MESSAGES) expect(message).toBeUndefined()
}

async function happen(peers: readonly Peer[], e: Event): Promise<void> {
  const at = (i: number): Peer => peers[i] as Peer
  if (e.kind === 'write') for (const peer of [e.at, ...e.heard]) await at(peer).doc.offer(e.entry)
  else if (e.kind === 'restart') await at(e.at).restart()
  else if (e.from !== e.to) await session(at(e.from), at(e.to), e.messages)
}

const shown = (replica: Replica): string[] =>
  [...replica.index.rows()].map(({ entry }) => `${toHex(entry.id)} ${entry.timestamp} ${toHex(entry.hash)}`)

describe('documents on disk that miss gossip, lose sessions half way and are opened again', () => {
  let folders = 0
  it.each([2, 3])(
    '%i of them end equal, in memory and on disk, with what folding everything ever written gives',
    async (count) => {
      await fc.assert(
        fc.asyncProperty(fc.array(event(count), { maxLength: 25 }), async (events) => {
          const peers = await Promise.all(Array.from({ length: count }, () => Peer.start(join(root, String(folders++)))))
          try {
            for (const e of events) await happen(peers, e)
            for (let round = 0; round < 2; round++)
              for (const [i, peer] of peers.entries()) await session(peer, peers[(i + 1) % count] as Peer)
            const all = new Replica(NAMESPACE.publicKey)
            for (const e of events) if (e.kind === 'write') all.put(e.entry)
            for (const peer of peers) {
              expect(shown(peer.doc.replica)).toEqual(shown(all))
              expect(await peer.stored()).toEqual(shown(all))
            }
          } finally {
            await Promise.all(peers.map((peer) => peer.end()))
          }
        }),
        { numRuns: 100 },
      )
    },
  )
})
