import { beforeEach, describe } from 'vitest'
import type { MemoryNetwork } from '../../src/core/net/index.ts'
import { memoryNetwork, startRawPeer, startTestNode } from '../support/k2-nodes.ts'
import { nodeScenarios } from './node-scenarios.ts'

let network: MemoryNetwork
beforeEach(() => {
  network = memoryNetwork()
})

describe('on a network in memory', () => {
  nodeScenarios(
    (options) => startTestNode({ ...options, network }),
    (peers) => startRawPeer({ peers, network }),
  )
})
