import type { Lane } from './memory-pipe.ts'

export interface LaneWorld {
  delay(run: () => void): void
  passable(): boolean
  onStall(lane: DelayLane): void
}

/** First in, first out over a delaying link: each elapsed delay lets the oldest item out, whatever delay that item drew. */
export class DelayLane implements Lane {
  readonly #world: LaneWorld
  #items: (() => void)[] = []
  #epoch = 0
  #held = 0

  constructor(world: LaneWorld) {
    this.#world = world
  }

  send(deliver: () => void): void {
    this.#items.push(deliver)
    const epoch = this.#epoch
    this.#world.delay(() => {
      if (epoch !== this.#epoch) return
      // Nothing overtakes what a cut link holds back.
      if (this.#held === 0 && this.#world.passable()) this.#items.shift()?.()
      else {
        this.#held++
        this.#world.onStall(this)
      }
    })
  }

  discard(): void {
    this.#items = []
    this.#held = 0
    this.#epoch++
  }

  resume(): void {
    for (; this.#held > 0; this.#held--) this.#items.shift()?.()
  }
}
