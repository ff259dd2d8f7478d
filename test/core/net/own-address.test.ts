import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { parsePeerId } from '../../../src/core/ids.ts'
import { OwnAddress } from '../../../src/core/net/own-address.ts'
import type { PeerAddr } from '../../../src/core/net/transport.ts'

const id = parsePeerId('ab'.repeat(32))

function world() {
  const clock = new ManualClock()
  let addr: PeerAddr = { id, direct: ['1.1.1.1:1', '2.2.2.2:2'] }
  let reads = 0
  const own = new OwnAddress({
    clock,
    log: nullLogger,
    read: () => {
      reads++
      return addr
    },
  })
  const heard: PeerAddr[] = []
  const off = own.onChange((a) => heard.push(a))
  return { clock, own, heard, off, set: (next: PeerAddr) => (addr = next), reads: () => reads }
}

test('polls every second at first, then every 5 s, then every 30 s, and not after stop', () => {
  const { clock, own, reads } = world()
  own.start()
  const count = (ms: number): number => {
    const before = reads()
    clock.advance(ms)
    return reads() - before
  }
  expect(count(30_000)).toBe(30)
  expect(count(270_000)).toBe(54)
  expect(count(300_000)).toBe(10)
  own.stop()
  expect(count(300_000)).toBe(0)
})

test('tells listeners about changes only, and a failing one does not matter', () => {
  const { clock, own, heard, off, set } = world()
  own.onChange(() => {
    throw new Error('listener')
  })
  own.start()
  set({ id, direct: ['2.2.2.2:2', '1.1.1.1:1'] })
  clock.advance(1_000)
  expect(heard).toEqual([])
  const next = { id, direct: ['2.2.2.2:2'], relayUrl: 'https://relay.example/' }
  set(next)
  clock.advance(1_000)
  clock.advance(1_000)
  expect(heard).toEqual([next])
  expect(own.current).toBe(next)
  off()
  set({ id, direct: [] })
  clock.advance(1_000)
  expect(heard.length).toBe(1)
})
