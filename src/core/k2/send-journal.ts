import { BoundedMap } from '../../base/bounded-map.ts'
import type { PeerId, TopicId } from '../ids.ts'

/** How an earlier attempt sent a line. */
export interface SentRecord {
  readonly key: string
  readonly topic: TopicId
  /** ms; all attempts carry it, so that a K2 application shows the line once. */
  readonly sentAt: number
  readonly attempts: number
}

export interface ExpectedConfirmer {
  readonly peer: PeerId
  readonly topic: TopicId
}

/** Remembers lines across restarts, so that a repeated attempt is recognised as the same line. */
export interface SendJournal {
  find(key: string): SentRecord | undefined
  /** Resolves before the attempt may go out. Rejects `K2_JOURNAL` when it cannot be remembered. */
  record(sent: SentRecord): Promise<void>
  /** Gateways that confirm lines of a topic; the last note counts. */
  noteConfirmers(confirmers: readonly ExpectedConfirmer[]): Promise<void>
  /** What was noted before this start, and the lines, oldest first. */
  restored(): { readonly confirmers: readonly ExpectedConfirmer[]; readonly lines: readonly SentRecord[] }
  close(): Promise<void>
}

/** An outbox gives up after 7 days at most, and rarely has more than this many lines in doubt. */
const LINES = 5000

/** The journal's memory; alone it is enough where restarts need not be survived. */
export class MemoryJournal implements SendJournal {
  readonly #lines = new BoundedMap<string, SentRecord>({ max: LINES })
  #confirmers: readonly ExpectedConfirmer[]

  constructor(lines: readonly SentRecord[] = [], confirmers: readonly ExpectedConfirmer[] = []) {
    for (const line of lines) this.#lines.set(line.key, line, 0)
    this.#confirmers = confirmers
  }

  find(key: string): SentRecord | undefined {
    return this.#lines.get(key, 0)
  }

  async record(sent: SentRecord): Promise<void> {
    this.#lines.set(sent.key, sent, 0)
  }

  async noteConfirmers(confirmers: readonly ExpectedConfirmer[]): Promise<void> {
    this.#confirmers = confirmers
  }

  restored(): { readonly confirmers: readonly ExpectedConfirmer[]; readonly lines: readonly SentRecord[] } {
    return { confirmers: this.#confirmers, lines: [...this.#lines.entries()].map(([, line]) => line) }
  }

  async close(): Promise<void> {
    // No resources.
  }
}
