import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { K2Error } from '../../../src/base/errors.ts'
import { runProgram } from '../../../src/gateway/cli/program.ts'
import type { Keyring } from '../../../src/gateway/config/keyring.ts'
import { resolveReference } from '../../../src/gateway/config/secrets.ts'

const CANARY = 'token-canary-0123456789'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'k2gw-keyring-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const keyring = (entries: Record<string, string>): Keyring => ({
  get: (name) => entries[name],
  set: () => {},
  remove: () => false,
})
const none: Keyring = {
  ...keyring({}),
  get: () => {
    throw new K2Error({ code: 'KEYRING_UNAVAILABLE', kind: 'config', message: 'there is no keyring here' })
  },
}
const resolve = (text: string, ring: Keyring) => resolveReference(text, { env: {}, baseDir: dir, keyring: ring })

test('a token comes from the keyring', () => {
  expect(resolve('${keyring:telegram}', keyring({ telegram: CANARY }))).toEqual({ value: CANARY })
})

test('a missing entry says how to make it', () => {
  expect(resolve('${keyring:telegram}', keyring({}))).toEqual({ problem: expect.stringContaining('k2gw secret set telegram') })
  expect(resolve('${keyring:../x}', keyring({}))).toEqual({ problem: expect.stringContaining('letters') })
})

test('a machine without a keyring uses a file beside the configuration, or says that there is none', async () => {
  expect(resolve('${keyring:telegram}', none)).toEqual({ problem: 'there is no keyring here' })
  const { mkdir } = await import('node:fs/promises')
  await mkdir(join(dir, 'secrets'))
  await writeFile(join(dir, 'secrets', 'telegram'), `${CANARY}\n`, { mode: 0o600 })
  expect(resolve('${keyring:telegram}', none)).toEqual({ value: CANARY })
})

test('the command keeps a value where the configuration finds it, and never prints it', async () => {
  const yaml = join(dir, 'k2gw.yaml')
  await writeFile(yaml, JSON.stringify({ dataDir: join(dir, 'data'), http: { adminToken: '${keyring:test-admin}' } }))
  const k2gw = async (argv: readonly string[], input = ''): Promise<{ code: number; told: string }> => {
    const [out, err] = [new PassThrough(), new PassThrough()]
    const code = await runProgram(['--config', yaml, ...argv], {
      env: {},
      cwd: dir,
      out,
      err,
      input: Readable.from([input]),
      signal: new AbortController().signal,
    })
    return { code, told: `${out.read() ?? ''}${err.read() ?? ''}` }
  }
  expect((await k2gw(['check-config'])).code).not.toBe(0)
  const set = await k2gw(['secret', 'set', 'test-admin'], `${CANARY}\n`)
  expect(set.code).toBe(0)
  const checked = await k2gw(['check-config'])
  expect(checked.code).toBe(0)
  for (const { told } of [set, checked]) expect(told).not.toContain(CANARY)
  const file = join(dir, 'secrets', 'test-admin')
  const info = await stat(file).catch(() => undefined)
  if (info !== undefined) {
    expect(info.mode & 0o777).toBe(0o600)
    expect(await readFile(file, 'utf8')).toContain(CANARY)
  }
  expect((await k2gw(['secret', 'rm', 'test-admin'])).code).toBe(0)
  expect((await k2gw(['check-config'])).code).not.toBe(0)
})
