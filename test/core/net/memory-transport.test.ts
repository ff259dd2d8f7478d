import { systemClock } from '../../../src/base/clock.ts'
import { seededRng } from '../../../src/base/random.ts'
import { peerIdOf } from '../../../src/core/ids.ts'
import { MemoryNetwork, type MemoryNetworkOptions } from '../../../src/core/net/memory-network.ts'
import { transportConformance } from './transport-conformance.ts'

function setup(options: Omit<MemoryNetworkOptions, 'clock' | 'rng'>) {
  return () => {
    const rng = seededRng(7)
    const network = new MemoryNetwork({ clock: systemClock, rng, ...options })
    return {
      bind: async (alpns: readonly string[]) => network.bind({ id: peerIdOf(rng.bytes(32)), alpns }),
      deadAddr: '10.255.0.1:1',
      settle: async () => {
        for (let i = 0; i < 4; i++) await new Promise((resolve) => setTimeout(resolve, 4))
      },
    }
  }
}

transportConformance('memory', setup({}))
transportConformance('memory with latency and fragments', setup({ link: { latencyMs: 1, jitterMs: 2 }, fragment: true }))
