import type { RuleTrace } from './evaluate.ts'

export type TraceClass = 'fired' | 'near' | 'dull'

export interface StoredTrace {
  readonly message: string
  readonly at: number
  readonly trace: RuleTrace
}

const SIZES: Readonly<Record<TraceClass, number>> = { fired: 200, near: 50, dull: 20 }
const RETENTION_MS = 7 * 86_400_000

/** Latest traces per rule, in rings by interest, so that dull runs never push out firings and near misses. */
export class TraceRings {
  readonly #rings = new Map<string, StoredTrace[]>()

  add(message: string, at: number, trace: readonly RuleTrace[]): void {
    for (const entry of trace) {
      const kind = classOf(entry)
      const id = `${kind}\u0000${entry.id}`
      const ring = this.#rings.get(id) ?? []
      this.#rings.set(id, ring)
      ring.push({ message, at, trace: entry })
      if (ring.length > SIZES[kind]) ring.shift()
    }
  }

  /** Newest first. */
  of(rule: string, kind: TraceClass): StoredTrace[] {
    return [...(this.#rings.get(`${kind}\u0000${rule}`) ?? [])].reverse()
  }

  /** Traces go with their message. */
  forget(message: string): void {
    for (const [id, ring] of this.#rings) this.#keep(id, ring, (t) => t.message !== message)
  }

  sweep(now: number): void {
    for (const [id, ring] of this.#rings) this.#keep(id, ring, (t) => now - t.at < RETENTION_MS)
  }

  #keep(id: string, ring: readonly StoredTrace[], keep: (t: StoredTrace) => boolean): void {
    if (ring.every(keep)) return
    const left = ring.filter(keep)
    if (left.length === 0) this.#rings.delete(id)
    else this.#rings.set(id, left)
  }
}

export function classOf(trace: RuleTrace): TraceClass {
  if (trace.result === 'fired' || trace.result === 'dry_run') return 'fired'
  return trace.near === true || trace.result === 'cooldown' || trace.result === 'limit' ? 'near' : 'dull'
}
