// What a stranger may try who knows a document, or even its secret (docs 17, adversarial), over real QUIC connections.
import { afterEach, describe, expect, it } from 'vitest'
import { concatBytes, fromUtf8, utf8 } from '../../../src/base/bytes.ts'
import { hashBlob } from '../../../src/core/blobs/index.ts'
import { DOCS_ALPN } from '../../../src/core/docs/alpn.ts'
import { docIdBytes } from '../../../src/core/docs/ids.ts'
import { type DocEvent, decodeDocTicket, type NamespaceId } from '../../../src/core/docs/index.ts'
import { namespaceSigner, writeCapability } from '../../../src/core/docs/proto/capability.ts'
import { EMPTY_HASH, entryId, keyOf, type SignedEntry } from '../../../src/core/docs/proto/entry.ts'
import { encodeGossipOp } from '../../../src/core/docs/proto/gossip-op.ts'
import { decodeSyncFrame, encodeSyncFrame, type MessagePart, type SyncMessage } from '../../../src/core/docs/proto/message.ts'
import type { SessionLimits } from '../../../src/core/docs/session.ts'
import { parseTopicId } from '../../../src/core/ids.ts'
import { type Signer, signerOfSeed } from '../../../src/core/keys/ed25519.ts'
import type { BiStream, Connection } from '../../../src/core/net/transport.ts'
import { encodeFrame, FrameReader } from '../../../src/core/wire/frame.ts'
import { WireWriter } from '../../../src/core/wire/writer.ts'
import { type DocNode, startDocNode } from './doc-nodes.ts'
import { sign } from './entries.ts'

const SECRET = new Uint8Array(32).fill(77)
const NAMESPACE = namespaceSigner(writeCapability(SECRET))
const AUTHOR = signerOfSeed(new Uint8Array(32).fill(78))
const WAIT_MS = 60_000
const MINUTE_US = 60_000_000n

const running: DocNode[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((n) => n.stop()))
})

async function node(limits?: Partial<SessionLimits>): Promise<DocNode> {
  const started = await startDocNode(limits === undefined ? {} : { limits })
  running.push(started)
  return started
}

/** A node that syncs the document whose secret the stranger knows, with one entry of its own. */
async function victim(limits?: Partial<SessionLimits>): Promise<{ n: DocNode; id: NamespaceId }> {
  const n = await node(limits)
  const id = await n.docs.importCapability(writeCapability(SECRET))
  await n.docs.setBytes(id, utf8('own'), utf8('value'))
  await n.docs.startSync(id, [])
  return { n, id }
}

const nowUs = (): bigint => BigInt(Date.now()) * 1000n

function entry(key: string, options: { at?: bigint; namespace?: Signer; author?: Signer; content?: string } = {}): SignedEntry {
  const { at = nowUs(), namespace = NAMESPACE, author = AUTHOR, content = 'x' } = options
  const bytes = utf8(content)
  return sign({ key: utf8(key), len: BigInt(bytes.length), hash: hashBlob(bytes).hash, timestamp: at }, namespace, author)
}

const given = (...entries: SignedEntry[]): MessagePart => ({
  kind: 'items',
  range: { x: entries[0]?.id ?? new Uint8Array(64), y: entries[0]?.id ?? new Uint8Array(64) },
  values: entries.map((e) => ({ entry: e, status: 'missing' })),
  haveLocal: true,
})

const init = (id: NamespaceId, message: SyncMessage): Uint8Array =>
  encodeFrame(encodeSyncFrame({ kind: 'init', namespace: id, message }))

/** A stranger's connection with one stream. */
async function call(to: DocNode): Promise<{ connection: Connection; stream: BiStream; frames: FrameReader }> {
  const stranger = await node()
  stranger.endpoint.learn({ id: to.endpoint.id, direct: to.addr.direct }, 'config')
  const connection = await stranger.endpoint.dial(to.endpoint.id, DOCS_ALPN, { exclusive: true } as never)
  const stream = await connection.openBi()
  const frames = new FrameReader({ read: (max) => stream.recv.read(max, { deadlineMs: WAIT_MS }) }, 2 ** 26)
  return { connection, stream, frames }
}

/** Everything the node says to these bytes until it ends or closes. */
async function say(to: DocNode, ...bytes: Uint8Array[]): Promise<Uint8Array[]> {
  const { stream, frames, connection } = await call(to)
  const said: Uint8Array[] = []
  try {
    for (const piece of bytes) await stream.send.write(piece)
    await stream.send.finish()
    for (let body = await frames.next(); body !== null; body = await frames.next()) said.push(body)
  } catch {
    // Being thrown out is an answer, too.
  }
  connection.close(0n, '')
  return said
}

const keys = async (n: DocNode, id: NamespaceId): Promise<(string | undefined)[]> =>
  (await n.docs.query(id, { includeEmpty: true })).map((e) => fromUtf8(keyOf(e.id))).sort()

/** The node still takes what is right, from somebody else. */
async function stillWorks(n: DocNode, id: NamespaceId): Promise<void> {
  await say(n, init(id, [given(entry('after'))]))
  await expect.poll(() => keys(n, id), { timeout: WAIT_MS }).toContain('after')
}

/** The encodings of points of small order (docs 3.7). */
const SMALL_ORDER = [
  '00'.repeat(32),
  `${'00'.repeat(31)}80`,
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
].map((hex) => new Uint8Array(Buffer.from(hex, 'hex')))

describe('entries a stranger sends', () => {
  it('with forged, swapped or foreign signatures are left out and counted', async () => {
    const { n, id } = await victim()
    const good = entry('good')
    const other = signerOfSeed(new Uint8Array(32).fill(99))
    const bad: SignedEntry[] = [
      { ...entry('a'), namespaceSignature: good.namespaceSignature },
      { ...entry('b'), authorSignature: good.authorSignature },
      { ...entry('c'), authorSignature: good.namespaceSignature, namespaceSignature: good.authorSignature },
      { ...entry('d'), hash: EMPTY_HASH.map((b) => b ^ 1) },
      { ...entry('e'), timestamp: nowUs() - 5n },
      // Signed by a key that is not the document's: the id names the document all the same.
      { ...entry('f'), namespaceSignature: entry('f', { namespace: other }).namespaceSignature },
      // Of another document altogether.
      entry('g', { namespace: other }),
    ]
    await say(n, init(id, [given(...bad, good)]))
    await expect.poll(() => keys(n, id), { timeout: WAIT_MS }).toEqual(['good', 'own'])
    expect(n.docs.stats.invalid).toBe(bad.length)
    await stillWorks(n, id)
  })

  it('of authors whose keys have small order are refused whatever the signature', async () => {
    const { n, id } = await victim()
    const bad = SMALL_ORDER.flatMap((point) =>
      [
        new Uint8Array(64),
        concatBytes([point, new Uint8Array(32)]),
        concatBytes([SMALL_ORDER[2] as Uint8Array, new Uint8Array(32)]),
      ].map((authorSignature) => {
        const template = entry('small')
        const forged = { ...template, id: entryId(NAMESPACE.publicKey, point, utf8('small')), authorSignature }
        return forged
      }),
    )
    await say(n, init(id, [given(...bad)]))
    await expect.poll(() => n.docs.stats.invalid, { timeout: WAIT_MS }).toBe(bad.length)
    expect(await keys(n, id)).toEqual(['own'])
    await stillWorks(n, id)
  })

  it('of the future are taken up to ten minutes ahead; inconsistent empty ones never', async () => {
    const { n, id } = await victim()
    const empty = { hash: EMPTY_HASH, len: 5n }
    const lengthless = { hash: hashBlob(utf8('x')).hash, len: 0n }
    const message = [
      given(
        entry('soon', { at: nowUs() + 9n * MINUTE_US }),
        entry('late', { at: nowUs() + 11n * MINUTE_US }),
        entry('never', { at: 2n ** 64n - 1n }),
        sign({ key: utf8('empty'), timestamp: nowUs(), ...empty }, NAMESPACE, AUTHOR),
        sign({ key: utf8('lengthless'), timestamp: nowUs(), ...lengthless }, NAMESPACE, AUTHOR),
      ),
    ]
    await say(n, init(id, message))
    await expect.poll(() => n.docs.stats.invalid, { timeout: WAIT_MS }).toBe(4)
    expect(await keys(n, id)).toEqual(['own', 'soon'])
    await stillWorks(n, id)
  })

  it('twice, outside their range, or with keys that look like paths are just entries', async () => {
    const { n, id } = await victim()
    const twice = entry('twice')
    const hostile = ['../../etc/passwd', '/root', 'C:\\x', 'a\\b', 'meta:x', 'contact:../x', '\u0000', '\u202e', 'x'.repeat(3000)]
    await say(n, init(id, [given(twice, twice, ...hostile.map((key) => entry(key)))]))
    await expect.poll(() => keys(n, id), { timeout: WAIT_MS }).toEqual([...hostile, 'own', 'twice'].sort())
    await stillWorks(n, id)
  })

  it('with ids that are too short end the session alone', async () => {
    const { n, id } = await victim()
    for (const length of [0, 32, 63]) {
      const short = new WireWriter().variant(0).fixed(docIdBytes(id)).variant(1)
      const bytes = short.variant(0).bytes(new Uint8Array(length)).bytes(new Uint8Array(length)).fixed(EMPTY_HASH).finish()
      expect(await say(n, encodeFrame(bytes))).toEqual([])
    }
    await stillWorks(n, id)
  })

  it('that were deleted do not come back when they are played again', async () => {
    const { n, id } = await victim()
    const [before, deleted] = [nowUs() - 2n, nowUs() - 1n]
    const old = entry('gone', { at: before })
    const tombstone = sign({ key: utf8('gone'), len: 0n, hash: EMPTY_HASH, timestamp: deleted }, NAMESPACE, AUTHOR)
    await say(n, init(id, [given(old)]))
    await say(n, init(id, [given(tombstone)]))
    // The answer to the replay is the deletion: the stranger is told what refused it (docs 5.6).
    const said = await say(n, init(id, [given(old)]))
    expect(said.length).toBe(1)
    expect((await n.docs.query(id)).map((e) => fromUtf8(keyOf(e.id)))).toEqual(['own'])
  })
})

describe('messages a stranger sends', () => {
  it('ask for a range of any ids and are shown this document only, once', async () => {
    const { n, id } = await victim()
    const other = await n.docs.create()
    await n.docs.setBytes(other, utf8('secret'), utf8('x'))
    await n.docs.startSync(other, [])
    const all = { x: new Uint8Array(64), y: new Uint8Array(64).fill(255) }
    const swapped = { x: all.y, y: all.x }
    const parts: MessagePart[] = [all, swapped].map((range) => ({ kind: 'items', range, values: [], haveLocal: false }))
    const [answer] = await say(n, init(id, parts))
    expect(Buffer.from(answer as Uint8Array).includes('own')).toBe(true)
    expect(Buffer.from(answer as Uint8Array).includes('secret')).toBe(false)
    await stillWorks(n, id)
  })

  it('of 100,000 parts, or that ask for everything again and again, end the session', { timeout: 240_000 }, async () => {
    const { n, id } = await victim()
    for (let i = 0; i < 300; i++) await n.docs.setHash(id, utf8(`k${i}.`), { hash: new Uint8Array(32).fill(1), len: 1 })
    const own = (await n.docs.query(id))[0] as SignedEntry
    const one = { x: own.id, y: concatBytes([own.id, Uint8Array.of(0)]) }
    const small: MessagePart = { kind: 'fingerprint', range: one, fingerprint: new Uint8Array(32) }
    const many = Array.from({ length: 100_000 }, () => small)
    const opening = init(id, [{ kind: 'fingerprint', range: { x: own.id, y: own.id }, fingerprint: new Uint8Array(32) }])
    const sync = (message: SyncMessage): Uint8Array => encodeFrame(encodeSyncFrame({ kind: 'sync', message }))
    await say(n, opening, sync(many))
    const everything: MessagePart = { kind: 'items', range: { x: own.id, y: own.id }, values: [], haveLocal: false }
    await say(n, opening, sync(Array.from({ length: 5_000 }, () => everything)))
    await expect.poll(() => n.docs.stats.failedSessions, { timeout: WAIT_MS }).toBeGreaterThan(0)
    await stillWorks(n, id)
  })

  it('never end: the number of rounds is bounded', async () => {
    const { n, id } = await victim({ rounds: 20 })
    await n.docs.setBytes(id, utf8('second'), utf8('x'))
    const { stream, frames, connection } = await call(n)
    const everything = new Uint8Array(64)
    let rounds = 0
    const question = (): SyncMessage => {
      const fingerprint = new Uint8Array(32)
      fingerprint[0] = ++rounds
      return [{ kind: 'fingerprint', range: { x: everything, y: everything }, fingerprint }]
    }
    await stream.send.write(init(id, question()))
    try {
      while ((await frames.next()) !== null)
        await stream.send.write(encodeFrame(encodeSyncFrame({ kind: 'sync', message: question() })))
    } catch {
      // Thrown out.
    }
    expect(rounds).toBeGreaterThan(10)
    expect(rounds).toBeLessThan(25)
    connection.close(0n, '')
    await stillWorks(n, id)
  })

  it.each([
    ['a gigabyte announced', Uint8Array.of(0x40, 0, 0, 0)],
    ['more than an opening may have', Uint8Array.of(0, 0x20, 0, 0)],
    ['the longest frame there is', Uint8Array.of(255, 255, 255, 255)],
    ['a frame of no bytes', Uint8Array.of(0, 0, 0, 0)],
    ['an unknown kind of frame', encodeFrame(Uint8Array.of(7, 1, 2, 3))],
    ['no frame at all', utf8('GET / HTTP/1.1\r\n\r\n')],
    ['a message before the opening', encodeFrame(encodeSyncFrame({ kind: 'sync', message: [] }))],
    ['an abort in place of the opening', encodeFrame(encodeSyncFrame({ kind: 'abort', reason: 'not-found' }))],
    [
      'a count larger than the frame',
      encodeFrame(
        new WireWriter()
          .variant(0)
          .fixed(new Uint8Array(32))
          .variant(2 ** 31)
          .finish(),
      ),
    ],
  ])('%s: the session ends, the node goes on', async (_, bytes) => {
    const { n, id } = await victim()
    expect(await say(n, bytes)).toEqual([])
    await stillWorks(n, id)
  })

  it('two openings, or bytes behind the end, hurt nobody else', async () => {
    const { n, id } = await victim()
    const opening = init(id, [
      { kind: 'fingerprint', range: { x: new Uint8Array(64), y: new Uint8Array(64) }, fingerprint: EMPTY_HASH },
    ])
    const said = await say(n, opening, opening)
    expect(said.map((body) => decodeSyncFrame(body).kind)).toEqual(['sync'])
    await say(n, opening, new Uint8Array(5_000).fill(9))
    await stillWorks(n, id)
  })

  it('that stop in the middle are given up, on further streams not even read', async () => {
    const { n, id } = await victim({ idleMs: 1_000 })
    const { connection, stream } = await call(n)
    await stream.send.write(Uint8Array.of(0, 0, 1, 0, 1, 2, 3))
    const second = await connection.openBi()
    await second.send.write(init(id, [given(entry('second stream'))]))
    await connection.closed
    expect(await keys(n, id)).toEqual(['own'])
    await stillWorks(n, id)
  })

  it('that come byte by byte are cut off by the limit of the whole session', async () => {
    const { n, id } = await victim({ idleMs: 30_000, totalMs: 2_000 })
    const { connection, stream } = await call(n)
    await stream.send.write(Uint8Array.of(0, 0, 255, 255))
    const drip = async (): Promise<void> => {
      while (!connection.isClosed) {
        await stream.send.write(Uint8Array.of(0)).catch(() => {})
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
    await drip()
    expect((await connection.closed).by).not.toBe('local')
    await stillWorks(n, id)
  })

  it('on more connections than one peer may have are turned away', async () => {
    const { n, id } = await victim()
    const stranger = await node()
    stranger.endpoint.learn({ id: n.endpoint.id, direct: n.addr.direct }, 'config')
    const open: Connection[] = []
    for (let i = 0; i < 12; i++) {
      const connection = await stranger.endpoint.dial(n.endpoint.id, DOCS_ALPN, { exclusive: true } as never)
      const stream = await connection.openBi().catch(() => undefined)
      // Closed under us when there are too many.
      await stream?.send.write(Uint8Array.of(0)).catch(() => {})
      open.push(connection)
    }
    await expect.poll(() => n.docs.stats.turnedAway, { timeout: WAIT_MS }).toBe(4)
    for (const connection of open) connection.close(0n, '')
    await stillWorks(n, id)
  })
})

describe('notices a stranger sends', () => {
  it('of other documents, absurd times, or replays cause no loop and no change', async () => {
    const { n, id } = await victim()
    const stranger = await node()
    stranger.endpoint.learn({ id: n.endpoint.id, direct: n.addr.direct }, 'config')
    let dialed = 0
    stranger.endpoint.handle(DOCS_ALPN, (connection) => {
      dialed++
      connection.close(0n, '')
    })
    const topic = stranger.gossip.subscribe(parseTopicId(id), { bootstrap: [n.endpoint.id] })
    await topic.joined()
    const foreign = '11'.repeat(32) as NamespaceId
    const absurd = new Map([['22'.repeat(32), 2n ** 63n]]) as never
    await topic.broadcastNeighbors(encodeGossipOp({ kind: 'sync-report', namespace: foreign, heads: absurd }))
    await topic.broadcastNeighbors(encodeGossipOp({ kind: 'sync-report', namespace: id, heads: absurd }))
    const forged = { ...entry('forged'), authorSignature: new Uint8Array(64) }
    const future = entry('future', { at: nowUs() + 60n * MINUTE_US })
    for (const bad of [forged, future]) await topic.broadcast(encodeGossipOp({ kind: 'put', entry: bad }))
    const good = encodeGossipOp({ kind: 'put', entry: entry('heard') })
    await topic.broadcast(good)
    await expect.poll(() => keys(n, id), { timeout: WAIT_MS }).toEqual(['heard', 'own'])
    await n.docs.setBytes(id, utf8('last'), utf8('x'))
    await expect.poll(() => keys(n, id), { timeout: WAIT_MS }).toEqual(['heard', 'last', 'own'])
    expect(n.docs.stats.invalid).toBe(2)
    // As a new neighbour, and for the one report.
    expect(dialed).toBeLessThanOrEqual(3)
  })
})

describe('a document without strangers', () => {
  it('is shown to a node that only read it, which can write nothing into it', async () => {
    const { n, id } = await victim()
    const reader = await node()
    const ticket = decodeDocTicket(await n.docs.share(id, 'read', n.addr))
    await reader.docs.importCapability(ticket.capability)
    const seen: DocEvent[] = []
    const events = await reader.watch(id)
    await reader.docs.importTicket(ticket)
    seen.push(await events.until((e) => e.kind === 'insert-remote'))
    expect(seen.length).toBe(1)
    await expect(reader.docs.setBytes(id, utf8('k'), utf8('v'))).rejects.toMatchObject({ code: 'DOC_READ_ONLY' })
  })
})
