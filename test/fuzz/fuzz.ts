import { isK2Error } from '../../src/base/errors.ts'
import { below, type Rng } from '../../src/base/random.ts'
import type { Target } from './decoders.ts'
import { OutcomeBook } from './outcomes.ts'

const MAX_BYTES = 4096
/** Bytes that decoders treat specially: ends of varints, JSON's own, high bits. */
const TELLING = [0, 1, 2, 0x7f, 0x80, 0xff, 0x22, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0x2c, 0x3a, 0x2d, 0x65]

/** One changed copy of a good input, or of a changed one, or bytes out of nowhere. Deterministic for a seeded generator. */
export function mutate(rng: Rng, corpus: readonly Uint8Array[]): Uint8Array {
  if (below(rng, 20) === 0) return rng.bytes(below(rng, 300))
  let bytes: Uint8Array = (corpus[below(rng, corpus.length)] as Uint8Array).slice()
  for (let edits = 1 + below(rng, 6); edits > 0; edits--) bytes = edit(rng, bytes, corpus)
  return bytes.slice(0, MAX_BYTES)
}

function edit(rng: Rng, bytes: Uint8Array, corpus: readonly Uint8Array[]): Uint8Array {
  const at = below(rng, bytes.length + 1)
  const length = 1 + below(rng, 16)
  switch (below(rng, 7)) {
    case 0:
      if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << below(rng, 8))
      return bytes
    case 1:
      if (at < bytes.length) bytes[at] = TELLING[below(rng, TELLING.length)] as number
      return bytes
    case 2:
      return bytes.slice(0, at)
    case 3:
      return joined(bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + length)))
    case 4:
      return joined(bytes.subarray(0, at), rng.bytes(length), bytes.subarray(at))
    case 5:
      return joined(bytes, bytes.subarray(at))
    default: {
      const other = corpus[below(rng, corpus.length)] as Uint8Array
      return joined(bytes.subarray(0, at), other.subarray(below(rng, other.length + 1)))
    }
  }
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts)).slice(0, MAX_BYTES)
}

export interface FuzzResult {
  readonly inputs: number
  /** Inputs that were read without an error. */
  readonly accepted: number
  /** ms of processor time, not of the clock: other programs must not count. */
  readonly slowestMs: number
  /** One short input for every outcome met: each kind of refusal, each form of what was read. Good to start from next time. */
  readonly corpus: readonly Uint8Array[]
}

export class FuzzFinding extends Error {
  readonly input: Uint8Array

  constructor(target: string, input: Uint8Array, why: string, cause?: unknown) {
    super(`${target}: ${why} for ${Buffer.from(input).toString('hex')}`, { cause })
    this.input = input
  }
}

export interface FuzzLimits {
  readonly inputs: number
  /** Stops early after this many ms. */
  readonly ms?: number
  /** Longest time one input may take. */
  readonly hangMs: number
  /** Inputs of earlier runs to start from. */
  readonly known?: readonly Uint8Array[]
}

/** One input in so many is made from one that ended in an unusual way instead of from a good one. */
const ODD_EVERY = 4
/** Good inputs that are remembered to start from. */
const MAX_GOOD = 200

/** Feeds one decoder. Throws `FuzzFinding` for an error that is not ours, or an input that takes too long three times in a row. */
export function fuzz(target: Target, rng: Rng, limits: FuzzLimits): FuzzResult {
  const good = [...target.seeds]
  const odd = [...(limits.known ?? [])]
  const outcomes = new OutcomeBook()
  const until = limits.ms === undefined ? Number.POSITIVE_INFINITY : performance.now() + limits.ms
  let inputs = 0
  let accepted = 0
  let slowestMs = 0
  while (inputs < limits.inputs && performance.now() < until) {
    inputs++
    const input = mutate(rng, odd.length > 0 && below(rng, ODD_EVERY) === 0 ? odd : good)
    const first = timed(target, input)
    accepted += first.accepted ? 1 : 0
    // A collection of garbage or a busy machine is not the decoder's doing: the same input again shows.
    const ms = first.ms <= limits.hangMs ? first.ms : Math.min(first.ms, timed(target, input).ms, timed(target, input).ms)
    if (ms > limits.hangMs) throw new FuzzFinding(target.name, input, `took ${ms.toFixed(0)} ms`)
    slowestMs = Math.max(slowestMs, ms)
    // What is read all the same leads further into the decoder, and so does what ends where nothing has ended before.
    if (outcomes.note(first.outcome, input)) odd.push(input)
    if (first.accepted && good.length < MAX_GOOD && below(rng, 50) === 0) good.push(input)
  }
  return { inputs, accepted, slowestMs, corpus: outcomes.inputs() }
}

interface Timed {
  readonly accepted: boolean
  readonly ms: number
  /** What was read, or the error. */
  readonly outcome: unknown
}

function timed(target: Target, input: Uint8Array): Timed {
  const started = process.cpuUsage()
  let accepted = true
  let outcome: unknown
  try {
    outcome = target.decode(input)
  } catch (error) {
    if (!isK2Error(error)) throw new FuzzFinding(target.name, input, 'an error that is not ours', error)
    accepted = false
    outcome = error
  }
  const used = process.cpuUsage(started)
  return { accepted, ms: (used.user + used.system) / 1000, outcome }
}
