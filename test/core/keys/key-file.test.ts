import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cryptoRng } from '../../../src/base/random.ts'
import { identityOfSeed, newIdentity } from '../../../src/core/keys/identity.ts'
import { createKeyFile, loadKeyFile, loadOrCreateKeyFile } from '../../../src/core/keys/key-file.ts'

let directory: string
let path: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'k2-keys-'))
  path = join(directory, 'node', 'identity.json')
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const create = (): ReturnType<typeof newIdentity> => newIdentity(cryptoRng)
const failure = (code: string): unknown => expect.objectContaining({ code })

test('creates the file once, for the owner alone, and loads it again', async () => {
  const first = await loadOrCreateKeyFile(path, create)
  expect(first.created).toBe(true)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect((await stat(join(directory, 'node'))).mode & 0o777).toBe(0o700)
  const second = await loadOrCreateKeyFile(path, create)
  expect(second).toMatchObject({ created: false, identity: { id: first.identity.id } })
  expect(await readdir(join(directory, 'node'))).toEqual(['identity.json'])
})

test('never overwrites an existing file', async () => {
  await createKeyFile(path, create())
  const before = await readFile(path)
  await expect(createKeyFile(path, create())).rejects.toThrow(failure('KEY_FILE_EXISTS'))
  expect(await readFile(path)).toEqual(before)
  expect(await readdir(join(directory, 'node'))).toEqual(['identity.json'])
})

test('ten racing starts agree on one identity', async () => {
  const all = await Promise.all(Array.from({ length: 10 }, () => loadOrCreateKeyFile(path, create)))
  expect(new Set(all.map((one) => one.identity.id)).size).toBe(1)
  expect(all.filter((one) => one.created)).toHaveLength(1)
})

test('a missing file is told apart from a broken one', async () => {
  await expect(loadKeyFile(path)).rejects.toThrow(failure('KEY_FILE_MISSING'))
})

test.each([
  ['empty', ''],
  ['cut', '{"version":1,"kdf":"none","publi'],
  ['no object', 'null'],
  ['another version', JSON.stringify({ version: 2, kdf: 'none', publicKey: '', secretKey: '' })],
  ['encrypted', JSON.stringify({ version: 1, kdf: 'scrypt', publicKey: '', secretKey: '' })],
  ['short key', JSON.stringify({ version: 1, kdf: 'none', publicKey: '', secretKey: 'ab' })],
  [
    'foreign public key',
    JSON.stringify({ version: 1, kdf: 'none', publicKey: identityOfSeed(new Uint8Array(32)).id, secretKey: '01'.repeat(32) }),
  ],
])('a damaged file (%s) stops the start and stays as it is', async (_, text) => {
  await createKeyFile(path, create())
  await writeFile(path, text)
  await expect(loadOrCreateKeyFile(path, create)).rejects.toThrow(failure('KEY_FILE_DAMAGED'))
  expect(await readFile(path, 'utf8')).toBe(text)
})

test('errors never quote the file', async () => {
  await createKeyFile(path, create())
  await writeFile(path, `{"secretKey":"${'ab'.repeat(32)}",`)
  const error = await loadKeyFile(path).catch((e: unknown) => e)
  expect(JSON.stringify([String(error), (error as { cause?: unknown }).cause, error])).not.toContain('abab')
})

test.skipIf(process.platform === 'win32')('refuses a file others can read and says how to cure it', async () => {
  await createKeyFile(path, create())
  await chmod(path, 0o644)
  await expect(loadKeyFile(path)).rejects.toThrow(
    expect.objectContaining({ code: 'KEY_FILE_PERMISSIONS', message: expect.stringContaining('chmod 600') }),
  )
})

test('a directory that cannot be written is named', async () => {
  await writeFile(join(directory, 'node'), 'a file where the directory should be')
  await expect(createKeyFile(path, create())).rejects.toThrow(failure('KEY_FILE_UNWRITABLE'))
  await expect(loadKeyFile(path)).rejects.toThrow(failure('KEY_FILE_UNREADABLE'))
})
