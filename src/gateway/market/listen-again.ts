import { errorCode } from '../../base/errors.ts'
import { HOSTED_TALK_IDLE_MS, MAX_HOSTED_TALKS } from '../../core/k2/hosted-talks.ts'
import type { MarketParts } from './parts.ts'
import type { Publisher } from './publishing.ts'
import type { MarketStore } from './store.ts'

/** Peers may go on writing to people with ids of their own whom they talked with before a restart. Never rejects. */
export async function listenAgain(
  { clock, log }: MarketParts,
  store: Pick<MarketStore, 'talksWithPeers'>,
  publisher: Publisher,
): Promise<void> {
  try {
    publisher.listen(await store.talksWithPeers(clock.now() - HOSTED_TALK_IDLE_MS, MAX_HOSTED_TALKS))
  } catch (error) {
    log.warn({ ev: 'talks-not-heard', code: errorCode(error) }, 'conversations with peers are heard again once somebody writes')
  }
}
