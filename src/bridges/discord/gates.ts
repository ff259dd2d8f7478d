import type { GatewayEvent } from './gateway.ts'

/** Events of one channel that wait while its past is fetched; more are counted as lost, creates come from the history. */
const MAX_HELD = 2_000

interface Gate {
  held: GatewayEvent[]
  overflowed: boolean
}

/** Channels whose live events wait, in order, until what came before them was ingested (bridging 14). */
export class ChannelGates {
  readonly #gates = new Map<string, Gate>()

  get size(): number {
    return this.#gates.size
  }

  /** Holds a channel's events from now on. Answers false when it was held already. */
  hold(channel: string): boolean {
    if (this.#gates.has(channel)) return false
    this.#gates.set(channel, { held: [], overflowed: false })
    return true
  }

  isHeld(channel: string): boolean {
    return this.#gates.has(channel)
  }

  /** Keeps an event of a held channel. */
  keep(channel: string, event: GatewayEvent): void {
    const gate = this.#gates.get(channel)
    if (gate === undefined) return
    if (gate.held.length < MAX_HELD) gate.held.push(event)
    else gate.overflowed = true
  }

  /** True when events of a held channel did not fit since the last call: its history must be read once more. */
  takeOverflow(channel: string): boolean {
    const gate = this.#gates.get(channel)
    if (!gate?.overflowed) return false
    gate.overflowed = false
    gate.held = gate.held.filter((e) => e.name !== 'MESSAGE_CREATE')
    return true
  }

  /** Opens the channel; answers what waited, in order. */
  release(channel: string): readonly GatewayEvent[] {
    const gate = this.#gates.get(channel)
    this.#gates.delete(channel)
    return gate?.held ?? []
  }
}
