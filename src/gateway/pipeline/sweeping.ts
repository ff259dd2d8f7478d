import type { Place } from '../../bridges/model/place.ts'
import type { Bridge, NativePart } from '../../bridges/port.ts'
import type { Claimed } from './claimed.ts'
import type { LaneStore } from './delivery-store.ts'
import type { LaneMachine } from './lane.ts'
import { type Existing, planSend } from './request.ts'

/** Native messages one call deletes on both platforms (bridging 4.3, 5.1). */
const MOST = 100

/** Deletes of one lane that follow each other are carried out by one call, where the platform can (bridging 10.1). */
export class Sweeping {
  readonly #lane: string
  readonly #machine: LaneMachine<Claimed>
  readonly #store: LaneStore
  /** Deletes that are carried out one by one, because one call for several was refused. */
  #alone = 0
  #gathering = false

  constructor(lane: string, machine: LaneMachine<Claimed>, store: LaneStore) {
    this.#lane = lane
    this.#machine = machine
    this.#store = store
  }

  /**
   * Those behind the delete in flight that go with it, and the messages of all of them; `existing` are its own. The first deletes of many go alone or in small
   * groups: only then the lane claims more of them at once.
   */
  async takeAlong(
    existing: Existing,
    bridge: Bridge,
    place: Place,
    now: number,
  ): Promise<{ readonly along: readonly Claimed[]; readonly existing: Existing }> {
    const nobody = { along: [], existing }
    if (this.#alone > 0) {
      this.#alone--
      return nobody
    }
    const behind = this.#machine.behind.slice(0, MOST - 1)
    if (bridge.deletesTogether === undefined || behind[0]?.op !== 'delete' || !isPlain(existing)) {
      this.rest()
      return nobody
    }
    this.#gathering = true
    this.#machine.gather(MOST)
    let parts: readonly NativePart[] = existing.parts
    let count = 0
    for (const other of behind) {
      if (other.op !== 'delete' || other.parkedAt !== null) break
      const found = await this.#store.existing(other.cid, this.#lane)
      const more = [...parts, ...found.parts]
      const canFollow = isPlain(found) && planSend(other, bridge.capabilities, found, now).kind === 'send'
      if (!canFollow || more.length > MOST || !bridge.deletesTogether(place, more)) break
      parts = more
      count++
    }
    if (count === 0) return nobody
    // Their numbers were those of several messages.
    const together = { ...existing, parts: parts.map((part, n) => ({ ...part, part: n })) }
    return { along: this.#machine.takeAlong(count), existing: together }
  }

  /** One call for several was refused for good: one of them may be the reason. */
  refused(count: number): void {
    this.#alone = count
    this.rest()
  }

  /** The lane claims as much as it does for other deliveries. */
  rest(): void {
    if (!this.#gathering) return
    this.#gathering = false
    this.#machine.gather(0)
  }
}

/** A copy of our own that shows one message only. */
const isPlain = ({ composite, createState }: Existing): boolean => composite === undefined && createState === 'done'
