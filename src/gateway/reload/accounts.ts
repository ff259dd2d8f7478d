import { Mutex } from '../../base/async.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { Bridge } from '../../bridges/port.ts'
import type { Config } from '../config/schema.ts'
import type { BridgeSet } from '../pipeline/index.ts'
import type { AccountChange, AccountNetwork } from './diff.ts'

/** An account that is taken down has this long to store what it received, ms. */
const DRAIN_MS = 10_000

export interface AccountsOptions {
  /** Every bridge of the gateway; those of accounts come and go here. */
  readonly bridges: BridgeSet
  readonly build: (network: AccountNetwork, account: string, config: Config) => Promise<Bridge>
  /** Makes a new bridge known to commands and files, before it starts. */
  readonly connect: (bridge: Bridge) => void
  /** Resolves when the account sends nothing, or after the time. */
  readonly quiet: (network: AccountNetwork, account: string, maxMs: number) => Promise<void>
  /** Its deliveries may go on. */
  readonly ready: (network: AccountNetwork, account: string) => Promise<void>
  readonly log: Logger
}

/**
 * The bridges of the configured accounts. One account can be added, taken away or replaced while all others keep their
 * connections (bridging 18).
 */
export class Accounts implements Lifecycle {
  readonly name = 'accounts'
  readonly #options: AccountsOptions
  readonly #bridges = new Map<string, Bridge>()
  readonly #turn = new Mutex()
  readonly #stopping = new AbortController()
  #state: 'new' | 'running' | 'stopped' = 'new'

  constructor(options: AccountsOptions, bridges: readonly Bridge[]) {
    this.#options = options
    for (const bridge of bridges) this.#bridges.set(`${bridge.network}/${bridge.account}`, bridge)
  }

  /** In the order of their first appearance. */
  list(): readonly Bridge[] {
    return [...this.#bridges.values()]
  }

  async start(signal: AbortSignal): Promise<void> {
    for (const bridge of this.list()) {
      await bridge.start?.(signal)
      signal.throwIfAborted()
    }
    this.#state = 'running'
  }

  /** Carries changes out one after the other. An account that cannot be built is told in the log and stays away. */
  change(changes: readonly AccountChange[], config: Config): Promise<void> {
    return this.#turn.run(async () => {
      for (const change of changes) {
        if (this.#state !== 'running') return
        await this.#carryOut(change, config)
      }
    })
  }

  async #carryOut({ network, account, kind }: AccountChange, config: Config): Promise<void> {
    const { bridges, build, connect, quiet, ready, log } = this.#options
    const key = `${network}/${account}`
    const before = this.#bridges.get(key)
    log.info({ ev: 'account-changes', account: key, kind }, 'an account changes')
    // What it received is stored before its successor begins.
    await before?.drain?.(AbortSignal.timeout(DRAIN_MS))
    const after = kind === 'removed' ? undefined : await build(network, account, config)
    if (before) bridges.remove(before)
    this.#bridges.delete(key)
    if (after) {
      connect(after)
      this.#bridges.set(key, after)
      bridges.add(after)
    }
    // What is being sent ends in the old one; everything further goes to its successor.
    await quiet(network, account, DRAIN_MS)
    await before?.stop?.()
    await after?.start?.(this.#stopping.signal)
    if (after) await ready(network, account)
  }

  async drain(signal: AbortSignal): Promise<void> {
    this.#state = 'stopped'
    this.#stopping.abort()
    await Promise.all(this.list().map((bridge) => bridge.drain?.(signal)))
  }

  async stop(): Promise<void> {
    this.#state = 'stopped'
    await Promise.all(this.list().map((bridge) => bridge.stop?.()))
  }
}
