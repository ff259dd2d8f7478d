import { blake3 } from '@noble/hashes/blake3.js'
import { compareBytes, equalBytes } from '../../../src/base/bytes.ts'
import {
  compareValues,
  EMPTY_HASH,
  fingerprintOf,
  ID_PREFIX_BYTES,
  isEmptyHash,
  type SignedEntry,
} from '../../../src/core/docs/proto/entry.ts'
import type { IdRange, MessagePart, SyncMessage } from '../../../src/core/docs/proto/message.ts'

/**
 * Upstream's replica as the specification describes it, deviations included (docs 5.5, U1 and U2), over a plain array: slow,
 * obvious, and written from the text alone.
 */
export class UpstreamReplica {
  #entries: SignedEntry[] = []

  get entries(): readonly SignedEntry[] {
    return this.#entries
  }

  put(entry: SignedEntry): boolean {
    const isPrefix = (a: SignedEntry, b: SignedEntry): boolean =>
      a.id.length <= b.id.length && equalBytes(a.id, b.id.subarray(0, a.id.length))
    // Deletions and the empty key are not seen when it looks for what is newer.
    const parents = this.#entries.filter((p) => isPrefix(p, entry) && !isEmptyHash(p.hash) && p.id.length > ID_PREFIX_BYTES)
    if (parents.some((p) => compareValues(entry, p) <= 0)) return false
    this.#entries = this.#entries.filter((d) => equalBytes(d.id, entry.id) || !isPrefix(entry, d) || compareValues(entry, d) < 0)
    this.#entries = [...this.#entries.filter((d) => !equalBytes(d.id, entry.id)), entry].sort((a, b) => compareBytes(a.id, b.id))
    return true
  }

  opening(): SyncMessage {
    const first = this.#entries[0]?.id ?? new Uint8Array(ID_PREFIX_BYTES)
    return [{ kind: 'fingerprint', range: { x: first, y: first }, fingerprint: fingerprint(this.#entries) }]
  }

  answer(message: SyncMessage): SyncMessage | undefined {
    const out: MessagePart[] = []
    for (const part of message) {
      if (part.kind !== 'items') continue
      const diff = part.haveLocal
        ? []
        : this.#in(part.range).filter(
            (o) => !part.values.some(({ entry }) => equalBytes(entry.id, o.id) && compareValues(entry, o) >= 0),
          )
      for (const { entry } of part.values) this.put(entry)
      if (diff.length > 0) out.push(items(part.range, diff, true))
    }
    for (const part of message) {
      if (part.kind !== 'fingerprint') continue
      const local = this.#in(part.range)
      if (equalBytes(fingerprint(local), part.fingerprint)) continue
      if (local.length <= 1 || equalBytes(part.fingerprint, EMPTY_HASH)) {
        out.push(items(part.range, local, false))
        continue
      }
      for (const range of this.#split(part.range, local)) {
        const own = this.#in(range)
        out.push(own.length > 1 ? { kind: 'fingerprint', range, fingerprint: fingerprint(own) } : items(range, own, false))
      }
    }
    return out.length > 0 ? out : undefined
  }

  #in({ x, y }: IdRange): SignedEntry[] {
    const order = compareBytes(x, y)
    const from = (e: SignedEntry): boolean => compareBytes(e.id, x) >= 0
    const below = (e: SignedEntry): boolean => compareBytes(e.id, y) < 0
    if (order === 0) return [...this.#entries]
    if (order < 0) return this.#entries.filter((e) => from(e) && below(e))
    return [...this.#entries.filter(below), ...this.#entries.filter((e) => from(e) && !below(e))]
  }

  #split({ x, y }: IdRange, local: readonly SignedEntry[]): IdRange[] {
    const n = local.length
    const found = local.findIndex((e) => compareBytes(e.id, x) >= 0)
    const s = found < 0 ? n : found
    const pivot = (i: number): Uint8Array => (local[(s + Math.floor((n * ((i % 2) + 1)) / 2)) % n] as SignedEntry).id
    const ranges =
      compareBytes(x, y) === 0
        ? [
            { x: pivot(0), y: pivot(1) },
            { x: pivot(1), y: pivot(0) },
          ]
        : [
            { x, y: pivot(0) },
            { x: pivot(0), y },
          ]
    return ranges.filter((r) => compareBytes(r.x, r.y) !== 0)
  }
}

const items = (range: IdRange, entries: readonly SignedEntry[], haveLocal: boolean): MessagePart => ({
  kind: 'items',
  range,
  values: entries.map((entry) => ({ entry, status: 'complete' })),
  haveLocal,
})

function fingerprint(entries: readonly SignedEntry[]): Uint8Array {
  const out = blake3(new Uint8Array(0))
  for (const entry of entries) {
    const fp = fingerprintOf(entry.id, entry)
    for (let i = 0; i < 32; i++) out[i] = (out[i] as number) ^ (fp[i] as number)
  }
  return out
}
