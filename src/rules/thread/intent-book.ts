import type { IntentLookup, IntentRecord, ThreadEvent } from './model.ts'
import { placeOf } from './model.ts'
import { isLive } from './stored-intent.ts'

/** Records held; ended ones go first. */
const MAX_RECORDS = 1_000_000
/** People remembered per intent. */
const MAX_INTERESTED = 1_000
const NONE: readonly IntentRecord[] = []

/** All known intents by id, message and place. `advance` only reads it; the caller applies the events once they are stored. */
export class IntentBook implements IntentLookup {
  readonly #records = new Map<string, IntentRecord>()
  readonly #byMessage = new Map<string, string[]>()
  /** Open and paused ones of a place by their id. */
  readonly #live = new Map<string, Map<string, IntentRecord>>()
  readonly #ended = new Set<string>()
  readonly #max: number

  constructor(max = MAX_RECORDS) {
    this.#max = max
  }

  get size(): number {
    return this.#records.size
  }

  get(intentId: string): IntentRecord | undefined {
    return this.#records.get(intentId)
  }

  ofMessage(messageId: string): readonly IntentRecord[] {
    const ids = this.#byMessage.get(messageId)
    if (ids === undefined) return NONE
    const found = ids.map((id) => this.#records.get(id) as IntentRecord)
    return found.length === 1 ? found : found.sort((a, b) => a.ordinal - b.ordinal)
  }

  openIn(place: string): readonly IntentRecord[] {
    const live = this.#live.get(place)
    return live === undefined ? [] : [...live.values()]
  }

  /** Adds or replaces a record: an event's, or a row read from storage. */
  put(record: IntentRecord): void {
    const id = record.intent.intent_id
    const before = this.#records.get(id)
    this.#records.set(id, record)
    for (const part of record.parts) {
      const ids = this.#byMessage.get(part)
      if (ids === undefined) this.#byMessage.set(part, [id])
      else if (!ids.includes(id)) ids.push(id)
    }
    if (before !== undefined) for (const part of before.parts) if (!record.parts.includes(part)) this.#unlink(part, id)
    const place = recordPlace(record)
    if (isLive(record)) {
      this.#ended.delete(id)
      const live = this.#live.get(place)
      if (live === undefined) this.#live.set(place, new Map([[id, record]]))
      else live.set(id, record)
    } else {
      this.#ended.add(id)
      this.#leave(place, id)
    }
    if (this.#records.size > this.#max)
      this.remove((this.#ended.values().next().value ?? this.#records.keys().next().value) as string)
  }

  apply(events: readonly ThreadEvent[]): void {
    for (const event of events) this.put(event.record)
  }

  remove(intentId: string): void {
    const record = this.#records.get(intentId)
    if (record === undefined) return
    this.#records.delete(intentId)
    this.#ended.delete(intentId)
    this.#leave(recordPlace(record), intentId)
    for (const part of record.parts) this.#unlink(part, intentId)
  }

  /** Drops ended intents last touched before `until`. */
  sweep(until: number): void {
    for (const id of this.#ended) if ((this.#records.get(id) as IntentRecord).intent.updated_at < until) this.remove(id)
  }

  *records(): IterableIterator<IntentRecord> {
    yield* this.#records.values()
  }

  #unlink(message: string, id: string): void {
    const left = (this.#byMessage.get(message) ?? []).filter((x) => x !== id)
    if (left.length === 0) this.#byMessage.delete(message)
    else this.#byMessage.set(message, left)
  }

  #leave(place: string, id: string): void {
    const live = this.#live.get(place)
    live?.delete(id)
    if (live?.size === 0) this.#live.delete(place)
  }
}

const recordPlace = (record: IntentRecord): string =>
  placeOf({ platform: record.intent.platform, channel: record.intent.channel, thread: record.thread })

/** The record with one more person who asked; full lists forget the first. */
export function withInterest(record: IntentRecord, person: string): IntentRecord {
  if (record.interested.includes(person)) return record
  return { ...record, interested: [...record.interested, person].slice(-MAX_INTERESTED) }
}
