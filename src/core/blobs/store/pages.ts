import { PAIR_BYTES } from '../tree/blake3.ts'
import { groupsOf } from '../tree/outboard.ts'
import { type BlobMeta, type Change, type ContentId, PAGE_BYTES, PAGE_PAIRS } from './backend.ts'

/** Pages that the outboard of a blob of `size` bytes fills. */
export function pagesOf(size: number): number {
  return Math.ceil((groupsOf(size) - 1) / PAGE_PAIRS)
}

/** Pages `from` to `to` (exclusive) of a finished outboard. */
export function pageChanges(content: ContentId, outboard: Uint8Array, from: number, to: number): Change[] {
  const out: Change[] = []
  for (let page = from; page < to; page++) {
    out.push({ kind: 'page', content, page, bytes: outboard.slice(page * PAGE_BYTES, (page + 1) * PAGE_BYTES) })
  }
  return out
}

/** The pages that change when these pairs are added to what is stored. */
export function mergedPages(meta: BlobMeta, content: ContentId, pairs: ReadonlyMap<number, Uint8Array>): Change[] {
  const pages = new Map<number, Uint8Array>()
  for (const [index, pair] of pairs) {
    const page = Math.floor(index / PAGE_PAIRS)
    let bytes = pages.get(page)
    if (bytes === undefined) {
      bytes = new Uint8Array(PAGE_BYTES)
      bytes.set(meta.page(content, page) ?? [])
      pages.set(page, bytes)
    }
    bytes.set(pair, (index % PAGE_PAIRS) * PAIR_BYTES)
  }
  return Array.from(pages, ([page, bytes]) => ({ kind: 'page', content, page, bytes }))
}

/** Reads pairs one by one; the page last used is kept. Undefined when the pair is not there: two hashes are never all zeros. */
export function pairReader(meta: BlobMeta, content: ContentId): (index: number) => Uint8Array | undefined {
  let at = -1
  let bytes: Uint8Array | undefined
  return (index) => {
    const page = Math.floor(index / PAGE_PAIRS)
    if (page !== at || bytes === undefined) {
      bytes = meta.page(content, page)
      at = page
    }
    const start = (index % PAGE_PAIRS) * PAIR_BYTES
    const pair = bytes?.subarray(start, start + PAIR_BYTES)
    return pair?.length === PAIR_BYTES && pair.some((byte) => byte !== 0) ? pair : undefined
  }
}
