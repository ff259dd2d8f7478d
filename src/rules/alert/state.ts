import type { Simhash } from './fingerprint.ts'

/** Something a recipient has heard of; rows of the tables `alerts` and `fingerprints`. */
export interface AlertRecord {
  readonly alert_id: string
  readonly recipient: string
  readonly intent_id: string
  readonly owner: string
  readonly source: string
  readonly fingerprint: string
  /** Lowest price in its currency. */
  readonly price: number | null
  readonly simhash: Simhash | null
  readonly at: number
  readonly sent: boolean
}

export interface DigestEntry {
  readonly alert_id: string
  readonly recipient: string
  readonly intent_id: string
  /** Saved search, intent or rule it is listed under. */
  readonly search: string
  readonly score: number
  readonly due_at: number
}

export interface AlertChange {
  readonly record: AlertRecord
  readonly digest?: DigestEntry
}

const DAY_MS = 86_400_000
const WEEK_MS = 7 * DAY_MS
/** Per recipient; the oldest goes first. */
const MAX_RECORDS = 2_000
const MAX_DIGEST = 500
const MAX_RECIPIENTS = 1_000_000

interface Shelf {
  records: AlertRecord[]
  digest: DigestEntry[]
}

/**
 * What was decided for each recipient: `decide` only reads it and answers a change, which the caller applies once it is stored.
 * Bounded per recipient and in all.
 */
export class AlertState {
  readonly #shelves = new Map<string, Shelf>()
  readonly #byIntent = new Map<string, Set<string>>()

  apply(change: AlertChange): void {
    const { record, digest } = change
    const shelf = this.#shelf(record.recipient)
    shelf.records = shelf.records
      .filter((r) => r.alert_id !== record.alert_id && record.at - r.at < WEEK_MS)
      .slice(1 - MAX_RECORDS)
    shelf.records.push(record)
    if (digest !== undefined)
      shelf.digest = [...shelf.digest.filter((d) => d.alert_id !== digest.alert_id), digest].slice(-MAX_DIGEST)
    const known = this.#byIntent.get(record.intent_id) ?? new Set<string>()
    known.add(record.recipient)
    this.#byIntent.set(record.intent_id, known)
  }

  #shelf(recipient: string): Shelf {
    const known = this.#shelves.get(recipient)
    if (known !== undefined) return known
    if (this.#shelves.size >= MAX_RECIPIENTS) this.#shelves.delete(this.#shelves.keys().next().value as string)
    const made: Shelf = { records: [], digest: [] }
    this.#shelves.set(recipient, made)
    return made
  }

  /** Records of the last seven days, oldest first. */
  recordsOf(recipient: string, now: number): readonly AlertRecord[] {
    return this.#shelves.get(recipient)?.records.filter((r) => now - r.at < WEEK_MS) ?? []
  }

  has(alertId: string, recipient: string): boolean {
    return this.#shelves.get(recipient)?.records.some((r) => r.alert_id === alertId) === true
  }

  /** An intent ended: what waits is dropped; answers the alerts already sent, to be marked closed where the platform allows. */
  close(intentId: string): AlertRecord[] {
    const sent: AlertRecord[] = []
    for (const recipient of this.#byIntent.get(intentId) ?? []) {
      const shelf = this.#shelves.get(recipient)
      if (shelf === undefined) continue
      shelf.digest = shelf.digest.filter((d) => d.intent_id !== intentId)
      sent.push(...shelf.records.filter((r) => r.intent_id === intentId && r.sent))
    }
    return sent
  }

  /** Recipients with a digest due, earliest first. */
  due(now: number): { readonly recipient: string; readonly due_at: number }[] {
    const out: { recipient: string; due_at: number }[] = []
    for (const [recipient, shelf] of this.#shelves) {
      const due = shelf.digest.reduce((least, d) => Math.min(least, d.due_at), Number.POSITIVE_INFINITY)
      if (due <= now) out.push({ recipient, due_at: due })
    }
    return out.sort((a, b) => a.due_at - b.due_at || (a.recipient < b.recipient ? -1 : 1))
  }

  /** Takes the entries that are due out of a recipient's digest. */
  takeDigest(recipient: string, now: number): DigestEntry[] {
    const shelf = this.#shelves.get(recipient)
    if (shelf === undefined) return []
    const due = shelf.digest.filter((d) => d.due_at <= now)
    shelf.digest = shelf.digest.filter((d) => d.due_at > now)
    return due
  }

  /** An entry of a digest was told by somebody else. */
  dropDigest(recipient: string, alertId: string): void {
    const shelf = this.#shelves.get(recipient)
    if (shelf !== undefined) shelf.digest = shelf.digest.filter((d) => d.alert_id !== alertId)
  }

  /** Forgets a person. */
  erase(recipient: string): void {
    this.#shelves.delete(recipient)
  }

  sweep(now: number): void {
    for (const [recipient, shelf] of this.#shelves) {
      shelf.records = shelf.records.filter((r) => now - r.at < WEEK_MS)
      if (shelf.records.length === 0 && shelf.digest.length === 0) this.#shelves.delete(recipient)
    }
    for (const [intent, recipients] of this.#byIntent) {
      for (const r of recipients) if (!this.#shelves.has(r)) recipients.delete(r)
      if (recipients.size === 0) this.#byIntent.delete(intent)
    }
  }
}
