import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '../../../src/base/bytes.ts'
import { ManualClock } from '../../../src/base/clock.ts'
import { seededRng } from '../../../src/base/random.ts'
import { authorIdOf } from '../../../src/core/docs/ids.ts'
import { KvDocStore } from '../../../src/core/docs/kv-store.ts'
import { memoryMap } from '../../../src/core/docs/memory-map.ts'
import { OpenDoc } from '../../../src/core/docs/open-doc.ts'
import { writeCapability } from '../../../src/core/docs/proto/capability.ts'
import { keyOf } from '../../../src/core/docs/proto/entry.ts'
import { runQuery } from '../../../src/core/docs/query.ts'
import { createVerifier, signerOfSeed } from '../../../src/core/keys/ed25519.ts'

const rng = seededRng(7)
const author = signerOfSeed(rng.bytes(32))
const other = signerOfSeed(rng.bytes(32))
const content = (n: number) => ({ hash: new Uint8Array(32).fill(n), len: 1 })

async function openDoc(map = memoryMap(), capability = writeCapability(new Uint8Array(32).fill(3))) {
  const store = await KvDocStore.open(map)
  const clock = new ManualClock()
  const doc = await OpenDoc.load(capability, { store, clock, verify: createVerifier(), status: async () => 'missing' })
  return { doc, clock, map }
}
const keys = (doc: OpenDoc, query = {}) => [...runQuery(doc.replica, query)].map((entry) => fromUtf8(keyOf(entry.id)))

describe('writing many entries', () => {
  it('keeps extensions written behind a key, and what is on disk equals what is in memory', async () => {
    const { doc, map } = await openDoc()
    await doc.insertAll(author, [{ key: utf8('README.md'), ...content(1) }])
    const written = await doc.insertAll(author, [
      { key: utf8('README'), ...content(2) },
      { key: utf8('README.md'), ...content(1) },
    ])
    expect(written.every((done) => done !== undefined)).toBe(true)
    expect(keys(doc)).toEqual(['README', 'README.md'])
    const again = await openDoc(map)
    expect(keys(again.doc)).toEqual(['README', 'README.md'])
  })

  it('leaves out what is pruned within the same batch', async () => {
    const { doc, map } = await openDoc()
    await doc.insertAll(author, [
      { key: utf8('a/b'), ...content(1) },
      { key: utf8('a'), ...content(2) },
    ])
    expect(keys(doc)).toEqual(['a'])
    expect(keys((await openDoc(map)).doc)).toEqual(['a'])
  })

  it('follows an entry of a clock that is ahead, within what peers accept', async () => {
    const { doc, clock } = await openDoc()
    const ahead = BigInt(clock.now()) * 1000n + 500_000_000n
    const [done] = await doc.insertAll(author, [{ key: utf8('k'), ...content(1), after: ahead }])
    expect(done?.entry.timestamp).toBe(ahead + 1n)
    const [absurd] = await doc.insertAll(author, [{ key: utf8('l'), ...content(1), after: ahead * 2n }])
    expect(absurd?.entry.timestamp).toBeLessThan(ahead * 2n)
  })

  it('finds one author by key without the entries of others', async () => {
    const { doc } = await openDoc()
    await doc.insertAll(author, ['a', 'ab', 'b'].map((k) => ({ key: utf8(k), ...content(1) })).reverse())
    await doc.insertAll(other, [{ key: utf8('aa'), ...content(1) }])
    const id = authorIdOf(author.publicKey)
    expect(keys(doc, { author: id })).toEqual(keys(doc).filter((key) => key !== 'aa'))
    expect(keys(doc, { author: id, key: { prefix: utf8('b') } })).toEqual(['b'])
    expect(keys(doc, { author: id, key: { exact: utf8('a') } })).toEqual(['a'])
    expect(keys(doc, { author: authorIdOf(other.publicKey), key: { prefix: utf8('a') } })).toEqual(['aa'])
  })
})
