import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../../src/base/clock.ts'
import { Admission, type Slot } from '../../../../src/core/blobs/provider-admission.ts'
import { DEFAULT_PROVIDER_LIMITS, type ProviderLimits } from '../../../../src/core/blobs/provider-limits.ts'
import { peerIdOf } from '../../../../src/core/ids.ts'
import { codeOf } from '../../net/support.ts'

const peer = (n: number) => peerIdOf(new Uint8Array(32).fill(n))
const A = peer(1)
const B = peer(2)
const C = peer(3)
const never = new AbortController().signal

function make(limits: Partial<ProviderLimits> = {}): { clock: ManualClock; admission: Admission } {
  const clock = new ManualClock()
  return { clock, admission: new Admission({ ...DEFAULT_PROVIDER_LIMITS, ...limits }, clock) }
}

/** Lets everything under way have its turn. */
const turn = (): Promise<void> => new Promise((go) => setImmediate(go))

/** Notes whether a wait is over. */
function watch<T>(work: Promise<T>): { readonly done: boolean; readonly work: Promise<T> } {
  const state = { done: false, work }
  work.then(
    () => (state.done = true),
    () => (state.done = true),
  )
  return state
}

describe('the rate of requests', () => {
  it('beyond the burst each waits for its token', async () => {
    const { clock, admission } = make({ ratePerPeer: 10, burstPerPeer: 2, perPeer: 100 })
    await admission.enter(A, never)
    await admission.enter(A, never)
    const third = watch(admission.enter(A, never))
    await turn()
    expect(third.done).toBe(false)
    // Others are not concerned.
    await admission.enter(B, never)
    clock.advance(99)
    await turn()
    expect(third.done).toBe(false)
    clock.advance(1)
    await third.work
  })

  it('whoever would wait too long is refused at once', async () => {
    const { admission } = make({ ratePerPeer: 0.01, burstPerPeer: 1, waitMs: 10_000 })
    await admission.enter(A, never)
    expect(await codeOf(admission.enter(A, never))).toBe('BLOB_LIMITED')
  })

  it('large requests cost more', async () => {
    const { clock, admission } = make({ ratePerPeer: 10, burstPerPeer: 20 })
    await admission.pay(A, 4095, never)
    await admission.pay(A, 20 * 4096, never)
    const more = watch(admission.pay(A, 4096, never))
    await turn()
    expect(more.done).toBe(false)
    clock.advance(100)
    await more.work
  })
})

describe('places', () => {
  it('of one peer: the next waits until one is free', async () => {
    const { admission } = make({ perPeer: 2 })
    const first = await admission.enter(A, never)
    await admission.enter(A, never)
    const third = watch(admission.enter(A, never))
    await turn()
    expect(third.done).toBe(false)
    first.leave()
    first.leave()
    await third.work
    expect(admission.active).toBe(2)
  })

  it('of all: a peer with many gives way to one with few, never the other way round', async () => {
    const { admission } = make({ perPeer: 3, total: 3 })
    const slots: Slot[] = []
    for (let i = 0; i < 3; i++) slots.push(await admission.enter(A, never))
    const b = watch(admission.enter(B, never))
    await turn()
    expect(slots.map((s) => s.signal.aborted)).toEqual([true, false, false])
    slots[0]?.leave()
    await b.work
    const c = watch(admission.enter(C, never))
    await turn()
    slots[1]?.leave()
    await c.work
    // Everybody has one: nobody is sent away.
    const d = watch(admission.enter(peer(4), never))
    await turn()
    expect(slots[2]?.signal.aborted).toBe(false)
    expect(d.done).toBe(false)
    slots[2]?.leave()
    await d.work
  })

  it('a wait ends with its time and with its connection', async () => {
    const { clock, admission } = make({ perPeer: 1, waitMs: 5_000 })
    const held = await admission.enter(A, never)
    const late = admission.enter(A, never)
    const gone = new AbortController()
    const left = admission.enter(A, gone.signal)
    await turn()
    gone.abort()
    expect(await codeOf(left)).toBe('BLOB_LIMITED')
    clock.advance(5_000)
    expect(await codeOf(late)).toBe('BLOB_LIMITED')
    held.leave()
    expect(admission.active).toBe(0)
    await admission.enter(A, never)
  })
})

describe('connections', () => {
  it('of one peer and of all are counted in and out', () => {
    const { admission } = make({ connectionsPerPeer: 2, connections: 3 })
    const leave = admission.connect(A)
    expect(admission.connect(A)).toBeDefined()
    expect(admission.connect(A)).toBeUndefined()
    expect(admission.connect(B)).toBeDefined()
    expect(admission.connect(C)).toBeUndefined()
    leave?.()
    leave?.()
    expect(admission.connect(C)).toBeDefined()
    expect(admission.connections).toBe(3)
  })

  it('too much junk closes the door for a while', () => {
    const { clock, admission } = make({ junkPerSecond: 1, junkBurst: 3, banMs: 1_000 })
    expect([1, 2, 3, 4].map(() => admission.junk(A))).toEqual([true, true, true, false])
    expect(admission.connect(A)).toBeUndefined()
    expect(admission.connect(B)).toBeDefined()
    clock.advance(1_001)
    expect(admission.connect(A)).toBeDefined()
  })
})

describe('junk of one address', () => {
  const limits = { junkPerSecondOfAddress: 1, junkBurstOfAddress: 3, banMs: 1_000 }

  it('turns strangers from there away for a while, under whatever key', () => {
    const { clock, admission } = make(limits)
    expect([A, B, A, B].map((peer) => admission.junk(peer, '192.0.2.1'))).toEqual([true, true, true, false])
    expect(admission.connect(C, '192.0.2.1')).toBeUndefined()
    expect(admission.connect(C, '192.0.2.2')).toBeDefined()
    // Through a relay.
    expect(admission.connect(C)).toBeDefined()
    clock.advance(1_001)
    expect(admission.connect(C, '192.0.2.1')).toBeDefined()
  })

  it('does not concern who was served before, but who was served since', () => {
    const { clock, admission } = make(limits)
    admission.served(C)
    clock.advance(1)
    for (let i = 0; i < 4; i++) admission.junk(A, '192.0.2.1')
    clock.advance(1)
    admission.served(B)
    expect(admission.connect(C, '192.0.2.1')).toBeDefined()
    expect(admission.connect(B, '192.0.2.1')).toBeUndefined()
  })
})

describe('bytes', () => {
  it('wait for the budget of the peer and of all', async () => {
    const { clock, admission } = make({ bytesPerSecond: 262_144, totalBytesPerSecond: 393_216 })
    expect(await admission.sendable(A, 262_144, never)).toBe(0)
    const b = admission.sendable(B, 262_144, never)
    await turn()
    clock.advance(334)
    // All together had 131,072 left; the rest comes at 393,216 per second.
    expect(await b).toBe(334)
    const a = watch(admission.sendable(A, 262_144, never))
    await turn()
    clock.advance(665)
    await turn()
    expect(a.done).toBe(false)
    clock.advance(1)
    await turn()
    clock.advance(10)
    await a.work
  })
})
