import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { K2Error } from '../../../../src/base/errors.ts'
import { seededRng } from '../../../../src/base/random.ts'
import type { AttemptOutcome } from '../../../../src/core/blobs/download-errors.ts'
import { DownloadPlan, type PlanLimits, type PlanStep, wholeGroups } from '../../../../src/core/blobs/download-plan.ts'
import { ProviderPool } from '../../../../src/core/blobs/provider-pool.ts'
import { chunksOf, GROUP_BYTES } from '../../../../src/core/blobs/tree/blake3.ts'
import {
  ALL,
  type ChunkRanges,
  hasChunk,
  intersect,
  LAST_CHUNK,
  subtract,
  union,
} from '../../../../src/core/blobs/tree/ranges.ts'
import { type PeerId, peerIdOf } from '../../../../src/core/ids.ts'

/** How a provider of the simulated world behaves. Times in ms. */
interface Behaviour {
  readonly kind: 'honest' | 'partial' | 'flaky' | 'hostile' | 'refusing' | 'empty' | 'silent' | 'dripping'
  readonly latency: number
  readonly perLeaf: number
  /** Leaves before it fails. */
  readonly leaves: number
}

const behaviour = fc.record({
  kind: fc.constantFrom<Behaviour['kind'][]>('honest', 'partial', 'flaky', 'hostile', 'refusing', 'empty', 'silent', 'dripping'),
  latency: fc.integer({ min: 1, max: 400 }),
  perLeaf: fc.integer({ min: 1, max: 300 }),
  leaves: fc.integer({ min: 0, max: 6 }),
})

const world = fc.record({
  size: fc.integer({ min: 1, max: 60 * GROUP_BYTES }),
  have: fc.array(fc.nat(59), { maxLength: 20 }),
  wanted: fc.option(fc.array(fc.tuple(fc.nat(900), fc.nat(200)), { minLength: 1, maxLength: 4 }), { nil: undefined }),
  behaviours: fc.array(behaviour, { minLength: 1, maxLength: 4 }),
  lanes: fc.integer({ min: 1, max: 4 }),
  knowsSize: fc.boolean(),
  seed: fc.nat(),
})

const LIMITS: Omit<PlanLimits, 'lanes'> = {
  pieceBytes: 6 * GROUP_BYTES,
  failuresPerProvider: 3,
  minBytesPerSecond: 1024,
  slowWindowMs: 60_000,
  hedgeMs: 5_000,
}
const STALL_MS = 30_000
const STEPS_MAX = 5_000

const failure = (code: string): K2Error => new K2Error({ code, kind: 'network', message: code })
const ended = (kind: Exclude<AttemptOutcome['kind'], 'done'>, code: string): AttemptOutcome => ({ kind, error: failure(code) })

/** Providers that fail before the first byte. */
const AT_ONCE: Partial<Record<Behaviour['kind'], AttemptOutcome>> = {
  refusing: ended('refused', 'NET_STREAM_RESET'),
  empty: ended('missing', 'BLOB_NOT_FOUND'),
  silent: ended('cut', 'NET_TIMEOUT'),
}

interface Happening {
  readonly at: number
  readonly attempt: number
  run(): void
}

type Fetch = Extract<PlanStep, { kind: 'fetch' }>

class World {
  readonly plan: DownloadPlan
  readonly pool: ProviderPool
  readonly asked: { provider: PeerId; ranges: ChunkRanges; at: number }[] = []
  present: ChunkRanges
  received = 0
  now = 0
  #happenings: Happening[] = []
  readonly #open = new Map<number, Fetch>()
  readonly #size: number
  readonly #behaviours: Map<PeerId, Behaviour>
  readonly #lanes: number

  constructor(init: {
    size: number
    have: ChunkRanges
    wanted: ChunkRanges
    behaviours: readonly Behaviour[]
    lanes: number
    seed: number
    knowsSize: boolean
  }) {
    this.#size = init.size
    this.#lanes = init.lanes
    this.present = init.have
    const ids = init.behaviours.map((_, i) => peerIdOf(new Uint8Array(32).fill(i + 1)))
    this.#behaviours = new Map(ids.map((id, i) => [id, init.behaviours[i] as Behaviour]))
    const limits = { failuresPerProvider: 3, backoffMs: 100, maxBackoffMs: 2_000, lanesPerProvider: 4 }
    this.pool = new ProviderPool(ids, limits, seededRng(init.seed))
    this.plan = new DownloadPlan({
      wanted: init.wanted,
      have: init.have,
      size: init.knowsSize ? init.size : undefined,
      pool: this.pool,
      limits: { ...LIMITS, lanes: init.lanes },
    })
  }

  /** Runs to the end; checks what must hold at every step. */
  run(): PlanStep {
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      const step = this.plan.step(this.now)
      switch (step.kind) {
        case 'done':
        case 'failed':
          return step
        case 'fetch':
          this.#check(step)
          this.#open.set(step.attempt, step)
          this.#serve(step)
          break
        case 'abort':
          this.#happenings = this.#happenings.filter((h) => h.attempt !== step.attempt)
          this.#end(step.attempt, { kind: 'cut', error: step.error })
          break
        case 'wait':
          this.#advance(step.atMs)
      }
    }
    throw new Error('the plan does not come to an end')
  }

  #check({ provider, ranges }: Fetch): void {
    expect(this.#open.size).toBeLessThan(this.#lanes)
    expect(ranges.length).toBeGreaterThan(0)
    const state = this.pool.providers.find((p) => p.id === provider)
    expect(state?.banned).toBe(false)
    expect(state?.readyAt).toBeLessThanOrEqual(this.now)
    if (ranges !== LAST_CHUNK) expect(intersect(ranges, this.present)).toEqual([])
    this.asked.push({ provider, ranges, at: this.now })
  }

  #advance(atMs: number | undefined): void {
    const next = this.#happenings.sort((a, b) => a.at - b.at)[0]
    if (next === undefined && atMs === undefined) throw new Error('the plan waits for ever')
    if (next !== undefined && (atMs === undefined || next.at <= atMs)) {
      this.#happenings.shift()
      this.now = Math.max(this.now, next.at)
      next.run()
    } else this.now = Math.max(this.now + 1, atMs as number)
  }

  #end(attempt: number, outcome: AttemptOutcome): void {
    this.#open.delete(attempt)
    this.plan.ended(attempt, outcome, this.now)
  }

  #serve(step: Fetch): void {
    const how = this.#behaviours.get(step.provider) as Behaviour
    let at = this.now + how.latency + (how.kind === 'silent' ? STALL_MS : 0)
    const later = (delay: number, run: () => void): void => {
      at += delay
      this.#happenings.push({ at, attempt: step.attempt, run })
    }
    let sent = 0
    let outcome = AT_ONCE[how.kind]
    if (outcome === undefined) {
      for (const [offset, length] of leavesOf(step.ranges, this.#size)) {
        outcome = this.#failing(how, offset, sent)
        if (outcome !== undefined) break
        later(how.kind === 'dripping' ? 29_000 : how.perLeaf, () => this.#leaf(step.attempt, offset, length))
        sent++
      }
    }
    later(0, () => this.#end(step.attempt, outcome ?? { kind: 'done' }))
  }

  #failing(how: Behaviour, offset: number, sent: number): AttemptOutcome | undefined {
    const lacks = how.kind === 'partial' && (offset / GROUP_BYTES) % 3 === 0
    if (lacks) return sent === 0 ? ended('missing', 'BLOB_NOT_FOUND') : ended('cut', 'NET_STREAM_RESET')
    if (how.kind === 'flaky' && sent >= how.leaves) return ended('cut', 'NET_CLOSED')
    if (how.kind === 'hostile' && sent >= how.leaves) return ended('hostile', 'BLOB_MISMATCH')
    return undefined
  }

  #leaf(attempt: number, offset: number, length: number): void {
    const first = BigInt(offset / 1024)
    if (offset + length === this.#size) this.plan.proved(this.#size)
    const bytes = this.plan.took(attempt, offset, length, this.now)
    const whole = offset % GROUP_BYTES === 0 && (length === GROUP_BYTES || offset + length === this.#size)
    expect(bytes).toBe(whole && !hasChunk(this.present, first) ? length : 0)
    if (bytes === 0) return
    this.received += length
    this.present = union(this.present, [first, first + BigInt(chunksOf(length))])
  }
}

/** Leaves of a response in order: whole groups, and the last chunk for the probe. */
function leavesOf(ranges: ChunkRanges, size: number): [number, number][] {
  const chunks = chunksOf(size)
  const lastChunk = (chunks - 1) * 1024
  if (ranges === LAST_CHUNK) return [[lastChunk, size - lastChunk]]
  const out: [number, number][] = []
  for (let offset = 0; offset < size; offset += GROUP_BYTES) {
    if (hasChunk(ranges, BigInt(offset / 1024))) out.push([offset, Math.min(GROUP_BYTES, size - offset)])
  }
  // Ranges wholly behind the end select the last chunk (blobs.md 4.3).
  return out.length === 0 ? [[lastChunk, size - lastChunk]] : out
}

const groupsAsChunks = (groups: readonly number[], size: number): ChunkRanges =>
  intersect(
    groups.reduce<ChunkRanges>((set, g) => union(set, [BigInt(g * 16), BigInt(g * 16 + 16)]), []),
    [0n, BigInt(chunksOf(size))],
  )

describe('the plan of a download', () => {
  it('ends; never asks for what is here or whom it has banned; any lasting honest provider finishes it', () => {
    fc.assert(
      fc.property(world, ({ size, have, wanted, behaviours, lanes, knowsSize, seed }) => {
        const here = groupsAsChunks(have, size)
        const ranges = wanted?.reduce<ChunkRanges>((set, [a, n]) => union(set, [BigInt(a), BigInt(a + n + 1)]), []) ?? ALL
        const w = new World({ size, have: here, wanted: wholeGroups(ranges), behaviours, lanes, seed, knowsSize })
        const last = w.run()
        const all: ChunkRanges = [0n, BigInt(chunksOf(size))]
        if (behaviours.some((b) => b.kind === 'honest')) expect(last.kind).toBe('done')
        if (last.kind === 'done') {
          expect(subtract(intersect(wholeGroups(ranges), all), w.present)).toEqual([])
          if (ranges === ALL) expect(w.plan.size).toBe(size)
        } else {
          expect(last).toMatchObject({ kind: 'failed' })
          // Wrong data alone is told apart from mere failure.
          const kinds = new Set(behaviours.map((b) => b.kind))
          if (kinds.size === 1 && kinds.has('hostile')) expect(last).toMatchObject({ error: { code: 'BLOB_MISMATCH' } })
        }
      }),
      { numRuns: 1_500 },
    )
  })

  it('several lanes take disjoint pieces and bring every byte once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 * GROUP_BYTES }),
        fc.integer({ min: 2, max: 4 }),
        fc.nat(),
        (size, lanes, seed) => {
          const honest: Behaviour = { kind: 'honest', latency: 20, perLeaf: 5, leaves: 0 }
          const init = { size, have: [], wanted: ALL, behaviours: [honest, honest, honest], lanes, seed, knowsSize: false }
          const w = new World(init)
          expect(w.run().kind).toBe('done')
          expect(w.received).toBe(size)
          const [probe, ...pieces] = w.asked.map((a) => a.ranges)
          expect(probe).toEqual(LAST_CHUNK)
          for (const [i, piece] of pieces.entries())
            for (const other of pieces.slice(i + 1)) expect(intersect(piece, other)).toEqual([])
        },
      ),
      { numRuns: 200 },
    )
  })

  it('pauses between failures of one provider grow and are never below half of their nominal length', () => {
    const flaky: Behaviour = { kind: 'flaky', latency: 1, perLeaf: 1, leaves: 0 }
    const w = new World({ size: 100_000, have: [], wanted: ALL, behaviours: [flaky], lanes: 1, seed: 3, knowsSize: false })
    expect(w.run()).toMatchObject({ kind: 'failed', error: { code: 'BLOB_UNAVAILABLE', retry: 'later' } })
    const pauses = w.asked.slice(1).map((a, i) => a.at - (w.asked[i]?.at ?? 0) - 1)
    expect(pauses).toHaveLength(2)
    expect(pauses[0]).toBeGreaterThanOrEqual(50)
    expect(pauses[0]).toBeLessThanOrEqual(100)
    expect(pauses[1]).toBeGreaterThanOrEqual(100)
    expect(pauses[1]).toBeLessThanOrEqual(200)
  })

  it('a provider that drips is doubled after a while, and cut off by its rate when it is alone', () => {
    const drip: Behaviour = { kind: 'dripping', latency: 1, perLeaf: 1, leaves: 0 }
    const honest: Behaviour = { kind: 'honest', latency: 6_000, perLeaf: 1, leaves: 0 }
    const common = { size: 200_000, have: [], wanted: ALL, seed: 1, knowsSize: true }
    const alone = new World({ ...common, behaviours: [drip], lanes: 1 })
    expect(alone.run()).toMatchObject({ kind: 'failed', error: { cause: { code: 'BLOB_STALLED' } } })
    const pair = new World({ ...common, behaviours: [drip, honest], lanes: 2 })
    expect(pair.run().kind).toBe('done')
    expect(pair.now).toBeLessThan(29_000)
  })
})
