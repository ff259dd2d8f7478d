import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { toHex } from '../../../src/base/bytes.ts'
import { cryptoRng } from '../../../src/base/random.ts'
import { type Identity, newIdentity } from '../../../src/core/keys/identity.ts'
import { createKeyFile, loadKeyFile, loadOrCreateKeyFile } from '../../../src/core/keys/key-file.ts'
import { isProtectedKeyFile, protectKeyFile, unprotectKeyFile } from '../../../src/core/keys/protect-key.ts'
import type { SecretVault } from '../../../src/core/keys/wrapped-key.ts'

class MemoryVault implements SecretVault {
  readonly entries = new Map<string, string>()
  get = (name: string) => this.entries.get(name)
  set = (name: string, value: string) => void this.entries.set(name, value)
  remove = (name: string) => this.entries.delete(name)
}

let folder: string
let path: string
let identity: Identity
let vault: MemoryVault
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k2-protect-'))
  path = join(folder, 'identity.json')
  identity = newIdentity(cryptoRng)
  vault = new MemoryVault()
  await createKeyFile(path, identity)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const failure = (code: string): unknown => expect.objectContaining({ code })

describe('a key file that the keyring opens', () => {
  test('holds the same key, not in the clear, for its owner alone; and comes back', async () => {
    expect(await isProtectedKeyFile(path)).toBe(false)
    await protectKeyFile(path, vault, cryptoRng)
    const text = await readFile(path, 'utf8')
    expect(text).not.toContain(toHex(identity.seed()))
    expect(text).toContain(identity.id)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await isProtectedKeyFile(path)).toBe(true)
    expect((await loadKeyFile(path, vault)).seed()).toEqual(identity.seed())
    expect(vault.entries.size).toBe(1)

    // Again: another nonce, the same entry.
    await protectKeyFile(path, vault, cryptoRng)
    expect(await readFile(path, 'utf8')).not.toBe(text)
    expect(vault.entries.size).toBe(1)

    await unprotectKeyFile(path, vault)
    expect((await loadKeyFile(path)).id).toBe(identity.id)
    expect(vault.entries.size).toBe(0)
    expect(await readdir(folder)).toEqual(['identity.json'])
  })

  test('opens with nothing else, and nothing is made in its place', async () => {
    await protectKeyFile(path, vault, cryptoRng)
    const before = await readFile(path)
    const other = new MemoryVault()
    for (const wrong of [undefined, other]) {
      await expect(loadKeyFile(path, wrong)).rejects.toThrow(failure('KEY_FILE_LOCKED'))
      await expect(loadOrCreateKeyFile(path, () => newIdentity(cryptoRng), wrong)).rejects.toThrow(failure('KEY_FILE_LOCKED'))
    }
    for (const name of vault.entries.keys()) other.set(name, toHex(cryptoRng.bytes(32)))
    await expect(loadKeyFile(path, other)).rejects.toThrow(failure('KEY_FILE_DAMAGED'))
    expect(await readFile(path)).toEqual(before)
  })

  test('shows every change', async () => {
    await protectKeyFile(path, vault, cryptoRng)
    const fields = JSON.parse(await readFile(path, 'utf8'))
    const flip = (hex: string): string => (hex.startsWith('0') ? `1${hex.slice(1)}` : `0${hex.slice(1)}`)
    const stranger = newIdentity(cryptoRng).id
    for (const name of [...vault.entries.keys()])
      vault.set(`identity-${stranger.slice(0, 16)}`, vault.entries.get(name) as string)
    for (const change of [
      { sealed: flip(fields.sealed) },
      { sealed: fields.sealed.slice(2) },
      { nonce: flip(fields.nonce) },
      { publicKey: stranger },
      { publicKey: 7 },
    ]) {
      await writeFile(path, JSON.stringify({ ...fields, ...change }), { mode: 0o600 })
      await expect(loadKeyFile(path, vault)).rejects.toThrow(failure('KEY_FILE_DAMAGED'))
    }
  })

  test('is not made with a keyring that forgets or refuses: the file stays as it is', async () => {
    const before = await readFile(path)
    const forgetful: SecretVault = { get: () => undefined, set: () => {}, remove: () => false }
    await expect(protectKeyFile(path, forgetful, cryptoRng)).rejects.toThrow(failure('KEY_VAULT_FORGETS'))
    const refusing: SecretVault = {
      ...forgetful,
      get: () => {
        throw new Error('locked')
      },
    }
    await expect(protectKeyFile(path, refusing, cryptoRng)).rejects.toThrow('locked')
    // The entry vanishes between its making and the check of the file.
    let reads = 0
    const fading: SecretVault = {
      ...vault,
      set: vault.set,
      remove: vault.remove,
      get: (name) => (++reads > 2 ? undefined : vault.get(name)),
    }
    await expect(protectKeyFile(path, fading, cryptoRng)).rejects.toThrow(failure('KEY_FILE_LOCKED'))
    expect(await readFile(path)).toEqual(before)
    expect(await readdir(folder)).toEqual(['identity.json'])
  })
})
