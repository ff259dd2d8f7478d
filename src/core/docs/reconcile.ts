import { equalBytes } from '../../base/bytes.ts'
import { type EntryIndex, type Row, rangeFingerprint, sortText } from './entry-index.ts'
import type { AuthorId } from './ids.ts'
import { authorOf, compareValues, EMPTY_HASH, ID_PREFIX_BYTES, type SignedEntry } from './proto/entry.ts'
import type { ContentStatus, IdRange, MessagePart, SentValue, SyncMessage } from './proto/message.ts'
import { type Fault, isSigned, type Judge, type Replica } from './replica.ts'

/** Values handled between two pauses: two signatures each. */
const VALUES_PER_STEP = 16
/**
 * How often the rows of a document may be gone through for one message, and what is free for small ones. Ranges of an honest
 * message do not overlap, so that once is enough; overlapping ones would make a small message cost any amount of work.
 */
const MAX_PASSES = 3
const FREE_ROWS = 10_000

/** A part of an answer whose values still lack our content status. */
export type ReplyPart =
  | Extract<MessagePart, { kind: 'fingerprint' }>
  | { readonly kind: 'items'; readonly range: IdRange; readonly rows: readonly Row[]; readonly haveLocal: boolean }

export interface StepResult {
  /** Undefined: nothing is left to say, the session ends. */
  readonly reply: readonly ReplyPart[] | undefined
  readonly inserted: readonly { readonly entry: SignedEntry; readonly status: ContentStatus }[]
  /** Ids of entries that were replaced or pruned. */
  readonly removed: readonly Uint8Array[]
  readonly received: number
  readonly invalid: readonly Fault[]
  /** Newest time per author among the valid values received (docs 6.7). */
  readonly heads: ReadonlyMap<AuthorId, bigint>
  /** The message asked for the same entries again and again; it was answered in part. */
  readonly isExcessive: boolean
}

type Span = readonly [from: number, to: number]

/** First message of a session: the fingerprint of everything (docs 6.4). */
export function openingMessage({ index }: Replica): SyncMessage {
  const first = index.at(0)?.entry.id ?? new Uint8Array(ID_PREFIX_BYTES)
  return [{ kind: 'fingerprint', range: { x: first, y: first }, fingerprint: rangeFingerprint([[0, index.size]], index) }]
}

/**
 * Answers one message (docs 6.5, with the repair of 5.6) and stores what it brought. A generator that pauses every few values,
 * so that a message of 100,000 entries leaves others time; the replica may change during a pause.
 */
export function* answer(replica: Replica, message: SyncMessage, judge: Judge): Generator<void, StepResult> {
  const work = new Work(replica, judge)
  for (const part of message) if (part.kind === 'items') yield* work.items(part)
  for (const part of message) {
    if (part.kind === 'fingerprint') {
      work.fingerprint(part)
      yield
    }
  }
  return work.result()
}

/** The positions of a range within the document, in iteration order (docs 6.1). Foreign ids only mark bounds. */
export function spansOf(range: IdRange, index: EntryIndex): readonly Span[] {
  const [x, y] = [sortText(range.x), sortText(range.y)]
  if (x === y) return [[0, index.size]]
  const from = index.position(x)
  const to = index.position(y)
  return x < y
    ? [[from, Math.max(from, to)]]
    : [
        [0, to],
        [Math.max(from, to), index.size],
      ]
}

class Work {
  readonly #replica: Replica
  readonly #judge: Judge
  readonly #reply: ReplyPart[] = []
  readonly #inserted: { entry: SignedEntry; status: ContentStatus }[] = []
  readonly #removed: Uint8Array[] = []
  readonly #invalid: Fault[] = []
  readonly #heads = new Map<AuthorId, bigint>()
  /** What refused valid entries: the other side should have it (5.6). */
  readonly #repair = new Map<string, Row>()
  readonly #sent = new Set<string>()
  readonly #maxVisits: number
  #received = 0
  #visited = 0

  constructor(replica: Replica, judge: Judge) {
    this.#replica = replica
    this.#judge = judge
    this.#maxVisits = MAX_PASSES * replica.index.size + FREE_ROWS
  }

  *items(part: Extract<MessagePart, { kind: 'items' }>): Generator<void, void> {
    // Taken before the part's own values are stored.
    const missing = part.haveLocal || !this.#visit(spansOf(part.range, this.#replica.index)) ? [] : this.#missingIn(part)
    let handled = 0
    for (const value of part.values) {
      this.#received++
      this.#take(value)
      if (++handled % VALUES_PER_STEP === 0) yield
    }
    if (missing.length > 0) this.#say({ kind: 'items', range: part.range, rows: missing, haveLocal: true })
  }

  fingerprint({ range, fingerprint }: Extract<MessagePart, { kind: 'fingerprint' }>): void {
    const { index } = this.#replica
    const spans = spansOf(range, index)
    if (equalBytes(rangeFingerprint(spans, index), fingerprint)) return
    if (!this.#visit(spans)) return
    const count = size(spans)
    if (count <= 1 || equalBytes(fingerprint, EMPTY_HASH)) {
      this.#say({ kind: 'items', range, rows: rowsOf(spans, index), haveLocal: false })
      return
    }
    for (const half of split(range, spans, index)) {
      const own = spansOf(half, index)
      if (size(own) > 1) this.#say({ kind: 'fingerprint', range: half, fingerprint: rangeFingerprint(own, index) })
      else this.#say({ kind: 'items', range: half, rows: rowsOf(own, index), haveLocal: false })
    }
  }

  result(): StepResult {
    const repair = [...this.#repair].filter(([id]) => !this.#sent.has(id)).map(([, row]) => row)
    const first = repair[0]
    if (first !== undefined) {
      const { id } = first.entry
      this.#say({ kind: 'items', range: { x: id, y: id }, rows: repair, haveLocal: true })
    }
    return {
      reply: this.#reply.length > 0 ? this.#reply : undefined,
      inserted: this.#inserted,
      removed: this.#removed,
      received: this.#received,
      invalid: this.#invalid,
      heads: this.#heads,
      isExcessive: this.#visited > this.#maxVisits,
    }
  }

  /** Counts rows that are about to be gone through; false when the message has had its share. */
  #visit(spans: readonly Span[]): boolean {
    this.#visited += size(spans)
    return this.#visited <= this.#maxVisits
  }

  #say(part: ReplyPart): void {
    this.#reply.push(part)
    if (part.kind === 'items') for (const row of part.rows) this.#sent.add(row.text)
  }

  /** What we have in the range and were not shown. */
  #missingIn(part: Extract<MessagePart, { kind: 'items' }>): Row[] {
    const { index } = this.#replica
    const shown = new Map<string, SignedEntry>()
    for (const { entry } of part.values) {
      const text = sortText(entry.id)
      const known = shown.get(text)
      if (known === undefined || compareValues(known, entry) < 0) shown.set(text, entry)
    }
    return rowsOf(spansOf(part.range, index), index).filter((row) => {
      const other = shown.size === 0 ? undefined : shown.get(row.text)
      return other === undefined || compareValues(other, row.entry) < 0
    })
  }

  #take({ entry, status }: SentValue): void {
    const outcome = this.#replica.offer(entry, this.#judge)
    if (outcome.kind === 'invalid') {
      this.#invalid.push(outcome.fault)
      return
    }
    if (outcome.kind === 'refused') {
      const { by } = outcome
      const isSame = by.text === sortText(entry.id) && compareValues(by.entry, entry) === 0
      // Only what the document's writers really signed can make us say something.
      if (!isSame && isSigned(entry, this.#judge.verify)) this.#repair.set(by.text, by)
      return
    }
    this.#inserted.push({ entry, status })
    for (const row of outcome.removed) {
      this.#removed.push(row.entry.id)
      this.#repair.delete(row.text)
    }
    const author = authorOf(entry.id)
    const head = this.#heads.get(author)
    if (head === undefined || head < entry.timestamp) this.#heads.set(author, entry.timestamp)
  }
}

/** Two halves as upstream cuts them (docs 6.5, k = 2). `spans` hold at least two entries. */
function split(range: IdRange, spans: readonly Span[], index: EntryIndex): readonly IdRange[] {
  const { x, y } = range
  const n = size(spans)
  const isAll = equalBytes(x, y)
  const low = spans[0] as Span
  const before = isAll ? index.position(sortText(x)) : spans.length === 2 ? low[1] - low[0] : 0
  const nth = (i: number): Uint8Array => idAt(spans, i % n, index)
  const middle = nth(before + Math.floor(n / 2))
  if (!isAll)
    return withoutEmpty([
      { x, y: middle },
      { x: middle, y },
    ])
  const base = nth(before)
  return withoutEmpty([
    { x: middle, y: base },
    { x: base, y: middle },
  ])
}

/** Equal ends would mean everything. */
const withoutEmpty = (ranges: readonly IdRange[]): readonly IdRange[] => ranges.filter(({ x, y }) => !equalBytes(x, y))

const size = (spans: readonly Span[]): number => spans.reduce((sum, [from, to]) => sum + to - from, 0)

function rowsOf(spans: readonly Span[], index: EntryIndex): Row[] {
  return spans.flatMap(([from, to]) => [...index.rows(from, to)])
}

function idAt(spans: readonly Span[], i: number, index: EntryIndex): Uint8Array {
  let rest = i
  for (const [from, to] of spans) {
    if (rest < to - from) return (index.at(from + rest) as Row).entry.id
    rest -= to - from
  }
  return new Uint8Array(ID_PREFIX_BYTES)
}
