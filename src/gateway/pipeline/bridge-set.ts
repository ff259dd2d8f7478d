import type { Network } from '../../bridges/model/place.ts'
import type { Bridge } from '../../bridges/port.ts'

/** Where the pipeline finds the bridge of an account when it has something to send. */
export interface BridgeRegistry {
  find(network: Network, account: string): Bridge | undefined
}

/** The bridges of a running gateway by network and account. */
export class BridgeSet implements BridgeRegistry {
  readonly #bridges = new Map<string, Bridge>()

  add(bridge: Bridge): void {
    this.#bridges.set(`${bridge.network}/${bridge.account}`, bridge)
  }

  remove(bridge: Bridge): void {
    const key = `${bridge.network}/${bridge.account}`
    if (this.#bridges.get(key) === bridge) this.#bridges.delete(key)
  }

  find(network: Network, account: string): Bridge | undefined {
    return this.#bridges.get(`${network}/${account}`)
  }

  all(): readonly Bridge[] {
    return [...this.#bridges.values()]
  }
}
