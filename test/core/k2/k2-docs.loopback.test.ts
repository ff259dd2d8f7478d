import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { MemoryBlobStore } from '../../../src/core/blobs/index.ts'
import { memoryMap } from '../../../src/core/docs/index.ts'
import { parseHash, parsePeerId } from '../../../src/core/ids.ts'
import { ContactBook } from '../../../src/core/k2/contact-book.ts'
import { CONTACTS_MARKER, K2DocsClient, PROFILE_MARKER } from '../../../src/core/k2/docs-client.ts'
import { ProfileBook } from '../../../src/core/k2/profile.ts'
import { type DocNode, startDocNode } from '../docs/doc-nodes.ts'

const ADA = '8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c'
const BOB = 'ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1'
const clock = new ManualClock(1_750_464_000_000)

const running: DocNode[] = []
async function client(options: Parameters<typeof startDocNode>[0] = {}): Promise<K2DocsClient> {
  const node = await startDocNode(options)
  running.push(node)
  return new K2DocsClient(node.docs)
}
afterEach(async () => {
  await Promise.all(running.splice(0).map((node) => node.stop()))
})

describe('documents of K2', () => {
  it('are found again by their markers after a restart', async () => {
    const parts = { map: memoryMap(), blobs: new MemoryBlobStore(2 ** 24) }
    const before = await client(parts)
    const [contacts, profile] = [await before.findOrCreate(CONTACTS_MARKER), await before.findOrCreate(PROFILE_MARKER)]
    expect(contacts).not.toBe(profile)
    await running.pop()?.stop()
    const after = await client(parts)
    expect(await after.findOrCreate(CONTACTS_MARKER)).toBe(contacts)
    expect(await after.findOrCreate(PROFILE_MARKER)).toBe(profile)
    expect(after.docs.list()).toHaveLength(2)
  })

  it('lose no key of ours to a shorter one, written or deleted', async () => {
    const k2 = await client()
    const id = await k2.docs.create()
    for (const key of ['README.md', 'README', 'READ', 'other']) await k2.put(id, key, `of ${key}`)
    expect((await k2.list(id, '')).map((e) => [e.key, e.value])).toEqual([
      ['READ', 'of READ'],
      ['README', 'of README'],
      ['README.md', 'of README.md'],
      ['other', 'of other'],
    ])
    expect(await k2.delete(id, 'README')).toBe(true)
    expect(await k2.delete(id, 'README')).toBe(false)
    expect((await k2.list(id, '')).map((e) => e.key)).toEqual(['READ', 'README.md', 'other'])
  })

  it('write nothing for an empty or an unchanged value', async () => {
    const k2 = await client()
    const id = await k2.docs.create()
    await k2.put(id, 'a', 'x')
    const [first] = await k2.docs.query(id)
    await k2.put(id, 'a', 'x')
    await k2.put(id, 'a', '')
    expect(await k2.docs.query(id)).toEqual([first])
  })
})

describe('the contact book', () => {
  it('holds contacts as the reference writes them', async () => {
    const k2 = await client()
    const book = await ContactBook.open(k2, clock)
    await book.add(ADA.toUpperCase(), ' Ada ', 'from the fair')
    await book.add(BOB, 'bob')
    const doc = await k2.findOrCreate(CONTACTS_MARKER)
    expect(await k2.get(doc, `contact:${ADA}`)).toBe(
      `{"node_id":"${ADA}","nickname":"Ada","added_at":1750464000,"notes":"from the fair"}`,
    )
    expect((await book.list()).map((c) => c.nickname)).toEqual(['Ada', 'bob'])
    expect(await book.rename(parsePeerId(BOB), 'Bob')).toBe(true)
    expect(await book.get(parsePeerId(BOB))).toEqual({ id: BOB, nickname: 'Bob', addedAt: 1_750_464_000, notes: undefined })
    expect(await book.remove(parsePeerId(ADA))).toBe(true)
    expect(await book.remove(parsePeerId(ADA))).toBe(false)
    expect(await book.rename(parsePeerId(ADA), 'x')).toBe(false)
    expect((await book.list()).map((c) => c.id)).toEqual([BOB])
  })

  it('refuses what is no id or no name, and ignores what is no contact', async () => {
    const k2 = await client()
    const book = await ContactBook.open(k2, clock)
    await expect(book.add('nobody', 'x')).rejects.toMatchObject({ code: 'KEY_BAD_ID' })
    await expect(book.add(ADA, '  ')).rejects.toMatchObject({ code: 'K2_BAD_FORM' })
    await expect(book.add(ADA, 'x'.repeat(201))).rejects.toMatchObject({ code: 'K2_TOO_LARGE' })
    const doc = await k2.findOrCreate(CONTACTS_MARKER)
    await k2.put(doc, 'contact:x', '{"node_id":"x","nickname":"x","added_at":1,"notes":null}')
    await k2.put(doc, `contact:${ADA}`, 'rubbish')
    expect(await book.list()).toEqual([])
  })

  it('takes over a legacy file once', async () => {
    const book = await ContactBook.open(await client(), clock)
    await book.add(ADA, 'mine')
    const entry = (id: string) => ({ node_id: id, nickname: 'old', added_at: 5, notes: null })
    const file = JSON.stringify({ contacts: { a: entry(ADA), b: entry(BOB), c: entry('bad') } })
    expect(await book.importLegacy(file)).toBe(1)
    expect(await book.importLegacy(file)).toBe(0)
    expect((await book.list()).map((c) => [c.nickname, c.addedAt])).toEqual([
      ['mine', 1_750_464_000],
      ['old', 5],
    ])
    await expect(book.importLegacy('[]')).rejects.toMatchObject({ code: 'K2_MALFORMED' })
  })
})

describe('the profile', () => {
  it('keeps the light logo when the dark one changes', async () => {
    const profile = await ProfileBook.open(await client())
    const [light, dark] = [parseHash('11'.repeat(32)), parseHash('22'.repeat(32))]
    await profile.setImage('logo-light', light)
    await profile.setImage('logo-dark', dark)
    await profile.setText('name', 'Ada’s shop')
    await profile.setText('intro', 'x')
    await profile.setText('intro', '')
    expect(await profile.read()).toEqual({ texts: { name: 'Ada’s shop' }, images: { 'logo-light': light, 'logo-dark': dark } })
    await profile.setImage('logo-dark', undefined)
    expect((await profile.read()).images).toEqual({ 'logo-light': light })
  })
})
