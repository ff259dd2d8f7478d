import { afterEach, describe, expect, it } from 'vitest'
import { fromUtf8, toHex, utf8 } from '../../../src/base/bytes.ts'
import { DOCS_ALPN } from '../../../src/core/docs/alpn.ts'
import { type DocEvent, decodeDocTicket, memoryMap, type NamespaceId } from '../../../src/core/docs/index.ts'
import { keyOf } from '../../../src/core/docs/proto/entry.ts'
import { encodeSyncFrame } from '../../../src/core/docs/proto/message.ts'
import { parseTopicId } from '../../../src/core/ids.ts'
import { encodeFrame } from '../../../src/core/wire/frame.ts'
import { type DocNode, startDocNode } from './doc-nodes.ts'

const running: DocNode[] = []
const node = async (...args: Parameters<typeof startDocNode>): Promise<DocNode> => {
  const started = await startDocNode(...args)
  running.push(started)
  return started
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((n) => n.stop()))
})

const isInsert =
  (key: string) =>
  (e: DocEvent): boolean =>
    e.kind === 'insert-remote' && fromUtf8(keyOf(e.entry.id)) === key
const isReady = (e: DocEvent): boolean => e.kind === 'content-ready'
const isSynced = (e: DocEvent): boolean => e.kind === 'sync-finished' && e.error === undefined

async function shown(n: DocNode, id: NamespaceId): Promise<string[]> {
  const entries = await n.docs.query(id, { includeEmpty: true })
  return entries.map((e) => `${toHex(e.id.subarray(32))} ${e.timestamp} ${toHex(e.hash)}`)
}

/** b has made a document with `first` in it; a has imported its write ticket and seen the entry. */
async function pair(): Promise<{ a: DocNode; b: DocNode; id: NamespaceId }> {
  const [a, b] = await Promise.all([node(), node()])
  const id = await b.docs.create()
  await b.docs.setBytes(id, utf8('first'), utf8('from b'))
  const ticket = decodeDocTicket(await b.docs.share(id, 'write', b.addr))
  await a.docs.importCapability(ticket.capability)
  const events = await a.watch(id)
  await a.docs.importTicket(ticket)
  await events.until(isInsert('first'))
  await events.until(isReady)
  return { a, b, id }
}

describe('two nodes', () => {
  it('share a document with its contents, and hear of each other’s entries at once', async () => {
    const { a, b, id } = await pair()
    const [first] = await a.docs.query(id)
    expect(fromUtf8((await a.docs.read(first as NonNullable<typeof first>, 100)) as Uint8Array)).toBe('from b')
    const [onA, onB] = [await a.watch(id), await b.watch(id)]
    await a.docs.setBytes(id, utf8('second'), utf8('from a'))
    await onB.until(isInsert('second'))
    await onB.until(isReady)
    await b.docs.delete(id, utf8('first'))
    await onA.until(isInsert('first'))
    expect(await shown(a, id)).toEqual(await shown(b, id))
    expect((await a.docs.query(id)).map((e) => fromUtf8(keyOf(e.id)))).toEqual(['second'])
    expect(await a.docs.getExact(id, b.docs.defaultAuthor, utf8('first'))).toBeUndefined()
  })

  it('exchange what each wrote while the other was away', async () => {
    const { a, b, id } = await pair()
    await Promise.all([a.docs.leave(id), b.docs.leave(id)])
    for (let i = 0; i < 40; i++) {
      await a.docs.setBytes(id, utf8(`a/${i}`), utf8(`a${i}`))
      await b.docs.setBytes(id, utf8(`b/${i}`), utf8(`b${i}`))
    }
    await b.docs.delete(id, utf8('b/1'))
    const onA = await a.watch(id)
    await b.docs.startSync(id, [])
    await a.docs.startSync(id, [b.addr])
    await onA.until(isSynced)
    await expect.poll(async () => (await shown(a, id)).length).toBe(1 + 40 + 1 + 29)
    await expect.poll(async () => shown(b, id)).toEqual(await shown(a, id))
  })

  it('beginning at the same moment get stuck in neither order of their ids', async () => {
    const low = await node({ seed: new Uint8Array(32).fill(1) })
    const high = await node({ seed: new Uint8Array(32).fill(2) })
    for (const [first, second] of [
      [low, high],
      [high, low],
    ] as const) {
      const id = await first.docs.create()
      await first.docs.setBytes(id, utf8('one'), utf8('1'))
      const ticket = decodeDocTicket(await first.docs.share(id, 'write', first.addr))
      await first.docs.leave(id)
      await second.docs.importCapability(ticket.capability)
      await second.docs.setBytes(id, utf8('two'), utf8('2'))
      for (let round = 0; round < 5; round++) {
        await Promise.all([first.docs.startSync(id, [second.addr]), second.docs.startSync(id, [first.addr])])
        await expect.poll(() => shown(first, id)).toHaveLength(2 + round)
        await expect.poll(() => shown(second, id)).toEqual(await shown(first, id))
        await Promise.all([first.docs.leave(id), second.docs.leave(id)])
        await second.docs.setBytes(id, utf8(`more${round}`), utf8('x'))
      }
    }
  })

  it('a restarted node keeps what it had and answers again once it syncs', async () => {
    const map = memoryMap()
    const seed = new Uint8Array(32).fill(7)
    const before = await startDocNode({ map, seed })
    const id = await before.docs.create()
    await before.docs.setBytes(id, utf8('kept'), utf8('content'))
    const author = before.docs.defaultAuthor
    await before.stop()
    const again = await node({ map, seed })
    const other = await node()
    expect(again.docs.defaultAuthor).toBe(author)
    expect(again.docs.list()).toEqual([{ id, kind: 'write' }])
    await other.docs.importCapability({ kind: 'read', id })
    const events = await other.watch(id)
    await other.docs.startSync(id, [again.addr])
    const failed = await events.until((e) => e.kind === 'sync-finished')
    expect(failed).toMatchObject({ error: { code: 'DOC_ABORTED' } })
    await again.docs.startSync(id, [])
    await other.docs.startSync(id, [again.addr])
    await events.until(isInsert('kept'))
    await expect(other.docs.setBytes(id, utf8('x'), utf8('y'))).rejects.toMatchObject({ code: 'DOC_READ_ONLY' })
  })
})

describe('three nodes', () => {
  it('an entry reaches a node that knows only the middle one, with its content', async () => {
    const { a, b, id } = await pair()
    const c = await node()
    const events = await c.watch(await c.docs.importCapability({ kind: 'read', id }))
    await c.docs.startSync(id, [a.addr])
    await events.until(isInsert('first'))
    await b.docs.setBytes(id, utf8('far'), utf8('over two hops'))
    await events.until(isInsert('far'))
    await events.until((e) => e.kind === 'content-ready')
    await expect.poll(async () => (await c.docs.query(id)).length).toBe(2)
    await expect
      .poll(async () => Promise.all((await c.docs.query(id)).map((e) => c.docs.contentStatus(e))), { timeout: 10_000 })
      .toEqual(['complete', 'complete'])
  })
})

describe('local rules', () => {
  it('one key written in a tight loop always succeeds and grows', async () => {
    const n = await node()
    const id = await n.docs.create()
    let last = 0n
    for (let i = 0; i < 500; i++) {
      const { timestamp } = await n.docs.setHash(id, utf8('k'), { hash: new Uint8Array(32).fill(i % 250), len: 1 })
      expect(timestamp > last).toBe(true)
      last = timestamp
    }
  })

  it('refuses empty keys and values, unknown documents and authors', async () => {
    const n = await node()
    const id = await n.docs.create()
    await expect(n.docs.setBytes(id, utf8(''), utf8('x'))).rejects.toMatchObject({ code: 'DOC_EMPTY_KEY' })
    await expect(n.docs.setBytes(id, utf8('k'), new Uint8Array(0))).rejects.toMatchObject({ code: 'DOC_EMPTY_ENTRY' })
    await expect(n.docs.setBytes(id, new Uint8Array(3_801).fill(65), utf8('x'))).rejects.toMatchObject({
      code: 'DOC_KEY_TOO_LONG',
    })
    await expect(n.docs.query('0'.repeat(64) as NamespaceId)).rejects.toMatchObject({ code: 'DOC_UNKNOWN' })
    await expect(n.docs.deleteAuthor(n.docs.defaultAuthor)).rejects.toMatchObject({ code: 'DOC_UNKNOWN_AUTHOR' })
    expect(await n.docs.delete(id, utf8('absent'))).toBe(0)
    expect(await n.docs.delete(id, utf8('absent'))).toBe(1)
    await n.docs.drop(id)
    expect(n.docs.list()).toEqual([])
  })

  it('queries by prefix, author and latest per key', async () => {
    const n = await node()
    const id = await n.docs.create()
    const second = await n.docs.createAuthor()
    const put = (key: string, author?: typeof second) =>
      n.docs.setHash(id, utf8(key), { hash: new Uint8Array(32).fill(key.length), len: 1 }, author)
    for (const key of ['a', 'b/1', 'b/2', 'c']) await put(key)
    for (const key of ['b/1', 'd']) await put(key, second)
    await n.docs.delete(id, utf8('c'), second)
    const keys = async (query: Parameters<typeof n.docs.query>[1]) =>
      (await n.docs.query(id, query)).map((e) => fromUtf8(keyOf(e.id)))
    expect(await keys({ key: { prefix: utf8('b/') }, sort: 'key-author' })).toEqual(['b/1', 'b/1', 'b/2'])
    expect(await keys({ author: second })).toEqual(['b/1', 'd'])
    expect(await keys({ author: second, includeEmpty: true })).toEqual(['b/1', 'c', 'd'])
    expect(await keys({ kind: 'latest-per-key' })).toEqual(['a', 'b/1', 'b/2', 'd'])
    expect(await keys({ kind: 'latest-per-key', descending: true, offset: 1, limit: 2 })).toEqual(['b/2', 'b/1'])
    const [b1] = await n.docs.query(id, { kind: 'latest-per-key', key: { exact: utf8('b/1') } })
    expect(b1 && toHex(b1.id.subarray(32, 64))).toBe(second)
  })
})

describe('hostile peers', () => {
  /** Speaks the protocol by hand with a document of the node. */
  async function rawSession(to: DocNode, bytes: readonly Uint8Array[]): Promise<Uint8Array | null> {
    const stranger = await node()
    stranger.endpoint.learn({ id: to.endpoint.id, direct: to.addr.direct }, 'config')
    const connection = await stranger.endpoint.dial(to.endpoint.id, DOCS_ALPN)
    const stream = await connection.openBi()
    for (const piece of bytes) await stream.send.write(piece)
    await stream.send.finish()
    return stream.recv.read(65_536, { deadlineMs: 10_000 }).catch(() => null)
  }

  it.each([
    ['nothing', []],
    ['a frame longer than any', [Uint8Array.of(255, 255, 255, 255)]],
    ['an empty frame', [Uint8Array.of(0, 0, 0, 0)]],
    ['rubbish', [encodeFrame(new Uint8Array(300).fill(0xee))]],
    ['a step before the beginning', [encodeFrame(encodeSyncFrame({ kind: 'sync', message: [] }))]],
    ['an abort', [encodeFrame(encodeSyncFrame({ kind: 'abort', reason: 'not-found' }))]],
  ] as const)('%s: the node goes on', async (_, bytes) => {
    const { a, b, id } = await pair()
    await rawSession(a, bytes)
    const onA = await a.watch(id)
    await b.docs.setBytes(id, utf8('after'), utf8('x'))
    await onA.until(isInsert('after'))
  })

  it('a range over everything shows nothing of other documents', async () => {
    const { a, b, id } = await pair()
    const other = await a.docs.create()
    await a.docs.setBytes(other, utf8('secret'), utf8('x'))
    await a.docs.startSync(other, [])
    const x = new Uint8Array(64)
    const y = new Uint8Array(64).fill(255)
    const answer = await rawSession(a, [
      encodeFrame(
        encodeSyncFrame({
          kind: 'init',
          namespace: id,
          message: [{ kind: 'items', range: { x, y }, values: [], haveLocal: false }],
        }),
      ),
    ])
    expect(answer).not.toBeNull()
    expect(Buffer.from(answer as Uint8Array).includes(Buffer.from(other, 'hex'))).toBe(false)
    expect(Buffer.from(answer as Uint8Array).includes('first')).toBe(true)
    expect(b.docs.stats.failedSessions).toBe(0)
  })

  it('asked for a document it does not sync, it says so', async () => {
    const { a } = await pair()
    const silent = await a.docs.create()
    const answer = await rawSession(a, [encodeFrame(encodeSyncFrame({ kind: 'init', namespace: silent, message: [] }))])
    expect(answer && toHex(answer)).toBe('000000020200')
  })

  it('rubbish on the topic does not silence the document', async () => {
    const { a, b, id } = await pair()
    const loud = await node()
    loud.endpoint.learn({ id: a.endpoint.id, direct: a.addr.direct }, 'config')
    const topic = loud.gossip.subscribe(parseTopicId(id), { bootstrap: [a.endpoint.id] })
    await topic.joined()
    for (const bytes of [Uint8Array.of(255, 255), Uint8Array.of(0), new Uint8Array(4000).fill(7)]) await topic.broadcast(bytes)
    await expect.poll(() => a.docs.stats.badNotices).toBe(3)
    const onA = await a.watch(id)
    await b.docs.setBytes(id, utf8('still heard'), utf8('x'))
    await onA.until(isInsert('still heard'))
  })
})
