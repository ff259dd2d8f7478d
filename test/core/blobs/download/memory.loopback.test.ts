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
/** Of one transfer in a process that can fetch already (blobs.md 19). */
const MOST_OF_ONE_MIB = 8
/** Room for new objects, which the engine makes as large as it likes, is nothing a transfer holds. */
const SMALL_YOUNG = ['--max-semi-space-size=2']

it.each([
  ['one thread', 1],
  ['two threads', 2],
])('a process that never fetched takes at most 64 MiB more for 48 MiB with %s', { timeout: 180_000 }, async (_, threads) => {
  await using provider = await startProvider({ maxBytes: SIZE })
  const { addr, hash } = decodeBlobTicket(provider.add(randomBytes(SIZE)))
  const { idle, peak } = await fetchProcess(toPeerAddr(addr)).watched(threads, { hash, bytes: SIZE })
  expect(peak.rss).toBeGreaterThan(idle.rss)
  expect(peak.rss - idle.rss).toBeLessThan(MOST_MIB)
})

it.each([
  ['in the main thread', 0],
  ['in a fetch thread', 1],
])(
  'a transfer of 24 MiB %s takes less than 8 MiB in a process that has fetched before',
  { timeout: 180_000 },
  async (_, threads) => {
    const [first, second] = [randomBytes(24 * MIB), randomBytes(24 * MIB)]
    await using provider = await startProvider({ maxBytes: first.length + second.length })
    const { addr, hash } = decodeBlobTicket(provider.add(first))
    const source = { hash: decodeBlobTicket(provider.add(second)).hash, bytes: second.length }
    const options = { before: { hash, bytes: first.length }, flags: SMALL_YOUNG }
    const { idle, peak } = await fetchProcess(toPeerAddr(addr)).watched(threads, source, options)
    expect(peak.rss - idle.rss).toBeLessThan(MOST_OF_ONE_MIB)
  },
)
