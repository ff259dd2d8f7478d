import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import type { PeerId } from '../../../src/core/index.ts'
import { type PeerDecision, PeerTrust } from '../../../src/gateway/trust/peer-trust.ts'
import { A, B } from '../../core/k2/fixtures.ts'

const HOUR = 3600_000

test('decisions hold until they expire or are taken back, and the node is told each time', async () => {
  const clock = new ManualClock()
  const rows = new Map<PeerId, PeerDecision>()
  const told: { blocked: PeerId[]; trusted: PeerId[] }[] = []
  let blocked: PeerId[] = []
  const trust = new PeerTrust({
    store: {
      list: async (now) => [...rows.values()].filter((d) => d.until === undefined || d.until > now),
      save: async (decision) => void rows.set(decision.peer, decision),
      remove: async (peer) => rows.delete(peer),
      prune: async () => {},
    },
    node: {
      setBlocked: (peers) => {
        blocked = [...peers]
      },
      setTrusted: (peers) => {
        told.push({ blocked, trusted: [...peers] })
      },
    },
    clock,
    log: nullLogger,
  })
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve()
  }
  await trust.start()
  expect(told.at(-1)).toEqual({ blocked: [], trusted: [] })
  await trust.decide({ peer: A, level: 'blocked', by: 'operator', at: clock.now(), until: clock.now() + 2 * HOUR })
  await trust.decide({ peer: B, level: 'trusted', by: 'operator', at: clock.now() })
  expect(told.at(-1)).toEqual({ blocked: [A], trusted: [B] })
  clock.advance(HOUR)
  await settle()
  expect(told.at(-1)).toEqual({ blocked: [A], trusted: [B] })
  clock.advance(HOUR)
  await settle()
  expect(told.at(-1)).toEqual({ blocked: [], trusted: [B] })
  expect((await trust.list()).map((d) => d.peer)).toEqual([B])
  expect(await trust.forget(B)).toBe(true)
  expect(await trust.forget(B)).toBe(false)
  expect(told.at(-1)).toEqual({ blocked: [], trusted: [] })
  await trust.stop()
})
