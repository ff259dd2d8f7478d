import type { Clock } from '../../base/clock.ts'

export interface GatewayEvent {
  readonly name: string
  readonly data: unknown
  /** Sequence number in its session. */
  readonly seq: number
  /** Which of the account's connections it came by. */
  readonly shard?: number
}

/** How long an event waits for the ones before it, ms. Smaller: swapped events stay swapped. Larger: a lost one delays the rest. */
const WAIT_MS = 250
/** Events that wait at once; beyond it they go on as they came. */
const MAX_WAITING = 1_000
/** Gaps in a row that nothing fills: then the numbers of this session say nothing about order. */
const MAX_EMPTY_GAPS = 3

/** Puts events that overtook each other back into the order of their sequence numbers (bridging 14). */
export class SequenceBuffer {
  readonly #clock: Clock
  readonly #deliver: (event: GatewayEvent) => void
  #last: number | undefined
  #waiting: GatewayEvent[] = []
  #emptyGaps = 0
  #cancel: (() => void) | undefined

  constructor(clock: Clock, deliver: (event: GatewayEvent) => void) {
    this.#clock = clock
    this.#deliver = deliver
  }

  take(event: GatewayEvent): void {
    // A new session counts from the beginning.
    if (event.name === 'READY') this.#reset()
    const last = this.#last ?? event.seq - 1
    if (event.seq > last + 1 && this.#emptyGaps < MAX_EMPTY_GAPS) {
      this.#waiting.push(event)
      if (this.#waiting.length >= MAX_WAITING) this.flush()
      else this.#cancel ??= this.#clock.after(WAIT_MS, () => this.#giveUp())
      return
    }
    this.#last = Math.max(last, event.seq)
    this.#deliver(event)
    this.#release()
  }

  /** What still waits goes on now, in order. */
  flush(): void {
    this.#cancel?.()
    this.#cancel = undefined
    const waiting = this.#waiting.sort((a, b) => a.seq - b.seq)
    this.#waiting = []
    for (const event of waiting) {
      this.#last = Math.max(this.#last ?? 0, event.seq)
      this.#deliver(event)
    }
  }

  #reset(): void {
    this.flush()
    this.#last = undefined
    this.#emptyGaps = 0
  }

  #giveUp(): void {
    this.#emptyGaps++
    this.flush()
  }

  /** Events whose turn has come. */
  #release(): void {
    if (this.#waiting.length === 0) return
    this.#waiting.sort((a, b) => a.seq - b.seq)
    while (this.#waiting[0] !== undefined && this.#waiting[0].seq <= (this.#last as number) + 1) {
      const event = this.#waiting.shift() as GatewayEvent
      this.#last = Math.max(this.#last as number, event.seq)
      this.#emptyGaps = 0
      this.#deliver(event)
    }
    if (this.#waiting.length > 0) return
    this.#cancel?.()
    this.#cancel = undefined
  }
}
