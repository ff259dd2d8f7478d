import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runProgram } from '../../src/gateway/cli/program.ts'
import { startProvider, type TestProvider } from '../support/blob-provider.ts'
import { GatewayProcess } from '../support/gateway-process.ts'

class Text extends Writable {
  text = ''
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

describe('k2gw blob, with and without a running gateway', () => {
  let folder: string
  let gateway: GatewayProcess
  let provider: TestProvider

  const k2gw = async (config: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> => {
    const [out, err] = [new Text(), new Text()]
    const context = { env: {}, cwd: folder, out, err, signal: AbortSignal.timeout(120_000) }
    const code = await runProgram(['--config', join(folder, `${config}.yaml`), ...args], context)
    return { code, out: out.text.trim(), err: err.text }
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'k2gw-cli-'))
    provider = await startProvider({ maxBytes: 10_000_000 })
    const config = { node: { mode: 'loopback', topics: ['Goods'] }, market: { enabled: false }, web: { enabled: false } }
    gateway = await GatewayProcess.prepare(folder, 'near', config)
    await GatewayProcess.prepare(folder, 'alone', config)
    await gateway.start()
  }, 240_000)

  afterAll(async () => {
    await gateway?.kill()
    await provider?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('shares files, one as a file and several as a collection, for a node that runs alone', async () => {
    const big = randomBytes(700_000)
    await writeFile(join(folder, 'big file.bin'), big)
    await writeFile(join(folder, 'note.txt'), 'hello')
    const one = await k2gw('near', 'blob', 'share', 'big file.bin')
    expect(one).toMatchObject({ code: 0, out: expect.stringMatching(/^big file\.bin\|blob[a-z2-7]+$/) })
    const both = await k2gw('near', '--json', 'blob', 'share', 'big file.bin', 'note.txt', '--name', 'two')
    const shared = JSON.parse(both.out.split('\n').at(-1) as string)
    expect(shared).toMatchObject({ event: 'shared', name: 'two', size: 700_005 })

    const got = await k2gw('alone', 'blob', 'get', one.out, '-o', 'got')
    expect(got).toMatchObject({ code: 0, out: join(folder, 'got', 'big file.bin') })
    expect(await readFile(got.out)).toEqual(big)
    const all = await k2gw('alone', 'blob', 'get', shared.share, '-o', 'got')
    expect(all.code, all.err).toBe(0)
    expect((await readdir(join(folder, 'got'))).sort()).toEqual(['big file (2).bin', 'big file.bin', 'note.txt'])
  }, 240_000)

  it('fetches through the running gateway with progress in JSON, lists, forgets and collects', async () => {
    const data = randomBytes(300_000)
    await mkdir(join(folder, 'out'))
    const got = await k2gw('near', '--json', 'blob', 'get', `../x.bin|${provider.add(data)}`, '-o', 'out')
    const lines = got.out.split('\n').map((line) => JSON.parse(line) as { event: string; path: string; done: number })
    expect(lines.at(-1)).toEqual({ event: 'saved', path: join(folder, 'out', 'x.bin') })
    expect(lines.some((line) => line.event === 'progress' && line.done === data.length)).toBe(true)
    expect(await readFile(join(folder, 'out', 'x.bin'))).toEqual(data)

    const listed = (await k2gw('near', '--json', 'blob', 'list')).out.split('\n').map((line) => JSON.parse(line))
    const file = listed.find((f) => f.name === 'x.bin')
    expect(file).toMatchObject({ size: data.length, origin: 'fetch' })
    expect((await k2gw('near', 'blob', 'rm', file.id)).out).toBe(`removed ${file.id}`)
    expect(await k2gw('near', 'blob', 'rm', file.id)).toMatchObject({ code: 1, err: expect.stringContaining('BLOB_UNKNOWN') })
    expect((await k2gw('near', 'blob', 'gc')).out).toMatch(/blobs removed/)
  }, 240_000)

  it('says what is wrong', async () => {
    expect(await k2gw('near', 'blob', 'share', 'nothing.txt')).toMatchObject({ code: 2, err: expect.stringContaining('ENOENT') })
    expect(await k2gw('near', 'blob', 'get', 'photo.jpg|blobxyz')).toMatchObject({
      code: 1,
      err: expect.stringContaining('BLOB_BAD_TICKET'),
    })
    expect(await k2gw('alone', 'worker')).toMatchObject({ code: 3, err: expect.stringContaining('embedded database') })
    expect(await k2gw('alone', 'worker', '--queues', 'deliver')).toMatchObject({ code: 2 })
    const png = await k2gw('alone', 'qr', 'hello', '-o', 'code.png')
    expect(png.code).toBe(0)
    expect((await readFile(join(folder, 'code.png'))).subarray(1, 4).toString()).toBe('PNG')
  }, 240_000)
})
