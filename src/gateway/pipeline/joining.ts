import type { Place } from '../../bridges/model/place.ts'
import type { Bridge } from '../../bridges/port.ts'
import type { Claimed } from './claimed.ts'
import { asComposite, type Composite, canJoin, fitting, isAlike, JOIN, newText, turnOf } from './composite.ts'
import type { LaneStore } from './delivery-store.ts'
import type { LaneMachine } from './lane.ts'
import type { PipelineLimits } from './limits.ts'

/** Sends texts of one lane together where they wait long for a place that takes few messages (bridging 16). */
export class Joining {
  readonly #lane: string
  readonly #machine: LaneMachine<Claimed>
  readonly #tools: { readonly store: LaneStore; readonly limits: PipelineLimits }
  /** The lane is behind: it claims enough at once to send them together. */
  #gathering = false

  constructor(
    lane: string,
    machine: LaneMachine<Claimed>,
    tools: { readonly store: LaneStore; readonly limits: PipelineLimits },
  ) {
    this.#lane = lane
    this.#machine = machine
    this.#tools = tools
  }

  /** True: more of the lane is to be claimed before `item` is sent. */
  wantsMore(item: Claimed, bridge: Bridge, place: Place, now: number): boolean {
    if (this.#gathering || now - item.createdAt < JOIN.afterMs || bridge.joinsTexts?.(place) !== true) return false
    this.#gathering = true
    this.#machine.gather(JOIN.most)
    return true
  }

  /** Those behind the delivery in flight that are to be sent in one message with it. */
  takeAlong(item: Claimed, maxText: number, now: number): readonly Claimed[] {
    if (!this.#gathering) return []
    const { behind } = this.#machine
    if (behind.length < JOIN.waiting || now - item.createdAt < JOIN.afterMs) {
      this.#gathering = false
      this.#machine.gather(0)
      return []
    }
    if (!canJoin(item, now)) return []
    const end = behind.findIndex((other) => !canJoin(other, now) || !isAlike(item, other))
    return this.#machine.takeAlong(fitting(item, end < 0 ? behind : behind.slice(0, end), maxText))
  }

  /** One delivery for all of them. It is noted before it is sent, so that edits find their line whatever happens. */
  async together(item: Claimed, along: readonly Claimed[], place: Place): Promise<Claimed> {
    const turns = [item, ...along].map((one) => turnOf(one, this.#tools.limits.showTimeAfterMs))
    await this.#tools.store.keepComposite(this.#lane, item.cid, turns)
    return asComposite(item, turns, place)
  }

  /** An edit or delete of one line is an edit of the message that shows it, until no line is left. */
  async amended(item: Claimed, { turns }: Composite, place: Place): Promise<Claimed> {
    const mine = turns.find((turn) => turn.cid === item.cid)
    if (mine === undefined) return item
    const turn = { ...mine, rich: newText(item) }
    await this.#tools.store.changeTurn(this.#lane, item.cid, turn)
    const next = turns.map((other) => (other === mine ? turn : other))
    return asComposite(item, next, place)
  }
}
