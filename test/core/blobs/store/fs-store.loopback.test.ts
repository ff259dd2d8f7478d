import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, open, readdir, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { equalBytes } from '../../../../src/base/bytes.ts'
import { blobBytes } from '../../../../src/core/blobs/blob-bytes.ts'
import { FsBlobStore } from '../../../../src/core/blobs/fs-store.ts'
import { hashBlob } from '../../../../src/core/blobs/tree/outboard.ts'
import { ALL, subtract } from '../../../../src/core/blobs/tree/ranges.ts'
import { type Hash, hashOf } from '../../../../src/core/ids.ts'
import { codeOf, pattern } from '../../net/support.ts'
import { collectBytes, deliver } from './support.ts'

const hashed = (data: Uint8Array): Hash => hashOf(hashBlob(data).hash)

let root: string
let dir: string
const stores: FsBlobStore[] = []
const openStore = (at = dir): FsBlobStore => {
  const store = new FsBlobStore({ dir: at, maxBytes: 1e9 })
  stores.push(store)
  return store
}
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'k2gw-fs-'))
  dir = join(root, 'blobs')
})
afterEach(async () => {
  await Promise.all(stores.splice(0).map((s) => s.close()))
  await rm(root, { recursive: true, force: true })
})

/** Resolves when the store has changed its mind about a blob. */
const changeOf = (store: FsBlobStore, hash: Hash): Promise<void> =>
  new Promise((done) => {
    const stop = store.watch(hash, () => {
      stop()
      done()
    })
  })

async function overwrite(path: string, offset: number, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(bytes, 0, bytes.length, offset)
  await file.close()
}

const contentFiles = async (): Promise<string[]> =>
  (await readdir(join(dir, 'content'))).map((name) => join(dir, 'content', name))

describe('a store on disk', () => {
  it('touches nothing before its first use', async () => {
    openStore()
    expect(await readdir(root)).toEqual([])
  })

  it('has everything after it was closed and opened again', async () => {
    const first = openStore()
    const whole = pattern(400_000, 1)
    const part = pattern(400_000, 2)
    const { hash } = await first.importBytes(whole, { tag: 'whole' })
    const partial = await first.resume(hashed(part))
    await deliver(partial.sink(), part, hashed(part), [64n, 128n])
    await partial.close()
    const usage = await first.usage()
    await first.close()

    const second = openStore()
    expect(await second.usage()).toEqual(usage)
    expect(await second.getTag('whole')).toEqual({ name: 'whole', hash, format: 'raw' })
    expect(equalBytes(await collectBytes(blobBytes(second, hash)), whole)).toBe(true)
    const again = await second.resume(hashed(part))
    expect(again.state().ranges).toEqual([64n, 128n])
    await deliver(again.sink(), part, hashed(part), subtract(ALL, again.state().ranges))
    await again.complete()
    await again.close()
    expect(equalBytes(await collectBytes(blobBytes(second, hashed(part))), part)).toBe(true)
  })

  it('closing in the middle of a download keeps what was taken', async () => {
    const first = openStore()
    const data = pattern(300_000)
    const partial = await first.resume(hashed(data))
    await deliver(partial.sink(), data, hashed(data), [0n, 96n])
    await first.close()
    const again = await openStore().resume(hashed(data))
    expect(again.state().ranges).toEqual([0n, 96n])
    await again.close()
  })

  it('is for one at a time', async () => {
    const first = openStore()
    await first.usage()
    const second = openStore()
    expect(await codeOf(second.usage())).toBe('BLOB_STORE_LOCKED')
    await first.close()
    expect(await codeOf(second.usage())).toBe('resolved')
  })

  it('removes what an interrupted run left, and nothing else', async () => {
    const first = openStore()
    const { hash } = await first.importBytes(pattern(50_000))
    await first.close()
    await writeFile(join(dir, 'content', `${'ab'.repeat(12)}.data`), pattern(1000))
    await writeFile(join(dir, 'content', 'notes.txt'), 'not ours')
    const second = openStore()
    await second.gc()
    expect((await readdir(join(dir, 'content'))).sort()).toHaveLength(2)
    expect(await second.status(hash)).toMatchObject({ kind: 'complete' })
  })

  it('a bad group on disk is found when read, and only that group is fetched again', async () => {
    const store = openStore()
    const data = pattern(500_000)
    const { hash } = await store.importBytes(data)
    const [path] = await contentFiles()
    await overwrite(path as string, 100_000, new Uint8Array([1, 2, 3]))
    const changed = changeOf(store, hash)
    expect(await codeOf(collectBytes(blobBytes(store, hash)))).toBe('BLOB_MISMATCH')
    await changed
    // Byte 100,000 is in group 6: chunks 96 to 111.
    expect(await store.status(hash)).toEqual({ kind: 'partial', size: 500_000, ranges: [0n, 96n, 112n] })
    const partial = await store.resume(hash)
    expect(subtract(ALL, partial.state().ranges)).toEqual([96n, 112n])
    await deliver(partial.sink(), data, hash, [96n, 112n])
    await partial.complete()
    await partial.close()
    expect(equalBytes(await collectBytes(blobBytes(store, hash)), data)).toBe(true)
  })

  it('a lost or shortened content file is noticed', async () => {
    const store = openStore()
    const data = pattern(500_000)
    const { hash } = await store.importBytes(data)
    const [path] = await contentFiles()
    await truncate(path as string, 40_000)
    expect(await store.verify(hash)).toEqual({ kind: 'partial', size: 500_000, ranges: [0n, 32n] })
    await rm(path as string)
    expect(await codeOf(store.open(hash))).toBe('BLOB_MISSING')
    expect(await store.verify(hash)).toEqual({ kind: 'absent' })
    expect(await codeOf(store.importBytes(data))).toBe('resolved')
    expect(equalBytes(await collectBytes(blobBytes(store, hash)), data)).toBe(true)
  })
})

describe('a file kept by reference', () => {
  const data = pattern(300_000)
  const refer = async (store: FsBlobStore): Promise<{ path: string; hash: Hash }> => {
    const path = join(root, 'file.bin')
    await writeFile(path, data)
    const { hash } = await store.importFile(path, { mode: 'reference' })
    return { path, hash }
  }

  it('that was written to is not there any more', async () => {
    const store = openStore()
    const { path, hash } = await refer(store)
    await overwrite(path, 5, new Uint8Array([9]))
    expect(await store.status(hash)).toEqual({ kind: 'absent' })
    expect(['BLOB_CHANGED', 'BLOB_MISSING']).toContain(await codeOf(collectBytes(blobBytes(store, hash))))
  })

  it('that was changed behind its time stamp gives no wrong byte', async () => {
    const store = openStore()
    const { path, hash } = await refer(store)
    const { atime, mtime } = await stat(path)
    // Whole milliseconds survive setting them back.
    await utimes(path, atime, new Date(Math.floor(mtime.getTime() / 1000) * 1000))
    expect(await store.verify(hash)).toMatchObject({ kind: 'complete' })
    const before = await stat(path)
    await overwrite(path, 100_000, new Uint8Array([1, 2, 3]))
    await utimes(path, before.atime, before.mtime)
    const got: Uint8Array[] = []
    const read = async (): Promise<void> => {
      for await (const piece of blobBytes(store, hash)) got.push(piece.slice())
    }
    const changed = changeOf(store, hash)
    expect(await codeOf(read())).toBe('BLOB_MISMATCH')
    const bytes = Buffer.concat(got)
    expect(equalBytes(bytes, data.subarray(0, bytes.length))).toBe(true)
    await changed
    expect(await store.status(hash)).toEqual({ kind: 'absent' })
  })

  it('that was only touched or replaced by the same content comes back', async () => {
    const store = openStore()
    const { path, hash } = await refer(store)
    await writeFile(`${path}.new`, data)
    await rename(`${path}.new`, path)
    const changed = changeOf(store, hash)
    expect(await store.status(hash)).toEqual({ kind: 'absent' })
    await changed
    expect(await store.status(hash)).toEqual({ kind: 'complete', size: 300_000 })
  })

  it('that is gone is gone, and a copy imported later takes its place', async () => {
    const store = openStore()
    const { path, hash } = await refer(store)
    await rm(path)
    expect(await store.status(hash)).toEqual({ kind: 'absent' })
    expect((await store.importBytes(data)).hash).toBe(hash)
    expect(equalBytes(await collectBytes(blobBytes(store, hash)), data)).toBe(true)
    await writeFile(path, data)
    await store.importFile(path, { mode: 'reference' })
    await rm(path)
    expect(await store.status(hash)).toMatchObject({ kind: 'complete' })
  })

  it('may be the store’s own file, given away', async () => {
    const store = openStore()
    const { hash } = await store.importBytes(data)
    const path = join(root, 'given.bin')
    await store.export(hash, path, { mode: 'reference' })
    expect(await contentFiles()).toEqual([])
    expect((await store.usage()).bytes).toBe(0)
    expect(equalBytes(await collectBytes(blobBytes(store, hash)), data)).toBe(true)
    await store.delete(hash)
    expect((await stat(path)).size).toBe(300_000)
  })
})

describe('a full disk', () => {
  const tmpfs = (() => {
    let mounted: string | undefined
    return {
      mount(at: string, size: string): boolean {
        try {
          execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', at], { stdio: 'ignore' })
          mounted = at
          return true
        } catch {
          // Not allowed here: the tests below say so and are skipped.
          return false
        }
      },
      unmount(): void {
        if (mounted) execFileSync('umount', ['-l', mounted])
        mounted = undefined
      },
    }
  })()
  afterEach(() => tmpfs.unmount())

  it('is refused beforehand while some room is left', async () => {
    const store = new FsBlobStore({ dir, maxBytes: 1e15, minFreeBytes: Number.MAX_SAFE_INTEGER / 2 })
    stores.push(store)
    const data = pattern(50_000)
    expect(await codeOf(store.importBytes(data))).toBe('BLOB_STORE_DISK_FULL')
    const partial = await store.resume(hashed(data))
    expect(await codeOf(deliver(partial.sink(), data, hashed(data), ALL))).toBe('BLOB_STORE_DISK_FULL')
    await partial.close()
    expect(await store.usage()).toEqual({ bytes: 0, blobs: 0 })
  })

  it('in the middle of a write ends that write alone, and the store goes on when there is room', async ({ skip }) => {
    const small = join(root, 'small')
    await mkdir(small)
    if (!tmpfs.mount(small, '12m')) return skip('mounting a small file system is not allowed here')
    const store = new FsBlobStore({ dir: join(small, 'blobs'), maxBytes: 1e9, minFreeBytes: 0 })
    stores.push(store)
    const kept = await store.importBytes(pattern(2_000_000, 1))
    expect(await codeOf(store.importBytes(pattern(20_000_000, 2)))).toBe('BLOB_STORE_DISK_FULL')
    const ballast = join(small, 'ballast')
    await writeFile(ballast, new Uint8Array(8_000_000)).catch(() => {})
    const data = pattern(6_000_000, 3)
    const partial = await store.resume(hashed(data))
    expect(await codeOf(deliver(partial.sink(), data, hashed(data), ALL).then(() => partial.flush()))).toBe(
      'BLOB_STORE_DISK_FULL',
    )
    await rm(ballast)
    await deliver(partial.sink(), data, hashed(data), subtract(ALL, partial.state().ranges))
    await partial.complete()
    await partial.close()
    expect(equalBytes(await collectBytes(blobBytes(store, hashed(data))), data)).toBe(true)
    expect(await store.verify(kept.hash)).toEqual({ kind: 'complete', size: 2_000_000 })
    await store.close()
  })
})
