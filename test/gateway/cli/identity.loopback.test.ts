import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { encodeIdentityEnc, identityOfSeed } from '../../../src/core/index.ts'
import { runProgram } from '../../../src/gateway/cli/program.ts'
import type { Keyring } from '../../../src/gateway/config/keyring.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'k2gw-identity-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

interface Result {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function k2gw(argv: readonly string[], input?: string, data = 'data', keyring?: Keyring): Promise<Result> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const code = await runProgram(argv, {
    env: { K2_DATA_DIR: join(dir, data) },
    cwd: dir,
    out,
    err,
    ...(input !== undefined && { input: Readable.from([input]) }),
    ...(keyring !== undefined && { keyring }),
    signal: new AbortController().signal,
  })
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') }
}

const modeOf = async (...path: string[]): Promise<number> => (await stat(join(dir, ...path))).mode & 0o777

test('is created once, shown, and never overwritten', async () => {
  const { code, out } = await k2gw(['identity', 'create'])
  expect(code).toBe(0)
  const id = out.trim()
  expect(id).toMatch(/^[0-9a-f]{64}$/)
  expect(await modeOf('data')).toBe(0o700)
  expect(await modeOf('data', 'identity.json')).toBe(0o600)
  expect(await k2gw(['identity', 'create'])).toMatchObject({ code: 1, out: '' })
  expect((await k2gw(['identity', 'show'])).out.trim()).toBe(id)
  expect((await k2gw(['identity', 'show', '--qr'])).out).toContain('█')
  expect((await k2gw(['identity', 'show'], undefined, 'empty')).err).toContain('KEY_FILE_MISSING')
})

test('goes through a backup under a passphrase', async () => {
  const id = (await k2gw(['identity', 'create'])).out.trim()
  await writeFile(join(dir, 'pass'), 'a long passphrase\n', { mode: 0o600 })
  expect((await k2gw(['identity', 'backup', 'id.backup', '--passphrase-file', join(dir, 'pass')])).code).toBe(0)
  expect(await modeOf('id.backup')).toBe(0o600)
  expect(await k2gw(['identity', 'backup', 'id.backup'], 'a long passphrase\n')).toMatchObject({ code: 2 })
  expect(await k2gw(['identity', 'restore', 'id.backup'], 'another passphrase\n', 'second')).toMatchObject({ code: 1, out: '' })
  expect(await k2gw(['identity', 'restore', 'id.backup'], 'a long passphrase\n', 'second')).toMatchObject({
    code: 0,
    out: `${id}\n`,
  })
  expect(await k2gw(['identity', 'restore', 'id.backup'], 'a long passphrase\n', 'second')).toMatchObject({ code: 2 })
  await chmod(join(dir, 'pass'), 0o644)
  const open = await k2gw(['identity', 'backup', 'x', '--passphrase-file', join(dir, 'pass')])
  expect(open).toMatchObject({ code: 2 })
  expect(open.err).toContain('chmod 600')
})

test('comes from a K2 application and goes back to one byte for byte, with a warning', async () => {
  const k2 = identityOfSeed(new Uint8Array(32).fill(1))
  await writeFile(join(dir, 'identity.enc'), encodeIdentityEnc(k2))
  const imported = await k2gw(['identity', 'import', 'identity.enc'])
  expect(imported).toMatchObject({ code: 0, out: `${k2.id}\n` })
  expect(imported.err).toContain('not encrypted')
  expect(await k2gw(['identity', 'import', 'identity.enc'])).toMatchObject({ code: 2 })
  expect(await k2gw(['identity', 'export', 'out.enc'])).toMatchObject({ code: 2 })
  const exported = await k2gw(['identity', 'export', 'out.enc', '--yes'])
  expect(exported.err).toContain('not encrypted')
  expect(await readFile(join(dir, 'out.enc'))).toEqual(await readFile(join(dir, 'identity.enc')))
  expect(await modeOf('out.enc')).toBe(0o600)
  expect(await k2gw(['identity', 'export', 'out.enc', '--yes'])).toMatchObject({ code: 1 })
  await writeFile(join(dir, 'bad.enc'), new Uint8Array(48))
  expect((await k2gw(['identity', 'import', 'bad.enc'], undefined, 'third')).err).toContain('KEY_FILE_DAMAGED')
  expect(await readdir(join(dir, 'third'))).toEqual([])
})

test('is replaced only when asked for, keeps the old key, and says so with both signatures', async () => {
  const old = (await k2gw(['identity', 'create'])).out.trim()
  expect(await k2gw(['identity', 'rotate'])).toMatchObject({ code: 2 })
  const { out } = await k2gw(['--json', 'identity', 'rotate', '--yes'])
  const result = JSON.parse(out)
  expect(result).toMatchObject({ from: old })
  expect((await k2gw(['identity', 'show'])).out.trim()).toBe(result.to)
  expect(result.to).not.toBe(old)
  const checked = await k2gw(['identity', 'check-hand-over', result.handOver])
  expect(checked).toMatchObject({ code: 0 })
  expect(checked.out).toContain(`${result.to} replaces ${old}`)
  await writeFile(join(dir, 'forged'), (await readFile(result.handOver, 'utf8')).replace(old, result.to))
  expect((await k2gw(['identity', 'check-hand-over', 'forged'])).err).toContain('KEY_BAD_HAND_OVER')
  expect(await modeOf('data', 'identity.json')).toBe(0o600)
  expect(await readFile(result.kept, 'utf8')).toContain(old)
})

test('is sealed under a key in the keyring, is used through it by every command, and stays sealed over a rotation', async () => {
  const entries = new Map<string, string>()
  const ring: Keyring = {
    get: (name) => entries.get(name),
    set: (name, value) => void entries.set(name, value),
    remove: (name) => entries.delete(name),
  }
  const empty: Keyring = { get: () => undefined, set: () => {}, remove: () => false }
  const run = (argv: readonly string[], keyring = ring) => k2gw(argv, 'a long passphrase\n', 'data', keyring)
  const id = (await run(['identity', 'create'])).out.trim()
  const protect = await run(['identity', 'protect'])
  expect(protect).toMatchObject({ code: 0, out: expect.stringContaining(id), err: expect.stringContaining('identity backup') })
  expect(await readFile(join(dir, 'data', 'identity.json'), 'utf8')).not.toContain('secretKey')
  expect(await modeOf('data', 'identity.json')).toBe(0o600)
  for (const command of [
    ['identity', 'show'],
    ['node', 'id'],
  ]) {
    expect(await run(command)).toMatchObject({ code: 0, out: `${id}\n` })
    expect(await run(command, empty)).toMatchObject({ code: 3, out: '', err: expect.stringContaining('KEY_FILE_LOCKED') })
  }
  // What goes elsewhere does not need this machine's keyring.
  expect((await run(['identity', 'backup', 'id.backup'])).code).toBe(0)
  expect(await k2gw(['identity', 'restore', 'id.backup'], 'a long passphrase\n', 'second')).toMatchObject({ out: `${id}\n` })

  const rotated = await run(['identity', 'rotate', '--yes', '--json'])
  expect(rotated).toMatchObject({ code: 0 })
  const { to, kept } = JSON.parse(rotated.out) as { to: string; kept: string }
  for (const path of [join(dir, 'data', 'identity.json'), kept]) expect(await readFile(path, 'utf8')).not.toContain('secretKey')
  expect((await run(['identity', 'show'])).out.trim()).toBe(to)
  expect(await run(['identity', 'unprotect'])).toMatchObject({ code: 0 })
  expect((await run(['identity', 'show'], empty)).out.trim()).toBe(to)
})
