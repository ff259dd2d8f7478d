import { describe, expect, it } from 'vitest'
import { seededRng } from '../../../../src/base/random.ts'
import { REJOIN_FIRST_MS, REJOIN_MAX_MS, Rejoin } from '../../../../src/core/gossip/proto/rejoin.ts'
import { num, peer } from './notation.ts'

/** All times at which a Join goes out until `end`, and to whom. */
function run(rejoin: Rejoin, end: number): { at: number; peers: number[] }[] {
  const out: { at: number; peers: number[] }[] = []
  for (let at = rejoin.dueAt; at !== undefined && at <= end; at = rejoin.dueAt) {
    out.push({ at, peers: rejoin.due(at).map(num) })
  }
  return out
}

describe('repeated Joins (gossip 7.5)', () => {
  it('back off from one second to a minute, with jitter, until a neighbour comes', () => {
    const rejoin = new Rejoin(seededRng(1))
    rejoin.joined([peer(2), peer(3)], 0)
    const joins = run(rejoin, 600_000)
    const waits = joins.map(({ at }, i) => at - (joins[i - 1]?.at ?? 0))
    for (const [i, wait] of waits.entries()) {
      const base = Math.min(REJOIN_FIRST_MS * 2 ** i, REJOIN_MAX_MS)
      expect(wait).toBeGreaterThanOrEqual(base * 0.75)
      expect(wait).toBeLessThanOrEqual(base * 1.25)
    }
    expect(joins.every(({ peers }) => peers.join() === '2,3')).toBe(true)
    rejoin.neighborUp(peer(2))
    expect(rejoin.dueAt).toBeUndefined()
    expect(rejoin.due(1e9)).toEqual([])
  })

  it('start again when the last neighbour is lost, with former neighbours', () => {
    const rejoin = new Rejoin(seededRng(2))
    rejoin.joined([peer(2)], 0)
    rejoin.neighborUp(peer(2))
    rejoin.neighborUp(peer(9))
    rejoin.neighborDown(peer(2), 1_000)
    expect(rejoin.dueAt).toBeUndefined()
    rejoin.neighborDown(peer(9), 2_000)
    const [first] = run(rejoin, 4_000)
    expect(first?.at).toBeLessThanOrEqual(2_000 + REJOIN_FIRST_MS * 1.25)
    expect(first?.peers).toEqual([2, 9])
  })

  it('are silent with nobody to ask, and while there are neighbours', () => {
    const rejoin = new Rejoin(seededRng(3))
    rejoin.joined([], 0)
    expect(rejoin.dueAt).toBeUndefined()
    rejoin.neighborUp(peer(2))
    rejoin.joined([peer(3)], 0)
    expect(rejoin.dueAt).toBeUndefined()
  })

  it('remember a bounded number of peers, the newest', () => {
    const rejoin = new Rejoin(seededRng(4))
    rejoin.joined(
      Array.from({ length: 100 }, (_, i) => peer(i)),
      0,
    )
    for (let n = 200; n < 300; n++) rejoin.neighborUp(peer(n))
    for (let n = 200; n < 300; n++) rejoin.neighborDown(peer(n), 0)
    const peers = run(rejoin, 2_000)[0]?.peers ?? []
    expect(peers.length).toBe(64 + 16)
    expect(peers).toContain(99)
    expect(peers).toContain(299)
  })
})
