import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { fetchProcess } from '../../../../bench/blobs-fetch-process.ts'
import { decodeBlobTicket } from '../../../../src/core/blobs/index.ts'
import { toPeerAddr } from '../../../../src/core/index.ts'
import { startProvider } from '../../../support/blob-provider.ts'

const MIB = 1 << 20
/** What threads and endpoints take is there by then; `npm run bench -- --only blobs.fetch` fetches a gibibyte and has the same bar. */
const SIZE = 48 * MIB
const MOST_MIB = 64

it('a process that never fetched takes at most 64 MiB more for 48 MiB', { timeout: 180_000 }, async () => {
  await using provider = await startProvider({ maxBytes: SIZE })
  const { addr, hash } = decodeBlobTicket(provider.add(randomBytes(SIZE)))
  const { idle, peak } = await fetchProcess(toPeerAddr(addr)).watched(1, { hash, bytes: SIZE })
  expect(peak.rss).toBeGreaterThan(idle.rss)
  expect(peak.rss - idle.rss).toBeLessThan(MOST_MIB)
})
