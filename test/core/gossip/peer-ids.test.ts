import { describe, expect, it } from 'vitest'
import { seededRng } from '../../../src/base/random.ts'
import { PeerIdChecker } from '../../../src/core/gossip/peer-ids.ts'
import { type PeerId, peerIdOf } from '../../../src/core/ids.ts'
import { peerNumber } from './harness.ts'
import { A, B } from './proto/vectors.ts'

describe('ids that peers mention', () => {
  it('are usable, unusable or invalid', () => {
    const ids = new PeerIdChecker()
    const of = (first: number, last = 0): PeerId => peerIdOf(Uint8Array.of(first, ...new Uint8Array(30), last))
    expect(ids.check(A, B, 0)).toBe('usable')
    expect(ids.check(of(2), B, 0)).toBe('invalid')
    expect(ids.check(of(1), B, 0)).toBe('unusable')
    expect(ids.check(peerIdOf(new Uint8Array(32).fill(0xff)), B, 0)).toBe('unusable')
  })

  it('cost a peer its budget when they are new, and others nothing', () => {
    const ids = new PeerIdChecker()
    const rng = seededRng(1)
    let checked = 0
    for (let i = 0; i < 400; i++) if (ids.check(peerIdOf(rng.bytes(32)), A, 0) !== 'unusable') checked++
    expect(checked).toBeLessThanOrEqual(256)
    expect(ids.check(peerNumber(1), A, 0)).toBe('unusable')
    expect(ids.check(peerNumber(1), B, 0)).toBe('usable')
    expect(ids.check(peerNumber(1), A, 0)).toBe('usable')
    expect(ids.check(peerNumber(2), A, 1_000)).toBe('usable')
  })
})
