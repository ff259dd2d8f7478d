import { WireReader } from '../../wire/reader.ts'
import { WireWriter } from '../../wire/writer.ts'
import { type AuthorId, authorIdOf, docIdBytes } from '../ids.ts'

/** Newest time of each author, µs (docs 8.6). */
export type AuthorHeads = ReadonlyMap<AuthorId, bigint>

/** Newest first; of authors with the same time only the one with the largest id; as many as fit `maxBytes`. */
export function encodeHeads(heads: AuthorHeads, maxBytes: number): Uint8Array {
  const byTime = new Map<bigint, AuthorId>()
  for (const [author, time] of heads) {
    const known = byTime.get(time)
    if (known === undefined || known < author) byTime.set(time, author)
  }
  const newestFirst = [...byTime].sort(([a], [b]) => (a < b ? 1 : -1))
  const items: Uint8Array[] = []
  let size = 0
  for (const [time, author] of newestFirst) {
    const item = new WireWriter().u64(time).fixed(docIdBytes(author)).finish()
    const count = items.length + 1
    if (size + item.length + varintBytes(count) > maxBytes) break
    items.push(item)
    size += item.length
  }
  const writer = new WireWriter()
  writer.seq(items, (item) => writer.fixed(item))
  return writer.finish()
}

/** Throws `WIRE_*`. */
export function decodeHeads(bytes: Uint8Array): Map<AuthorId, bigint> {
  const reader = new WireReader(bytes)
  const heads = new Map<AuthorId, bigint>()
  reader.seq(
    () => {
      const time = reader.u64()
      const author = authorIdOf(reader.fixed(32))
      const known = heads.get(author)
      if (known === undefined || known < time) heads.set(author, time)
    },
    { minItemBytes: 33 },
  )
  return heads
}

/** Of how many authors `reported` knows something newer than `ours`. */
export function newsIn(reported: AuthorHeads, ours: AuthorHeads): number {
  let news = 0
  for (const [author, time] of reported) {
    const known = ours.get(author)
    if (known === undefined || known < time) news++
  }
  return news
}

const varintBytes = (n: number): number => (n < 0x80 ? 1 : n < 0x4000 ? 2 : n < 0x20_0000 ? 3 : 5)
