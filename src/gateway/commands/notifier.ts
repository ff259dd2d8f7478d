import { K2Error } from '../../base/errors.ts'
import type { InteractiveBridge, Notice, NoticeTarget } from '../../bridges/interaction.ts'
import type { NativeRef } from '../../bridges/model/place.ts'
import type { Bridge } from '../../bridges/port.ts'
import type { AccessStore } from './access.ts'

/** Bridges whose platform can carry commands and notices. */
export function isInteractive(bridge: Bridge): bridge is Bridge & InteractiveBridge {
  return typeof (bridge as Partial<InteractiveBridge>).interactions === 'function'
}

/** What the gateway itself says to people, on whichever network they are. */
export class Notifier {
  readonly #bridges: () => readonly (Bridge & InteractiveBridge)[]
  readonly #access: Pick<AccessStore, 'accountsOf' | 'personOf'>

  constructor(bridges: () => readonly Bridge[], access: Pick<AccessStore, 'accountsOf' | 'personOf'>) {
    this.#bridges = () => bridges().filter(isInteractive)
    this.#access = access
  }

  /**
   * Posts into a place, or to a person on the first of their linked accounts that can be written to. Rejects `NOTICE_NO_BRIDGE`,
   * or what the bridge says (`InteractiveBridge.post`).
   */
  async post(target: NoticeTarget, notice: Notice, signal: AbortSignal): Promise<NativeRef> {
    if (target.kind === 'place') return this.#bridgeFor(target.place.network, target.place.account).post(target, notice, signal)
    const { personOf, accountsOf } = this.#access
    const accounts = await accountsOf(await personOf(target.authorKey))
    let refusal: unknown
    for (const authorKey of new Set([target.authorKey, ...accounts])) {
      const network = authorKey.split(':', 1)[0]
      for (const bridge of this.#bridges().filter((b) => b.network === network)) {
        try {
          return await bridge.post({ kind: 'person', authorKey }, notice, signal)
        } catch (error) {
          // Somebody who cannot be written to here may be on another network.
          refusal ??= error
        }
      }
    }
    throw refusal ?? noBridge(target.authorKey)
  }

  repost(ref: NativeRef, notice: Notice, signal: AbortSignal): Promise<boolean> {
    return this.#bridgeFor(ref.network, ref.account).repost(ref, notice, signal)
  }

  retract(ref: NativeRef, signal: AbortSignal): Promise<void> {
    return this.#bridgeFor(ref.network, ref.account).retract(ref, signal)
  }

  #bridgeFor(network: string, account: string): Bridge & InteractiveBridge {
    const bridge = this.#bridges().find((b) => b.network === network && b.account === account)
    if (bridge === undefined) throw noBridge(`${network}/${account}`)
    return bridge
  }
}

function noBridge(where: string): K2Error {
  return new K2Error({ code: 'NOTICE_NO_BRIDGE', kind: 'input', message: `nobody at ${where.slice(0, 80)} can be told anything` })
}
