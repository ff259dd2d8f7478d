import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { MediaStore } from '../../../src/gateway/media/store.ts'
import { type MediaRig, type MediaRigOptions, mediaRig, PNG } from '../../support/media.ts'

let rig: MediaRig
afterEach(() => rig.stop())
const start = async (options: MediaRigOptions = {}): Promise<void> => {
  rig = await mediaRig(options)
}
const never = new AbortController().signal

async function contentOf(
  file: { stream(range?: { start: number; end: number }): AsyncIterable<Uint8Array> },
  range?: { start: number; end: number },
) {
  const chunks: Uint8Array[] = []
  for await (const chunk of file.stream(range)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

test('a file is downloaded once, however many ask, and its type comes from its content', async () => {
  await start()
  const a = rig.file('lies.txt', PNG, { mime: 'text/plain' })
  const files = await Promise.all([rig.library.fetch(a, never), rig.library.fetch(a, never), rig.library.fetch(a, never)])
  expect(rig.opened.get(a.id)).toBe(1)
  expect(files.map((f) => [f.size, f.mime, f.extension])).toEqual(Array(3).fill([PNG.length, 'image/png', 'png']))
  expect(await contentOf(files[0] as (typeof files)[number])).toEqual(PNG)
  expect(await contentOf(files[0] as (typeof files)[number], { start: 1, end: 3 })).toEqual(Buffer.from('PNG'))
  const again = await rig.library.fetch(a, never)
  expect(rig.opened.get(a.id)).toBe(1)
  for (const file of [...files, again]) file.release()
})

test('equal content of different messages is one file', async () => {
  await start()
  const one = await rig.library.fetch(rig.file('a', Buffer.from('same')), never)
  const two = await rig.library.fetch(rig.file('b', Buffer.from('same')), never)
  expect(two.sha256).toBe(one.sha256)
  expect(rig.library.stats()).toMatchObject({ files: 1, bytes: 4, downloads: 2 })
})

test('sizes are limited, whatever was announced', async () => {
  await start({ maxBytes: 1000 })
  await expect(rig.library.fetch(rig.file('a', 1001), never)).rejects.toMatchObject({ code: 'MEDIA_TOO_LARGE' })
  const silent = rig.file('b', 1001)
  const { size: _size, ...unannounced } = silent
  await expect(rig.library.fetch(unannounced, never)).rejects.toMatchObject({ code: 'MEDIA_TOO_LARGE' })
  const short = rig.file('c', 900)
  rig.breakFile(short.id, 'short')
  await expect(rig.library.fetch(short, never)).rejects.toMatchObject({ code: 'MEDIA_UNAVAILABLE' })
  expect(rig.opened.get(short.id)).toBe(3)
  rig.heal(short.id)
  ;(await rig.library.fetch(short, never)).release()
  expect(await readdir(join(rig.dir, 'partial'))).toEqual([])
})

test('a caller that gives up does not end the download of the others', async () => {
  await start()
  const file = rig.file('a', 200_000)
  const gone = new AbortController()
  const first = rig.library.fetch(file, gone.signal)
  const second = rig.library.fetch(file, never)
  gone.abort()
  await expect(first).rejects.toMatchObject({ code: 'ABORTED' })
  expect((await second).size).toBe(200_000)
})

test('the least recently used files make room, held ones stay', async () => {
  await start({ budget: 2500 })
  const [a, b, c, d] = [rig.file('a', 1000), rig.file('b', 1000), rig.file('c', 1000), rig.file('d', 1000)]
  const held = await rig.library.fetch(a, never)
  ;(await rig.library.fetch(b, never)).release()
  ;(await rig.library.fetch(c, never)).release()
  expect(rig.library.stats()).toMatchObject({ files: 2, bytes: 2000 })
  expect(await contentOf(held)).toHaveLength(1000)
  const other = await rig.library.fetch(d, never)
  await expect(rig.library.fetch(b, never)).rejects.toMatchObject({ code: 'MEDIA_FULL' })
  held.release()
  other.release()
  ;(await rig.library.fetch(b, never)).release()
})

test('a restart finds what was complete and removes what was not', async () => {
  await start()
  const file = await rig.library.fetch(rig.file('a', 1000), never)
  await mkdir(join(rig.dir, 'partial'), { recursive: true })
  await writeFile(join(rig.dir, 'partial', 'half'), 'half')
  const store = await MediaStore.open({ dir: rig.dir, budget: 10_000, keepMs: 1000, clock: systemClock })
  expect(await readdir(join(rig.dir, 'partial'))).toEqual([])
  expect(store.usage).toEqual({ bytes: 1000, files: 1 })
  expect((await store.acquire(file.sha256))?.size).toBe(1000)
  expect(await store.acquire('0'.repeat(64))).toBeUndefined()
})

test('originals outlive the cache until they are old', async () => {
  await start({ budget: 2000 })
  const stream = async function* () {
    yield Buffer.alloc(1500, 'upload')
  }
  const kept = await rig.store.write(stream(), { maxBytes: 5000, keep: true })
  kept.release()
  await expect(rig.library.fetch(rig.file('a', 1000), never)).rejects.toMatchObject({ code: 'MEDIA_FULL' })
  expect(await rig.store.acquire(kept.sha256)).toBeDefined()
})
