import type { NativePart } from '../../bridges/port.ts'
import type { CopyRow } from '../db/sql/step.ts'
import { refKey, refScope } from './scope.ts'

/**
 * What one attempt created so far. Each native message is on disk before the next one is sent; only the first of a message
 * that cannot be split waits for the outcome, which follows at once and is written anyway.
 */
export class PartLog {
  readonly #known: Set<string>
  readonly #parts: NativePart[]
  readonly #expectSingle: boolean
  readonly #persist: (all: readonly NativePart[], fresh: readonly NativePart[]) => Promise<void>
  #unsaved: NativePart[] = []

  constructor(options: {
    readonly existing: readonly NativePart[]
    readonly expectSingle: boolean
    readonly persist: (all: readonly NativePart[], fresh: readonly NativePart[]) => Promise<void>
  }) {
    this.#parts = [...options.existing]
    this.#known = new Set(options.existing.map((p) => refKey(p.ref)))
    this.#expectSingle = options.expectSingle
    this.#persist = options.persist
  }

  readonly onPart = async (part: NativePart): Promise<void> => {
    if (!this.#note(part)) return
    if (this.#expectSingle && this.#parts.length === 1) return
    const unsaved = this.#unsaved
    this.#unsaved = []
    await this.#persist(this.all(), unsaved)
  }

  /** All parts, together with those an outcome names. */
  all(more: readonly NativePart[] = []): readonly NativePart[] {
    for (const part of more) this.#note(part)
    return this.#parts.toSorted((a, b) => a.part - b.part)
  }

  #note(part: NativePart): boolean {
    const key = refKey(part.ref)
    if (this.#known.has(key)) return false
    this.#known.add(key)
    this.#parts.push(part)
    this.#unsaved.push(part)
    return true
  }
}

export function copyRow(part: NativePart, cid: string, lane: string): CopyRow {
  const { ref } = part
  return {
    network: ref.network,
    scope: refScope(ref),
    channel: ref.channel,
    native_id: ref.id,
    account: ref.account,
    thread: ref.thread ?? null,
    cid,
    part: part.part,
    role: 'text',
    lane,
    files: part.shows ?? null,
  }
}
