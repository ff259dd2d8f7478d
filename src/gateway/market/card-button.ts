import type { MarketCard } from '../../bridges/model/message.ts'
import type { PeerMarketMessage } from '../../bridges/p2p/port.ts'
import type { ActionIds } from '../commands/action-ids.ts'
import { peerIntentId } from './peers.ts'

/** The button below a bridged offer of a K2 peer: tells the seller, after a question. */
export const cardButtonOf =
  (ids: Pick<ActionIds, 'id'>) =>
  (message: PeerMarketMessage): MarketCard['button'] =>
    message.kind === 'offer' ? { id: ids.id('interest', peerIntentId(message)), label: '🤝 Interested' } : undefined
