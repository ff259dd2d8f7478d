import { describe, expect, it } from 'vitest'
import { identityOfSeed } from '../../../src/core/index.ts'
import { type ConnectionGlance, LostPaths } from '../../../src/core/net/lost-path.ts'

const PEER = identityOfSeed(new Uint8Array(32).fill(1)).id
const OTHER = identityOfSeed(new Uint8Array(32).fill(2)).id
const at = (serial: number, chosen: boolean, received: number): ConnectionGlance => ({ serial, chosen, received })

describe('a path that is lost', () => {
  it('is not suspected of peers without connections, or with a chosen path that carries something', () => {
    const lost = new LostPaths()
    for (let now = 0; now < 60_000; now += 1000) {
      expect(lost.look(OTHER, [], now)).toBe(false)
      expect(lost.look(PEER, [at(1, true, now), at(2, false, now)], now)).toBe(false)
    }
  })

  it('is certain when no open connection has the chosen one for a while', () => {
    const lost = new LostPaths()
    expect([0, 1000, 2000, 3000].map((now) => lost.look(PEER, [at(1, false, now)], now))).toEqual([false, false, false, true])
  })

  it('is not certain when the chosen path was seen in between', () => {
    const lost = new LostPaths()
    const seen = [false, false, true, false, false].map((chosen, i) => lost.look(PEER, [at(1, chosen, i)], i * 1000))
    expect(seen).toEqual([false, false, false, false, false])
  })

  it('is certain when the chosen one carries nothing while others do', () => {
    const lost = new LostPaths()
    const looks = Array.from({ length: 9 }, (_, i) => lost.look(PEER, [at(1, true, 50), at(2, false, 10 + i)], i * 1000))
    expect(looks).toEqual([...Array(8).fill(false), true])
  })

  it('is not suspected when nothing arrives from the peer at all', () => {
    const lost = new LostPaths()
    const looks = Array.from({ length: 30 }, (_, i) => lost.look(PEER, [at(1, true, 50), at(2, false, 10)], i * 1000))
    expect(looks.includes(true)).toBe(false)
  })

  it('counts a connection that came meanwhile as alive', () => {
    const lost = new LostPaths()
    expect(lost.look(PEER, [at(1, true, 50)], 0)).toBe(false)
    expect(lost.look(PEER, [at(1, true, 50), at(2, false, 3)], 9000)).toBe(true)
    lost.forget(PEER)
    expect(lost.look(PEER, [at(1, true, 50)], 10_000)).toBe(false)
    expect(lost.look(PEER, [at(1, true, 50), at(2, true, 3)], 19_000)).toBe(false)
  })

  it('starts over after a pause and after a success', () => {
    const lost = new LostPaths()
    lost.look(PEER, [at(1, false, 1)], 0)
    expect(lost.look(PEER, [at(1, false, 1)], 100_000)).toBe(false)
    lost.forget(PEER)
    expect(lost.look(PEER, [at(1, false, 1)], 103_000)).toBe(false)
  })
})
