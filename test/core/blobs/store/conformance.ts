import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { equalBytes } from '../../../../src/base/bytes.ts'
import { below, seededRng } from '../../../../src/base/random.ts'
import { blobBytes, readBlob } from '../../../../src/core/blobs/blob-bytes.ts'
import { encodeHashSeq } from '../../../../src/core/blobs/proto/collection.ts'
import type { BlobStore } from '../../../../src/core/blobs/store.ts'
import { blake3 } from '../../../../src/core/blobs/tree/blake3.ts'
import { ALL, subtract } from '../../../../src/core/blobs/tree/ranges.ts'
import { type Hash, hashOf } from '../../../../src/core/ids.ts'
import { codeOf, pattern } from '../../net/support.ts'
import { collect, collectBytes, deliver, EMPTY } from './support.ts'

export interface StoreUnderTest {
  /** A store over the same data as before, if it has any that lasts. */
  open(options?: { readonly maxBytes?: number }): BlobStore
  readonly references: boolean
}

const SIZES = [0, 1, 1023, 1024, 1025, 16_383, 16_384, 16_385, 32_768, 50_000, 262_145, 1_200_000]
const hashed = (data: Uint8Array): Hash => hashOf(blake3(data))

/** What every store must do. `make` is called before each test. */
export function blobStoreConformance(name: string, make: () => StoreUnderTest): void {
  describe(`a blob store: ${name}`, () => {
    let under: StoreUnderTest
    let store: BlobStore
    let dir: string
    const also: BlobStore[] = []
    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), 'k2gw-blob-'))
      under = make()
      store = under.open()
    })
    afterEach(async () => {
      await Promise.all([store, ...also.splice(0)].map((s) => s.close()))
      await rm(dir, { recursive: true, force: true })
    })
    const bytes = (hash: Hash, start?: number, end?: number): Promise<Uint8Array> =>
      collectBytes(blobBytes(store, hash, { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) }))
    const file = async (data: Uint8Array, name = 'a.bin'): Promise<string> => {
      const path = join(dir, name)
      await writeFile(path, data)
      return path
    }

    describe('imports', () => {
      it.each(SIZES)('%i bytes come back, whole and in part', async (size) => {
        const data = pattern(size)
        const imported = await store.importBytes(data)
        expect(imported).toMatchObject({ hash: hashed(data), size })
        expect(await store.status(imported.hash)).toEqual({ kind: 'complete', size })
        expect(equalBytes(await bytes(imported.hash), data)).toBe(true)
        expect(equalBytes(await bytes(imported.hash, 1000, 20_000), data.subarray(1000, 20_000))).toBe(true)
        expect(await bytes(imported.hash, size, size + 10)).toHaveLength(0)
      })

      it('streams in pieces of any length', async () => {
        const data = pattern(700_000)
        const parts = async function* () {
          for (let at = 0, n = 1; at < data.length; at += n, n = (n * 3) % 70_001) yield data.subarray(at, at + n)
        }
        const progress: number[] = []
        const { hash } = await store.importStream(parts(), { onProgress: (done) => progress.push(done) })
        expect(hash).toBe(hashed(data))
        expect(progress.at(-1)).toBe(data.length)
        expect(equalBytes(await bytes(hash), data)).toBe(true)
      })

      it.each(['copy', 'reference'] as const)('files by %s', async (mode) => {
        const data = pattern(300_000)
        const path = await file(data)
        const { hash } = await store.importFile(path, { mode, tag: 'file' })
        expect(equalBytes(await bytes(hash), data)).toBe(true)
        const [listed] = await collect(store.list())
        expect(listed).toMatchObject({ hash, size: 300_000 })
        if (mode === 'copy' || !under.references) {
          await rm(path)
          expect(equalBytes(await bytes(hash), data)).toBe(true)
        } else {
          expect(listed).toMatchObject({ reference: path, stored: 0 })
          expect((await store.usage()).bytes).toBe(0)
        }
      })

      it('refuses what is no readable file', async () => {
        expect(await codeOf(store.importFile(dir))).toBe('BLOB_BAD_FILE')
        expect(await codeOf(store.importFile(join(dir, 'nothing')))).toBe('BLOB_BAD_FILE')
        expect(await codeOf(store.importFile('/dev/null'))).toBe('BLOB_BAD_FILE')
      })

      it('stops when told, and a stream that fails leaves nothing', async () => {
        const stop = new AbortController()
        const work = store.importBytes(pattern(2_000_000), { signal: stop.signal, onProgress: () => stop.abort() })
        expect(await codeOf(work)).toBe('ABORTED')
        const broken = async function* () {
          yield pattern(100_000)
          throw new Error('the source broke')
        }
        await expect(store.importStream(broken())).rejects.toThrow()
        expect(await store.usage()).toEqual({ bytes: 0, blobs: 0 })
        expect(await collect(store.listTags())).toEqual([])
      })

      it('the same content twice is stored once, with both tags', async () => {
        const data = pattern(100_000)
        const [a, b] = await Promise.all([store.importBytes(data, { tag: 'a' }), store.importBytes(data, { tag: 'b' })])
        expect(a.hash).toBe(b.hash)
        expect(await store.usage()).toEqual({ bytes: 100_000, blobs: 1 })
        expect((await collect(store.listTags())).map((t) => t.name)).toEqual(['a', 'b'])
        expect(equalBytes(await bytes(a.hash), data)).toBe(true)
      })

      it('names tags by itself without repeating one', async () => {
        const made = await Promise.all([1, 2, 3].map((i) => store.importBytes(pattern(10, i))))
        const names = made.map((m) => m.tag ?? '')
        expect(new Set(names).size).toBe(3)
        expect(names.every((n) => /^auto-\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z(-\d+)?$/.test(n))).toBe(true)
      })
    })

    describe('partial blobs', () => {
      it.each(SIZES)('%i bytes delivered become complete', async (size) => {
        const data = pattern(size)
        const hash = hashed(data)
        const partial = await store.resume(hash)
        await deliver(partial.sink(), data, hash, ALL)
        expect(await partial.complete()).toBe(size)
        expect(partial.state()).toMatchObject({ complete: true, size, bytes: size, ranges: ALL })
        await partial.close()
        expect(await store.status(hash)).toEqual({ kind: 'complete', size })
        expect(equalBytes(await bytes(hash), data)).toBe(true)
      })

      it('what came is known, readable and resumed; the rest is missing', async () => {
        const data = pattern(500_000)
        const hash = hashed(data)
        const first = await store.resume(hash)
        await deliver(first.sink(), data, hash, [32n, 64n])
        expect(first.state()).toMatchObject({ ranges: [32n, 64n], sizeVerified: false, bytes: 32_768, complete: false })
        expect(await codeOf(first.complete())).toBe('BLOB_INCOMPLETE')
        expect(await store.status(hash)).toEqual({ kind: 'partial', size: 500_000, ranges: [32n, 64n] })
        expect(equalBytes(await bytes(hash, 32_768, 65_536), data.subarray(32_768, 65_536))).toBe(true)
        expect(await codeOf(bytes(hash, 0, 10))).toBe('BLOB_MISSING')
        expect(await codeOf(readBlob(store, hash, 1e9))).toBe('BLOB_MISSING')
        await first.close()
        expect(equalBytes(await bytes(hash, 32_768, 65_536), data.subarray(32_768, 65_536))).toBe(true)

        const second = await store.resume(hash)
        await deliver(second.sink(), data, hash, subtract(ALL, second.state().ranges))
        expect(second.state()).toMatchObject({ sizeVerified: true, complete: true })
        expect(await second.complete()).toBe(500_000)
        await second.close()
        expect(equalBytes(await bytes(hash), data)).toBe(true)
      })

      it('several sinks at once complete one blob', async () => {
        const data = pattern(1_200_000)
        const hash = hashed(data)
        const handles = await Promise.all([store.resume(hash), store.resume(hash), store.resume(hash)])
        const shares = [[0n, 384n], [384n, 768n], [768n]]
        await Promise.all(handles.map((h, i) => deliver(h.sink(), data, hash, shares[i] ?? [])))
        expect(await handles[0]?.complete()).toBe(1_200_000)
        await Promise.all(handles.map((h) => h.close()))
        expect(equalBytes(await bytes(hash), data)).toBe(true)
        expect((await store.usage()).bytes).toBe(1_200_000)
      })

      it('parts of groups are not kept', async () => {
        const data = pattern(100_000)
        const hash = hashed(data)
        const partial = await store.resume(hash)
        await deliver(partial.sink(), data, hash, [3n, 20n])
        expect(partial.state().ranges).toEqual([])
        await deliver(partial.sink(), data, hash, [0n, 16n])
        expect(partial.state().ranges).toEqual([0n, 16n])
        await partial.close()
        expect(equalBytes(await bytes(hash, 0, 16_384), data.subarray(0, 16_384))).toBe(true)
      })

      it('a wrong claim about the size spoils nothing', async () => {
        const data = pattern(100_000)
        const hash = hashed(data)
        const partial = await store.resume(hash)
        await deliver(partial.sink(), data, hash, [0n, 32n])
        const liar = partial.sink()
        await liar.size(5_000_000)
        // Pairs that look right under the claimed shape but lie elsewhere in the true tree; no leaf follows.
        for (let i = 0; i < 6; i++) await liar.pair(i, new Uint8Array(64).fill(i))
        await partial.flush()
        await deliver(partial.sink(), data, hash, [32n])
        expect(await partial.complete()).toBe(100_000)
        expect(await codeOf(partial.sink().size(99_999))).toBe('BLOB_MISMATCH')
        await partial.close()
        expect(equalBytes(await bytes(hash), data)).toBe(true)
      })

      it('an import completes what is being fetched', async () => {
        const data = pattern(400_000)
        const hash = hashed(data)
        const partial = await store.resume(hash)
        await deliver(partial.sink(), data, hash, [0n, 64n])
        await store.importBytes(data)
        expect(partial.state()).toMatchObject({ complete: true, size: 400_000 })
        expect(await partial.complete()).toBe(400_000)
        await partial.close()
        expect(equalBytes(await bytes(hash), data)).toBe(true)
        expect((await store.usage()).bytes).toBe(400_000)
      })

      it('watchers hear of progress until they stop listening', async () => {
        const data = pattern(200_000)
        const hash = hashed(data)
        let heard = 0
        const stop = store.watch(hash, () => heard++)
        const partial = await store.resume(hash)
        await deliver(partial.sink(), data, hash, [0n, 16n])
        const then = heard
        expect(then).toBeGreaterThan(0)
        stop()
        await deliver(partial.sink(), data, hash, [16n])
        await partial.close()
        expect(heard).toBe(then)
      })

      it('the empty blob is always there', async () => {
        expect(await store.status(EMPTY)).toEqual({ kind: 'complete', size: 0 })
        expect((await store.resume(EMPTY)).state().complete).toBe(true)
        expect(await readBlob(store, EMPTY, 10)).toHaveLength(0)
      })
    })

    describe('tags and garbage', () => {
      const seq = async (children: readonly Uint8Array[], tag?: string): Promise<{ root: Hash; children: Hash[] }> => {
        const protection = store.protect()
        const made: Hash[] = []
        for (const c of children) made.push((await store.importBytes(c, { protection })).hash)
        const options = tag === undefined ? { protection } : { tag, format: 'hash-seq' as const }
        const { hash } = await store.importBytes(encodeHashSeq(made), options)
        protection.release()
        return { root: hash, children: made }
      }

      it('keeps what is tagged, with the children of hash sequences, and removes the rest', async () => {
        const kept = await store.importBytes(pattern(20_000, 1), { tag: 'x' })
        const protection = store.protect()
        const loose = await store.importBytes(pattern(20_000, 2), { protection })
        const { root, children } = await seq([pattern(30_000, 3), pattern(5, 4)], 'seq')
        expect(await store.hashSeq(root)).toEqual(children)
        expect(await store.gc()).toEqual({ kept: 5, removed: 0, freedBytes: 0 })
        protection.release()
        expect(await store.gc()).toEqual({ kept: 4, removed: 1, freedBytes: 20_000 })
        expect(await store.status(loose.hash)).toEqual({ kind: 'absent' })
        await store.deleteTag('seq')
        expect(
          await store.gc({
            keep: async function* () {
              yield { hash: children[0] as Hash, format: 'raw' as const }
            },
          }),
        ).toMatchObject({ kept: 2, removed: 2 })
        expect(await store.deleteTag('x')).toBe(true)
        expect(await store.deleteTag('x')).toBe(false)
        await store.gc()
        expect(await store.status(kept.hash)).toEqual({ kind: 'absent' })
        expect(await store.usage()).toEqual({ bytes: 0, blobs: 0 })
      })

      it('what is imported, tagged or fetched while it runs stays', async () => {
        for (let i = 0; i < 40; i++) await store.importBytes(pattern(17_000 + i), { protection: store.protect() })
        const protection = store.protect()
        const late = await store.importBytes(pattern(40_000, 9), { protection })
        const run = store.gc()
        protection.release()
        await store.setTag({ name: 'late', hash: late.hash, format: 'raw' })
        const fresh = await Promise.all([1, 2, 3].map((i) => store.importBytes(pattern(30_000, 50 + i))))
        const hash = hashed(pattern(90_000, 77))
        const partial = await store.resume(hash)
        await deliver(partial.sink(), pattern(90_000, 77), hash, [0n, 16n])
        await run
        await partial.flush()
        for (const { hash } of [late, ...fresh]) expect(await store.status(hash)).toMatchObject({ kind: 'complete' })
        expect(await store.status(hash)).toMatchObject({ kind: 'partial' })
        await partial.close()
        await store.gc()
        expect(await store.status(hash)).toEqual({ kind: 'absent' })
      })

      it('deleting removes all tags of a blob, and its content unless something keeps it', async () => {
        const { root, children } = await seq([pattern(30_000, 3), pattern(40_000, 4)], 'seq')
        const child = children[0] as Hash
        await store.setTag({ name: 'also', hash: child, format: 'raw' })
        expect(await store.delete(child)).toBe(false)
        expect(await store.getTag('also')).toBeUndefined()
        expect(await store.status(child)).toMatchObject({ kind: 'complete' })
        expect(await store.delete(root)).toBe(true)
        expect(await store.delete(child)).toBe(true)
        expect(await store.status(child)).toEqual({ kind: 'absent' })
      })

      it('an open blob stays readable after it was removed', async () => {
        const data = pattern(100_000)
        const { hash } = await store.importBytes(data)
        const open = await store.open(hash)
        await store.delete(hash)
        expect(equalBytes((await open?.read(0, 16_384)) ?? EMPTY_BYTES, data.subarray(0, 16_384))).toBe(true)
        await open?.close()
        await open?.close()
      })

      it('lists tags by prefix in the order of their bytes', async () => {
        const names = ['b', 'a/2', 'a/10', 'é', 'a', '𝄞', '\u{ffee}']
        for (const name of names) await store.setTag({ name, hash: EMPTY, format: 'raw' })
        const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        expect((await collect(store.listTags())).map((t) => t.name)).toEqual(sorted)
        expect((await collect(store.listTags('a/'))).map((t) => t.name)).toEqual(['a/10', 'a/2'])
        expect(await store.getTag('é')).toEqual({ name: 'é', hash: EMPTY, format: 'raw' })
        expect(await codeOf(store.setTag({ name: '', hash: EMPTY, format: 'raw' }))).toBe('BLOB_BAD_TAG')
        expect(await codeOf(store.setTag({ name: 'x'.repeat(501), hash: EMPTY, format: 'raw' }))).toBe('BLOB_BAD_TAG')
      })

      it('a hash sequence that is none is said to be none', async () => {
        const { hash } = await store.importBytes(pattern(33))
        expect(await codeOf(store.hashSeq(hash))).toBe('BLOB_BAD_COLLECTION')
        expect(await codeOf(store.hashSeq(hashed(pattern(64))))).toBe('BLOB_MISSING')
      })
    })

    describe('limits', () => {
      it('the whole store: refused before anything is written, room comes back', async () => {
        const small = under.open({ maxBytes: 100_000 })
        also.push(small)
        await store.close()
        const a = await small.importBytes(pattern(60_000, 1))
        expect(await codeOf(small.importBytes(pattern(50_000, 2)))).toBe('BLOB_STORE_FULL')
        const two = await Promise.all([3, 4].map((i) => codeOf(small.importBytes(pattern(30_000, i)))))
        expect(two.sort()).toEqual(['BLOB_STORE_FULL', 'resolved'])
        const data = pattern(50_000, 5)
        const partial = await small.resume(hashed(data))
        expect(await codeOf(deliver(partial.sink(), data, hashed(data), ALL))).toBe('BLOB_STORE_FULL')
        await partial.close()
        await small.delete(a.hash)
        expect(await codeOf(small.importBytes(pattern(50_000, 2)))).toBe('resolved')
        await (await small.resume(a.hash)).close()
      })

      it('one owner: all blobs under a prefix together', async () => {
        const quota = { prefix: 'u/1/', maxBytes: 100_000 }
        await store.importBytes(pattern(60_000, 1), { tag: 'u/1/a', quota })
        expect(await codeOf(store.importBytes(pattern(50_000, 2), { tag: 'u/1/b', quota }))).toBe('BLOB_STORE_QUOTA')
        expect(await store.usage('u/1/')).toEqual({ bytes: 60_000, blobs: 1 })
        await store.importBytes(pattern(50_000, 2), { tag: 'u/2/b', quota: { prefix: 'u/2/', maxBytes: 100_000 } })
        const data = pattern(50_000, 5)
        const partial = await store.resume(hashed(data), { quota })
        expect(await codeOf(deliver(partial.sink(), data, hashed(data), ALL))).toBe('BLOB_STORE_QUOTA')
        const path = await file(pattern(60_000, 6))
        expect(await codeOf(store.importFile(path, { mode: 'reference', tag: 'u/1/f', quota }))).toBe('BLOB_STORE_QUOTA')
        // What fits was kept.
        expect(partial.state().bytes).toBe(32_768)
        await partial.close()
      })
    })

    describe('exports', () => {
      it.each([0, 100, 16_384, 700_001])('%i bytes by copy, in one step', async (size) => {
        const data = pattern(size)
        const { hash } = await store.importBytes(data)
        const path = join(dir, 'out.bin')
        let last = 0
        await store.export(hash, path, { onProgress: (done) => (last = done) })
        expect(equalBytes(await readFile(path), data)).toBe(true)
        expect(last).toBe(size)
        expect(await readdir(dir)).toEqual(['out.bin'])
      })

      it('does not replace a file unless told to', async () => {
        const { hash } = await store.importBytes(pattern(50_000))
        const path = await file(new Uint8Array(3), 'out.bin')
        for (const mode of ['copy', 'reference'] as const) {
          expect(await codeOf(store.export(hash, path, { mode }))).toBe('BLOB_EXPORT_EXISTS')
        }
        expect((await stat(path)).size).toBe(3)
        expect(await readdir(dir)).toEqual(['out.bin'])
        await store.export(hash, path, { overwrite: true })
        expect((await stat(path)).size).toBe(50_000)
        await store.export(hash, path, { overwrite: true, mode: 'reference' })
        expect(equalBytes(await bytes(hash), pattern(50_000))).toBe(true)
      })

      it('an incomplete blob is not exported', async () => {
        const data = pattern(50_000)
        const partial = await store.resume(hashed(data))
        await deliver(partial.sink(), data, hashed(data), [0n, 16n])
        expect(await codeOf(store.export(hashed(data), join(dir, 'x')))).toBe('BLOB_MISSING')
        await partial.close()
        expect(await readdir(dir)).toEqual([])
      })
    })

    it('many things at once with the same few blobs leave a store that is right', async () => {
      const rng = seededRng(Number(process.env.K2_SEED ?? 11))
      const pick = (n: number): number => below(rng, n)
      const blobs = [5, 16_385, 40_000, 100_000, 250_000].map((size, i) => pattern(size, i + 1))
      const list = encodeHashSeq(blobs.slice(0, 3).map(hashed))
      blobs.push(list)
      const work = async (name: string): Promise<void> => {
        for (let i = 0; i < 25; i++) {
          const data = blobs[pick(blobs.length)] as Uint8Array
          const hash = hashed(data)
          const tag = `${name}/${pick(3)}`
          switch (pick(8)) {
            case 0:
              await store.importBytes(data, { tag, format: data === list ? 'hash-seq' : 'raw' })
              break
            case 1: {
              const partial = await store.resume(hash)
              const at = BigInt(pick(4) * 16)
              await deliver(partial.sink(), data, hash, subtract([at, at + 64n], partial.state().ranges))
              await partial.close()
              break
            }
            case 2: {
              const partial = await store.resume(hash)
              await deliver(partial.sink(), data, hash, subtract(ALL, partial.state().ranges))
              expect(await partial.complete()).toBe(data.length)
              await partial.close()
              break
            }
            case 3:
              await store.delete(hash)
              break
            case 4:
              await store.gc()
              break
            case 5:
              await store.verify(hash)
              break
            case 6:
              await store.deleteTag(tag)
              break
            default: {
              const code = await codeOf(readBlob(store, hash, 1e9).then((got) => expect(equalBytes(got, data)).toBe(true)))
              expect(['resolved', 'BLOB_MISSING']).toContain(code)
            }
          }
        }
      }
      await Promise.all(['a', 'b', 'c', 'd', 'e', 'f'].map(work))
      for await (const { hash, kind, size } of store.list()) {
        const status = await store.status(hash)
        expect(await store.verify(hash)).toEqual(status)
        expect(status).toMatchObject({ kind, size })
      }
      const listed = await collect(store.list())
      expect(await store.usage()).toEqual({ bytes: listed.reduce((sum, b) => sum + b.stored, 0), blobs: listed.length })
      for (const data of blobs) expect((await store.importBytes(data)).hash).toBe(hashed(data))
      for (const data of blobs) expect(equalBytes(await readBlob(store, hashed(data), 1e9), data)).toBe(true)
    })

    it('reads go on while others write, and the event loop is free', async () => {
      const data = pattern(8_000_000)
      await store.importBytes(pattern(20_000))
      let turns = 0
      const timer = setInterval(() => turns++, 1)
      const { hash } = await store.importBytes(data)
      await store.verify(hash)
      clearInterval(timer)
      // About 16 ms of hashing per import and verification each, in slices.
      expect(turns).toBeGreaterThan(3)
    })

    it('closing ends an import whose source is silent', async () => {
      const silent = async function* (): AsyncGenerator<Uint8Array> {
        yield pattern(20_000)
        await new Promise(() => {})
      }
      let started = (): void => {}
      const begun = new Promise<void>((go) => {
        started = go
      })
      const end = codeOf(store.importStream(silent(), { onProgress: () => started() }))
      await begun
      await store.close()
      expect(await end).toBe('ABORTED')
    })

    it('a closed store says so', async () => {
      const { hash } = await store.importBytes(pattern(5))
      await store.close()
      await store.close()
      expect(await codeOf(store.status(hash))).toBe('BLOB_STORE_CLOSED')
      expect(await codeOf(store.importBytes(pattern(5)))).toBe('BLOB_STORE_CLOSED')
      expect(await codeOf(collect(store.list()))).toBe('BLOB_STORE_CLOSED')
    })
  })
}

const EMPTY_BYTES = new Uint8Array(0)
