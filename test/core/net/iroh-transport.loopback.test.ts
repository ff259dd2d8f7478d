import { bindLoopback } from './support.ts'
import { transportConformance } from './transport-conformance.ts'

transportConformance('iroh', () => ({
  bind: (alpns) => bindLoopback(alpns),
  // Port 9 (discard) on loopback: nothing answers QUIC there.
  deadAddr: '127.0.0.1:9',
  settle: () => new Promise((resolve) => setTimeout(resolve, 60)),
}))
