import type { PeerChatMessage, PeerMarketMessage, PeerUpdate } from '../../bridges/p2p/port.ts'
import type { MarketParts } from './parts.ts'
import { hear, type PeerContext } from './peers.ts'
import type { Step } from './step.ts'
import type { MarketStore } from './store.ts'
import { hearTalk } from './talks.ts'

/** Offers and interests of peers that wait for their turn; above it they are refused, and come again with the next refresh. */
const MAX_WAITING = 500

export interface PeerEarOptions {
  readonly parts: MarketParts
  readonly store: Pick<MarketStore, 'latestTalk' | 'latestTalkOf'>
  readonly context: PeerContext
  readonly act: <T>(work: (step: Step) => T) => Promise<T>
}

/** What the market hears of K2 peers: their offers, requests and interests, and direct messages that answer an offer. */
export class PeerEar {
  readonly #options: PeerEarOptions
  #waiting = 0

  constructor(options: PeerEarOptions) {
    this.#options = options
  }

  readonly take = async (update: PeerUpdate): Promise<void> => {
    if (update.kind === 'market') await this.#market(update.message)
    else if (update.kind === 'chat' && update.message.topic === undefined) await this.#talk(update.message)
  }

  async #market(message: PeerMarketMessage): Promise<void> {
    const { parts, context, act } = this.#options
    if (this.#waiting >= MAX_WAITING) {
      parts.counters.add('peer_intents_refused_total')
      return
    }
    this.#waiting++
    try {
      await act((step) => hear(step, message, context))
    } finally {
      this.#waiting--
    }
  }

  /** A direct message of somebody an offer brought here; others are no business of the market. Never rejects. */
  async #talk(message: PeerChatMessage): Promise<void> {
    const { store, parts, act } = this.#options
    try {
      const [peer, now] = [`p2p:${message.peerId}`, parts.clock.now()]
      const { forPerson } = message
      const talk = await (forPerson === undefined ? store.latestTalk(peer, now) : store.latestTalkOf(peer, forPerson, now))
      if (talk !== undefined) await act((step) => hearTalk(step, talk, message))
    } catch (err) {
      parts.log.warn({ ev: 'talk-failed', err }, 'a direct message about an offer could not be passed on')
    }
  }
}
