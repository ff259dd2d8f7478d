import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { seededRng } from '../../../src/base/random.ts'
import type { PeerId } from '../../../src/core/ids.ts'
import { identityOfSeed } from '../../../src/core/keys/identity.ts'
import { Mdns } from '../../../src/core/lookup/mdns.ts'
import { encodeMdnsQuery } from '../../../src/core/lookup/mdns-records.ts'
import { EXPIRY_CHECK_MS, graceMs } from '../../../src/core/lookup/mdns-rhythm.ts'

const idOf = (n: number): PeerId => identityOfSeed(new Uint8Array(32).fill(n)).id

/** One cable: what one sends everybody hears, itself included. */
class Cable {
  readonly packets: Uint8Array[] = []
  readonly #listeners = new Set<(packet: Uint8Array) => void>()

  plug(clock: ManualClock, n: number, direct: readonly string[] = [`10.0.0.${n}:4433`]) {
    const found: string[] = []
    const gone: PeerId[] = []
    let listener = (_: Uint8Array): void => {}
    const hear = (packet: Uint8Array): void => listener(packet)
    this.#listeners.add(hear)
    const own = { id: idOf(n), direct }
    const mdns = new Mdns({
      me: own.id,
      clock,
      rng: seededRng(n),
      log: nullLogger,
      own: () => own,
      onFound: (addr) => found.push(`${addr.id} ${addr.direct.join()}`),
      onGone: (peer) => gone.push(peer),
      port: {
        send: (packet) => this.say(packet),
        onPacket: (take) => {
          listener = take
        },
        close: async () => {
          this.#listeners.delete(hear)
        },
      },
    })
    mdns.start()
    return { mdns, found, gone, own }
  }

  say(packet: Uint8Array): void {
    this.packets.push(packet)
    for (const listener of [...this.#listeners]) listener(packet)
  }
}

describe('mDNS', () => {
  test('two nodes hear each other within two seconds, and miss each other soon after', async () => {
    const [clock, cable] = [new ManualClock(), new Cable()]
    const a = cable.plug(clock, 1)
    const b = cable.plug(clock, 2)
    clock.advance(2_000)
    expect(a.found).toEqual([`${b.own.id} 10.0.0.2:4433`])
    expect(b.found).toEqual([`${a.own.id} 10.0.0.1:4433`])
    clock.advance(10_000)
    expect(a.found).toHaveLength(1)
    expect([a.gone, b.gone]).toEqual([[], []])
    await b.mdns.stop()
    clock.advance(graceMs(1) + 2 * EXPIRY_CHECK_MS)
    expect(a.gone).toEqual([b.own.id])
    expect(a.mdns.peers()).toEqual([])
    await a.mdns.stop()
  })

  test('eight nodes know each other, hold on to each other, and share the work', async () => {
    const [clock, cable] = [new ManualClock(), new Cable()]
    const nodes = Array.from({ length: 8 }, (_, i) => cable.plug(clock, i + 1))
    clock.advance(15_000)
    for (const { mdns } of nodes) expect(mdns.peers()).toHaveLength(7)
    cable.packets.length = 0
    clock.advance(15_000)
    // About one question and a few answers per cadence in all, not per node.
    expect(cable.packets.length).toBeLessThan(120)
    await Promise.all(nodes.map(({ mdns }) => mdns.stop()))
  })

  test('tells nothing without an address, hears of a new one, and takes no more than it can from a flood', async () => {
    const [clock, cable] = [new ManualClock(), new Cable()]
    const silent = cable.plug(clock, 1, [])
    const b = cable.plug(clock, 2)
    clock.advance(5_000)
    expect(b.found).toEqual([])
    expect(silent.found).toHaveLength(1)
    ;(b.own.direct as string[])[0] = '10.0.0.9:1'
    clock.advance(5_000)
    expect(silent.found.at(-1)).toBe(`${b.own.id} 10.0.0.9:1`)
    const before = silent.mdns.stats().packets
    for (let i = 0; i < 1_000; i++) cable.say(Uint8Array.of(1, 2, 3))
    expect(silent.mdns.stats().packets - before).toBeLessThanOrEqual(200)
    expect(silent.mdns.stats().malformed).toBeGreaterThan(0)
    clock.advance(2_000)
    cable.say(encodeMdnsQuery())
    clock.advance(2_000)
    expect(silent.mdns.peers()).toEqual([b.own.id])
    await Promise.all([silent.mdns.stop(), b.mdns.stop()])
  })
})
