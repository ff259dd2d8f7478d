import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { Watched } from '../../../../bench/blobs-fetch-process.ts'
import { ServeProcess } from '../../../../bench/blobs-serve-process.ts'
import { getRanges } from '../../../../src/core/blobs/getter.ts'
import { BLOBS_ALPN } from '../../../../src/core/blobs/proto/requests.ts'
import { ALL } from '../../../../src/core/blobs/tree/ranges.ts'
import { type Hash, parseHash } from '../../../../src/core/ids.ts'
import type { PeerAddr } from '../../../../src/core/net/transport.ts'
import { bindLoopback, pattern } from '../../net/support.ts'

const MIB = 1 << 20
/** `npm run bench -- --only blobs.serve` serves a gibibyte and has the same bar. */
const SIZE = 12 * MIB
const DOWNLOADS = 2
const MOST_MIB = 64

async function download(from: PeerAddr, hash: Hash): Promise<number> {
  const transport = await bindLoopback([])
  try {
    const connection = await transport.connect(from, BLOBS_ALPN)
    const sink = { size: async () => {}, pair: async () => {}, leaf: async () => {} }
    return (await getRanges(connection, { hash, ranges: ALL, maxSize: SIZE, stallMs: 30_000 }, sink)).bytes
  } finally {
    await transport.close()
  }
}

it('a process takes at most 64 MiB more to import 12 MiB, and to serve them twice at once', {
  timeout: 180_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'k2gw-serve-'))
  const server = await ServeProcess.start()
  try {
    const path = join(folder, 'file')
    await writeFile(path, pattern(SIZE, 3))
    await server.call({ op: 'warm' })
    await server.call({ op: 'watch' })
    const hash = parseHash((await server.call<{ hash: string }>({ op: 'import', path })).hash)
    const imported = await server.call<Omit<Watched, 'took'>>({ op: 'unwatch' })
    await server.call({ op: 'watch' })
    const from = await server.call<PeerAddr>({ op: 'address' })
    const got = await Promise.all(Array.from({ length: DOWNLOADS }, () => download(from, hash)))
    const served = await server.call<Omit<Watched, 'took'>>({ op: 'unwatch' })
    expect(got).toEqual(Array(DOWNLOADS).fill(SIZE))
    for (const { idle, peak } of [imported, served]) {
      expect(peak.rss).toBeGreaterThan(idle.rss)
      expect(peak.rss - idle.rss).toBeLessThan(MOST_MIB)
    }
  } finally {
    await server.end()
    await rm(folder, { recursive: true, force: true })
  }
})
