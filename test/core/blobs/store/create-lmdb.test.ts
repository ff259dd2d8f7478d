import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createLmdb } from '../../../../src/core/blobs/store/create-lmdb.ts'
import { FsMeta } from '../../../../src/core/blobs/store/fs-meta.ts'
import { parseHash } from '../../../../src/core/ids.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'k2gw-lmdb-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const HASH = parseHash('ab'.repeat(32))

/** Opens an index, notes one tag or looks for it, and closes it. */
async function visit(path: string, note: boolean): Promise<unknown> {
  const meta = await FsMeta.open(path)
  if (note) await meta.commit([{ kind: 'tag', name: 'kept', value: { hash: HASH, format: 'raw' } }])
  const found = meta.tag('kept')
  await meta.close()
  return found
}

it('an index is made once and then left alone', async () => {
  const path = join(dir, 'index')
  await visit(path, true)
  expect(await visit(path, false)).toEqual({ hash: HASH, format: 'raw' })
  expect(await readdir(dir)).toEqual(['index'])
})

it('what a crash left of the making is thrown away: half of it aside, or a folder without data', async () => {
  const path = join(dir, 'index')
  await mkdir(`${path}.new`)
  await writeFile(join(`${path}.new`, 'data.mdb'), new Uint8Array(5_000).fill(7))
  await mkdir(path)
  await writeFile(join(path, 'lock.mdb'), 'junk')
  expect(await visit(path, true)).toEqual({ hash: HASH, format: 'raw' })
  expect(await readdir(dir)).toEqual(['index'])
})

it('a making that fails leaves nothing in place, and the next one works', async () => {
  const path = join(dir, 'index')
  await expect(createLmdb(path, () => Promise.reject(new Error('no room')))).rejects.toThrow('no room')
  expect(await readdir(dir)).toEqual([])
  await createLmdb(path, async (made) => {
    await mkdir(made)
    await writeFile(join(made, 'data.mdb'), 'x')
  })
  expect(await readFile(join(path, 'data.mdb'), 'utf8')).toBe('x')
})
