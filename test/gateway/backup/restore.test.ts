import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { create } from 'tar'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { cryptoRng } from '../../../src/base/random.ts'
import { createKeyFile, type Identity, newIdentity } from '../../../src/core/index.ts'
import { packBackup, readBackup } from '../../../src/gateway/backup/archive.ts'
import type { Manifest } from '../../../src/gateway/backup/manifest.ts'
import { restoreBackup } from '../../../src/gateway/backup/restore.ts'
import { lockPart } from '../../../src/gateway/groundwork.ts'

/** The least that is allowed: one try costs 16 MiB. */
const COST = 2 ** 14

let dir: string
let identity: Identity
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'k2gw-restore-'))
  identity = newIdentity(cryptoRng)
  await createKeyFile(join(dir, 'staged', 'identity.json'), identity)
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const signal = new AbortController().signal
const file = (): string => join(dir, 'all.backup')

async function pack(change: Partial<Manifest> = {}, passphrase?: string): Promise<void> {
  const manifest: Manifest = {
    version: 1,
    createdAt: 1,
    program: '0.1.0',
    instance: 'test',
    node: identity.id,
    database: 'postgres',
    schema: [],
    parts: { 'identity.json': 200 },
    references: 0,
    ...change,
  }
  const folder = join(dir, 'staged')
  await packBackup({ folder, manifest, file: file(), passphrase, cost: COST, rng: cryptoRng, onBytes: () => {}, signal })
}

const restore = (target = 'data', passphrase = ''): Promise<Manifest> =>
  restoreBackup(join(dir, target), { file: file(), passphrase: async () => passphrase, onBytes: () => {}, signal })

/** What is in the data directory besides the marks of locks. */
const left = async (target = 'data'): Promise<string[]> =>
  (await readdir(join(dir, target))).filter((name) => !name.startsWith('gateway.lock'))

describe('a backup', () => {
  test('comes back, sealed and plain', async () => {
    await pack({}, 'a long passphrase')
    expect(await restore('data', 'a long passphrase')).toMatchObject({ node: identity.id })
    expect(await left()).toEqual(['identity.json'])
    const same = await Promise.all(['staged', 'data'].map((name) => readFile(join(dir, name, 'identity.json'), 'utf8')))
    expect(same[0]).toBe(same[1])
    await rm(file())
    await pack()
    await restore('plain')
    expect(await left('plain')).toEqual(['identity.json'])
  })

  test('is never written over a file, and not under a weak passphrase', async () => {
    await expect(pack({}, 'short')).rejects.toMatchObject({ code: 'BACKUP_PASSPHRASE' })
    await writeFile(file(), 'mine')
    await expect(pack()).rejects.toMatchObject({ code: 'BACKUP_FAILED' })
    expect(await readFile(file(), 'utf8')).toBe('mine')
    expect((await readdir(dir)).filter((name) => name.includes('partial'))).toEqual([])
  })

  test.each(['folders/../../outside', 'authorized_keys', 'identity.json.next'])(
    'that brings along %s is refused',
    async (name) => {
      const tar = join(dir, 'evil')
      await createKeyFile(join(tar, 'identity.json'), identity)
      await writeFile(join(tar, 'evil.txt'), 'x')
      const stream = create(
        {
          cwd: tar,
          gzip: true,
          portable: true,
          onWriteEntry: (entry) => entry.path === 'evil.txt' && Object.assign(entry, { path: name }),
        },
        ['identity.json', 'evil.txt'],
      ) as unknown as AsyncIterable<Uint8Array>
      const parts: Uint8Array[] = []
      for await (const part of stream) parts.push(part)
      const { frames } = await import('../../../src/gateway/backup/frames.ts')
      await pack()
      const header = (await readFile(file())).subarray(0, (await readFile(file())).indexOf(10) + 1)
      // The same manifest as before, in front of another tar.
      const manifest = await readBackup({ file: file(), passphrase: async () => '', onBytes: () => {}, signal }, async () => {})
      const text = Buffer.from(JSON.stringify(manifest))
      const length = Buffer.alloc(4)
      length.writeUInt32BE(text.length)
      const content = async function* (): AsyncGenerator<Uint8Array> {
        yield* [length, text, ...parts]
      }
      const out: Uint8Array[] = [header]
      for await (const frame of frames(content(), header, undefined)) out.push(frame)
      await writeFile(file(), Buffer.concat(out))
      await expect(restore()).rejects.toMatchObject({
        code: 'BACKUP_DAMAGED',
        message: expect.stringMatching(/does not belong there|contains '\.\.'/),
      })
      expect(await left()).toEqual([])
      expect(await readdir(dir)).not.toContain('outside')
    },
  )

  test('whose key is of another node is refused', async () => {
    await pack({ node: newIdentity(cryptoRng).id })
    await expect(restore()).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' })
    expect(await left()).toEqual([])
  })

  test('of no backup at all is refused', async () => {
    for (const text of ['', 'hello\n', '{"format":"other"}\n', '{}\n', '[1]\n', 'null\n']) {
      await writeFile(file(), text)
      await expect(restore(), text).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' })
    }
  })

  test('that was put in place by half keeps the gateway from starting', async () => {
    await pack()
    await restore()
    const { mkdir } = await import('node:fs/promises')
    await mkdir(join(dir, 'data', 'restore.partial'))
    await expect(lockPart(join(dir, 'data'), systemClock)).rejects.toMatchObject({ code: 'BACKUP_UNFINISHED' })
    await rm(join(dir, 'data', 'restore.partial'), { recursive: true })
    await (await lockPart(join(dir, 'data'), systemClock)).stop?.()
  })
})
