import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeCollectionNames, encodeHashSeq, MemoryBlobStore } from '../../../src/core/blobs/index.ts'
import { DEFAULT_PROVIDER_LIMITS } from '../../../src/core/blobs/provider-limits.ts'
import { identityOfSeed } from '../../../src/core/index.ts'
import { makeCollection, readCollection } from '../../../src/gateway/blobs/collections.ts'
import { humanSize } from '../../../src/gateway/blobs/errors.ts'
import { checkSize, checkType, policyFor, providerLimits } from '../../../src/gateway/blobs/policy.ts'
import { qrPng, qrSvg, qrTerminal } from '../../../src/gateway/blobs/qr.ts'
import { scanFile } from '../../../src/gateway/blobs/scanner.ts'
import { maskShare, nameFor, printShare, readShare } from '../../../src/gateway/blobs/share-text.ts'
import { freePath, namesFor, saveStream } from '../../../src/gateway/cli/save-file.ts'
import { blobsSchema } from '../../../src/gateway/config/blobs.ts'

const id = identityOfSeed(new Uint8Array(32).fill(3)).id
const hash = 'ab'.repeat(32) as Parameters<typeof nameFor>[1] & never
const ticket = { addr: { id, relays: [], direct: ['127.0.0.1:1234'] }, format: 'raw' as const, hash }

describe('share texts (k2-application 5.5)', () => {
  it('come back as they went, with a name every reader splits alike', () => {
    const text = printShare('a|b/../c\u202e.txt', ticket)
    expect(text.split('|')).toHaveLength(2)
    expect(readShare(` ${text}\n`)).toEqual({ name: 'c_.txt', ticket })
    expect(readShare(text.slice(text.lastIndexOf('|') + 1))).toEqual({ name: undefined, ticket })
  })

  it('hostile names become harmless ones', () => {
    const bare = printShare('x', ticket).slice(2)
    for (const name of ['../../etc/passwd', 'C:\\x\\evil.exe', '..', '', '\u0000', 'con.txt', '....//', 'a'.repeat(4000)]) {
      const read = readShare(`${name}|${bare}`).name as string
      expect(read).not.toMatch(/[\\/\u0000|]/)
      expect(['', '.', '..']).not.toContain(read)
      expect(Buffer.byteLength(read)).toBeLessThanOrEqual(200)
    }
    expect(nameFor(undefined, hash)).toBe('ababababab.bin')
  })

  it('refuse everything else with one code, and are masked in logs', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          readShare(text)
          return false
        } catch (error) {
          return (error as { code: string }).code === 'BLOB_BAD_TICKET'
        }
      }),
    )
    expect(() => readShare(`x|blob${'a'.repeat(30_000)}`)).toThrow(expect.objectContaining({ code: 'BLOB_BAD_TICKET' }))
    expect(maskShare(printShare('secret name', ticket))).toMatch(/^blob[a-z2-7]{8}…$/)
  })
})

describe('collections', () => {
  it('are made of files and read back with safe, distinct names', async () => {
    const store = new MemoryBlobStore(1_000_000)
    const [a, b] = [store.add(Buffer.from('one')), store.add(Buffer.from('two two'))]
    const root = await makeCollection(
      store,
      [
        { name: 'x.txt', hash: a },
        { name: 'X.txt', hash: b },
      ],
      'c',
    )
    expect(await store.getTag('c')).toMatchObject({ hash: root, format: 'hash-seq' })
    expect(await readCollection(store, root)).toEqual([
      { name: 'x.txt', hash: a, size: 3 },
      { name: 'X (2).txt', hash: b, size: 7 },
    ])
    await expect(makeCollection(store, [], 'd')).rejects.toMatchObject({ code: 'BLOB_BAD_COLLECTION' })
    await store.close()
  })

  it('of strangers cannot name places elsewhere, and broken ones are refused', async () => {
    const store = new MemoryBlobStore(1_000_000)
    const file = store.add(Buffer.from('evil'))
    const meta = store.add(encodeCollectionNames(['/etc/cron.d/x', '..\\..\\x']))
    const root = store.add(encodeHashSeq([meta, file, file]))
    expect((await readCollection(store, root)).map((f) => f.name)).toEqual(['x', 'x (2)'])
    const short = store.add(encodeHashSeq([meta, file]))
    await expect(readCollection(store, short)).rejects.toMatchObject({ code: 'BLOB_BAD_COLLECTION' })
    await store.close()
  })
})

describe('policies', () => {
  const config = blobsSchema.parse({ maxSize: '10MiB', blockedTypes: ['application/x-msdownload'] })
  const place = { network: 'telegram' as const, account: 'main', channel: '-1' }
  const route = (files: object) =>
    ({
      id: 'r',
      members: [{ place, direction: 'both', identity: 'bot' }],
      bots: 'none',
      maxAge: 1,
      p2pEdits: 'resend',
      allowChain: false,
      files: { share: 'none', ...files },
    }) as const

  it('the strictest of all routes of a place holds', () => {
    const policy = policyFor(
      place,
      [route({ maxSize: 500, types: ['image/*'] }), route({ types: ['image/png', 'text/plain'] })],
      config,
    )
    expect(policy).toEqual({ maxBytes: 500, types: ['image/png'], blockedTypes: ['application/x-msdownload'] })
    expect(policyFor({ ...place, channel: '-2' }, [route({ maxSize: 500 })], config).maxBytes).toBe(10 * 1024 * 1024)
  })

  it('what other peers may take is what the configuration says', () => {
    const config = blobsSchema.parse({ provider: { requestsPerSecond: 10, requestsAtOnce: 2, bytesPerSecond: '1MiB' } })
    expect(providerLimits(config)).toEqual({
      ratePerPeer: 10,
      burstPerPeer: 40,
      perPeer: 2,
      total: 128,
      bytesPerSecond: 1024 ** 2,
      totalBytesPerSecond: 0,
      junkPerSecond: DEFAULT_PROVIDER_LIMITS.junkPerSecond,
      junkBurst: DEFAULT_PROVIDER_LIMITS.junkBurst,
      junkPerSecondOfAddress: DEFAULT_PROVIDER_LIMITS.junkPerSecondOfAddress,
      junkBurstOfAddress: DEFAULT_PROVIDER_LIMITS.junkBurstOfAddress,
      banMs: DEFAULT_PROVIDER_LIMITS.banMs,
    })
    const strict = { perSecond: 0.5, burst: 3, perSecondOfAddress: 7, burstOfAddress: 70, ban: '10m' }
    expect(providerLimits(blobsSchema.parse({ provider: { junk: strict } }))).toMatchObject({
      junkPerSecond: 0.5,
      junkBurst: 3,
      junkPerSecondOfAddress: 7,
      junkBurstOfAddress: 70,
      banMs: 600_000,
    })
    expect(() => blobsSchema.parse({ provider: { requestsPerSecond: 0 } })).toThrow()
    expect(() => blobsSchema.parse({ provider: { junk: { perSecondOfAddress: 0 } } })).toThrow()
  })

  it('sizes and types are refused with their codes', () => {
    expect(() => checkSize({ maxBytes: 5 }, 6)).toThrow(expect.objectContaining({ code: 'BLOB_TOO_LARGE' }))
    checkSize({ maxBytes: 5 }, 5)
    const policy = { maxBytes: 1, types: ['image/*', 'text/plain'], blockedTypes: ['image/tiff'] }
    for (const refused of ['image/tiff', 'video/mp4', 'imagex/png'])
      expect(() => checkType(policy, refused)).toThrow(expect.objectContaining({ code: 'BLOB_TYPE_REFUSED' }))
    for (const fine of ['image/png', 'text/plain']) checkType(policy, fine)
  })
})

describe('the scanner hook', () => {
  const run = (script: string, timeout = 5_000) =>
    scanFile({ command: [process.execPath, '-e', script, '{file}'], timeout }, '/tmp/it is $(here)', new AbortController().signal)

  it('decides by its exit code and sees the path as one argument', async () => {
    await run('process.exit(process.argv[1] === "/tmp/it is $(here)" ? 0 : 3)')
    await expect(run('process.exit(1)')).rejects.toMatchObject({ code: 'BLOB_SCAN_REFUSED', retry: 'never' })
    await expect(run('process.exit(2)')).rejects.toMatchObject({ code: 'BLOB_SCAN_FAILED', retry: 'later' })
  })

  it('that hangs or is missing lets nothing pass', async () => {
    await expect(run('setInterval(() => {}, 1000)', 300)).rejects.toMatchObject({ code: 'BLOB_SCAN_FAILED' })
    const missing = scanFile({ command: ['/no/such/program'], timeout: 1000 }, '/x', new AbortController().signal)
    await expect(missing).rejects.toMatchObject({ code: 'BLOB_SCAN_FAILED' })
  })
})

describe('QR codes', () => {
  it('are PNG, SVG or characters, and refuse what no code can hold', async () => {
    const text = printShare('photo.jpg', ticket)
    expect(Buffer.from(await qrPng(text)).subarray(0, 8)).toEqual(Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]))
    expect(await qrSvg(text)).toContain('<svg')
    const rows = (await qrTerminal('k2')).split('\n')
    expect(new Set(rows.map((row) => row.length)).size).toBe(1)
    await expect(qrPng('x'.repeat(2954))).rejects.toMatchObject({ code: 'BLOB_QR_SIZE' })
    await expect(qrPng('')).rejects.toMatchObject({ code: 'BLOB_QR_SIZE' })
    await qrPng('x'.repeat(2953))
  })
})

describe('saving what was fetched', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'k2gw-save-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('never overwrites, and leaves nothing of what broke off', async () => {
    await writeFile(join(folder, 'a.txt'), 'mine')
    const path = await freePath(folder, '../a.txt')
    expect(path).toBe(join(folder, 'a (2).txt'))
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x')
      throw new Error('lost')
    }
    await expect(saveStream(path, broken(), () => {})).rejects.toThrow('lost')
    expect(await readdir(folder)).toEqual(['a.txt'])
    expect([...namesFor('x')].slice(0, 2)).toEqual(['x', 'x (2)'])
  })

  it('sizes are told as people read them', () => {
    expect([0, 1023, 1024, 1536, 200 * 1024 * 1024].map(humanSize)).toEqual(['0 B', '1023 B', '1.0 KiB', '1.5 KiB', '200 MiB'])
  })
})
