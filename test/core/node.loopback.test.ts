import { describe, expect, test } from 'vitest'
import type { InboundMarket } from '../../src/core/k2/inbound.ts'
import { memoryNetwork, startRawPeer, startTestNode } from '../support/k2-nodes.ts'
import { offerForm } from './k2/fixtures.ts'
import { nodeScenarios } from './node-scenarios.ts'

describe('over QUIC on loopback', () => {
  nodeScenarios(startTestNode, (peers) => startRawPeer({ peers }))
})

test('what arrives over others is claimed, and proven when a copy comes straight from its sender', async () => {
  const network = memoryNetwork()
  await using middle = await startTestNode({ network, topics: ['Goods'] })
  await using left = await startTestNode({ network, topics: ['Goods'], peers: [middle.ticket] })
  await using right = await startTestNode({ network, topics: ['Goods'], peers: [middle.ticket] })
  network.cut(left.id, right.id)
  await Promise.all([middle.neighbor('Goods', left.id), middle.neighbor('Goods', right.id)])
  left.node.publish({ kind: 'offer', topic: 'Goods', form: offerForm })
  const offer = (await right.message((m) => m.type === 'market')) as InboundMarket
  expect(offer).toMatchObject({ senderId: left.id, senderClass: 'claimed' })
  expect(offer).not.toHaveProperty('hostId')
  network.heal()
  const proven = await right.event(
    (e) =>
      e.type === 'verified' || (e.type === 'message' && e.message.senderId === left.id && e.message.senderClass === 'verified'),
  )
  expect(proven).toBeDefined()
})
