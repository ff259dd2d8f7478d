import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runProgram } from '../../../src/gateway/cli/program.ts'
import { startTestGateway, type TestGateway } from './support.ts'

let t: TestGateway
let config: string
const folder = mkdtempSync(join(tmpdir(), 'k2gw-cli-'))
beforeAll(async () => {
  t = await startTestGateway()
  config = join(folder, 'k2gw.yaml')
  writeFileSync(config, JSON.stringify({ dataDir: t.dataDir, instance: 'test' }))
})
afterAll(() => t.stop())

async function k2gw(argv: readonly string[], input?: string): Promise<{ code: number; out: string; err: string }> {
  const [out, err] = [new PassThrough(), new PassThrough()]
  const code = await runProgram(['--config', config, ...argv], {
    env: {},
    cwd: folder,
    out,
    err,
    ...(input !== undefined && { input: Readable.from([input]) }),
    signal: new AbortController().signal,
  })
  return { code, out: String(out.read() ?? ''), err: String(err.read() ?? '') }
}

describe('commands of the running gateway on the command line', () => {
  it('are listed in the help beside the program’s own', async () => {
    const { out } = await k2gw(['topic', '--help'])
    expect(out).toMatch(/follow.*\n(.*\n)*.*join/)
    expect((await k2gw(['--help'])).out).toContain('contact')
  })

  it('run with words, options and JSON', async () => {
    expect(await k2gw(['topic', 'join', 'Digital', 'Assets'])).toMatchObject({ code: 0, out: 'Joined “Digital Assets”.\n' })
    const listed = await k2gw(['--json', 'topic', 'list'])
    expect(JSON.parse(listed.out)).toEqual([
      { name: 'Goods', neighbors: 0 },
      { name: 'Digital Assets', neighbors: 0 },
    ])
    expect((await k2gw(['--json', 'access', 'audit', '--limit', '1'])).out).toContain('"surface":"cli"')
  })

  it('ask before what cannot be undone', async () => {
    expect(await k2gw(['topic', 'leave', 'Digital Assets'])).toMatchObject({ code: 2 })
    expect(await k2gw(['topic', 'leave', 'Digital Assets'], 'no\n')).toMatchObject({ code: 1 })
    expect(await k2gw(['topic', 'leave', 'Digital Assets'], 'yes\n')).toMatchObject({ code: 0, out: 'Left “Digital Assets”.\n' })
    expect(await k2gw(['topic', 'leave', 'Goods', '--yes'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('TOPIC_IN_USE'),
    })
  })

  it('name what is wrong', async () => {
    expect(await k2gw(['contact', 'ping', 'nobody'])).toMatchObject({ code: 1, err: expect.stringContaining('CONTACT_UNKNOWN') })
    expect(await k2gw(['contact', 'ping'])).toMatchObject({ code: 2 })
    expect(await k2gw(['nonsense'])).toMatchObject({ code: 2 })
  })

  it('grant rights that the audit log shows', async () => {
    expect((await k2gw(['access', 'admin', 'discord:123456', '--yes'])).out).toBe('Granted to discord:123456.\n')
    expect(JSON.parse((await k2gw(['--json', 'access', 'list'])).out)).toMatchObject({
      grants: [{ account: 'discord:123456', role: 'admin' }],
    })
    expect((await k2gw(['access', 'admin', 'discord:123456', '--take', '--yes'])).code).toBe(0)
  })

  it('leave out what only people in chats can do, and list the rest', async () => {
    expect((await k2gw(['link'])).code).toBe(2)
    expect((await k2gw(['commands'])).out).toContain('First steps')
  })
})
