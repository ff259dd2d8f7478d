import { z } from 'zod'
import type { Form } from '../text/model.ts'

/** Columns of the table; the order of training. */
export const WORDING_CLASSES = ['none', 'sell', 'buy', 'exchange', 'service_offered', 'service_wanted'] as const
export type WordingClass = (typeof WORDING_CLASSES)[number]

const CLASSES = WORDING_CLASSES.length
/** Signs one table may hold. */
export const MAX_WORDING_SIGNS = 100_000
/** Slots per sign at least: most signs of a message are in no table, and that is to be found out at the first look. */
const SPARE = 2
/** Bytes of a slot: the sign, a weight per class, when it was seen. */
const WIDTH = 12
const WEIGHTS = 4
const SEEN = 5
/** Neighbouring signs get distant slots. */
const SPREAD = 0x9e3779b1
const MAX_READING = 0xffff
/** Signs read of one message. */
const MAX_SIGNS = 1024

/** What `scripts/wording.ts` writes: what each sign of wording says for each class. */
export const wordingSchema = z
  .object({
    version: z.literal(2),
    /** What one step of a weight is worth, in natural logarithms of odds. */
    step: z.number().positive().max(1),
    /** Per class, in natural logarithms of odds. */
    bias: z.array(z.number().min(-20).max(20)).length(CLASSES),
    /** What the decision of cues and guards counts, in natural logarithms of odds. */
    vote: z.number().min(0).max(20),
    /** What it counts for `none` that cues and guards found nothing, in natural logarithms of odds. */
    silence: z.number().min(-20).max(20),
    /** Base64 of the signs, each a number of 32 bits, little-endian, in ascending order. */
    signs: z.string().max(600_000),
    /** Base64 of one signed byte per class and sign. */
    weights: z.string().max(900_000),
  })
  .strict()
  .refine(({ signs, weights }) => bytesOf(signs) * CLASSES === bytesOf(weights) * 4 && bytesOf(signs) % 4 === 0, {
    message: 'the weights are not six for each sign',
  })
  .refine(({ signs }) => bytesOf(signs) <= MAX_WORDING_SIGNS * 4, { message: `more than ${MAX_WORDING_SIGNS} signs` })
export type WordingFile = z.infer<typeof wordingSchema>

const bytesOf = (base64: string): number => Buffer.byteLength(base64, 'base64')

/** Takes the signs of a message, each by a number of 32 bits. */
export interface SignSink {
  add(sign: number): void
  /** The signs of a word, whose form keeps where they stand; one by one through `add` without it. */
  addWord?(form: Form): void
}

/** Tables made so far: forms of words say which one their places are of. */
let made = 0

/**
 * A linear model of wording: what each sign says for each class. Only signs that training met stand in the table, each for itself
 * alone; all others say nothing. Reading reuses its own memory; it is not to be shared by threads.
 */
export class Wording implements SignSink {
  readonly version: number
  readonly vote: number
  readonly silence: number
  readonly #step: number
  readonly #bias: readonly number[]
  readonly #mask: number
  readonly #signs: Int32Array
  readonly #weights: Int8Array
  readonly #seen: Uint16Array
  /** A bit per slot that is taken: small enough to stay in the first cache of the processor. */
  readonly #taken: Uint32Array
  readonly #sums = new Int32Array(CLASSES)
  readonly #id = ++made
  #reading = 0
  #count = 0

  constructor(file: WordingFile) {
    this.version = file.version
    this.vote = file.vote
    this.silence = file.silence
    this.#step = file.step
    this.#bias = file.bias
    const signs = Buffer.from(file.signs, 'base64')
    const weights = Buffer.from(file.weights, 'base64')
    const count = signs.length / 4
    let slots = 1_024
    while (slots < count * SPARE) slots *= 2
    this.#mask = slots - 1
    const table = new ArrayBuffer(slots * WIDTH)
    this.#signs = new Int32Array(table)
    this.#weights = new Int8Array(table)
    this.#seen = new Uint16Array(table)
    this.#taken = new Uint32Array(slots / 32)
    for (let k = 0; k < count; k++) {
      const sign = signs.readInt32LE(k * 4)
      const slot = this.#free(sign)
      this.#taken[slot >>> 5] = (this.#taken[slot >>> 5] as number) | (1 << (slot & 31))
      this.#signs[slot * (WIDTH / 4)] = sign
      for (let c = 0; c < CLASSES; c++) this.#weights[slot * WIDTH + WEIGHTS + c] = weights.readInt8(k * CLASSES + c)
    }
  }

  begin(): void {
    if (++this.#reading === MAX_READING) {
      for (let slot = 0; slot <= this.#mask; slot++) this.#seen[slot * (WIDTH / 2) + SEEN] = 0
      this.#reading = 1
    }
    this.#sums.fill(0)
    this.#count = 0
  }

  add(sign: number): void {
    const slot = this.#find(sign)
    if (slot >= 0) this.#take(slot)
  }

  addWord(form: Form): void {
    if (form.slotsOf !== this.#id) {
      form.wordSlot = this.#find(form.wordSign)
      form.stemSlot = form.stemSign === 0 ? -1 : this.#find(form.stemSign)
      form.longStemSlot = form.longStemSign === 0 ? -1 : this.#find(form.longStemSign)
      form.slotsOf = this.#id
    }
    if (form.wordSlot >= 0) this.#take(form.wordSlot)
    if (form.stemSlot >= 0) this.#take(form.stemSlot)
    if (form.longStemSlot >= 0) this.#take(form.longStemSlot)
  }

  /** Slot of a sign; −1 for one that says nothing. */
  #find(sign: number): number {
    const taken = this.#taken
    const mask = this.#mask
    let slot = (Math.imul(sign, SPREAD) >>> 8) & mask
    if (((taken[slot >>> 5] as number) & (1 << (slot & 31))) === 0) return -1
    while (this.#signs[slot * (WIDTH / 4)] !== sign) {
      slot = (slot + 1) & mask
      if (((taken[slot >>> 5] as number) & (1 << (slot & 31))) === 0) return -1
    }
    return slot
  }

  #take(slot: number): void {
    const mark = slot * (WIDTH / 2) + SEEN
    if (this.#seen[mark] === this.#reading || this.#count >= MAX_SIGNS) return
    this.#seen[mark] = this.#reading
    this.#count++
    const at = slot * WIDTH + WEIGHTS
    const weights = this.#weights
    const sums = this.#sums
    // Written out: this runs fifty times per message.
    sums[0] = (sums[0] as number) + (weights[at] as number)
    sums[1] = (sums[1] as number) + (weights[at + 1] as number)
    sums[2] = (sums[2] as number) + (weights[at + 2] as number)
    sums[3] = (sums[3] as number) + (weights[at + 3] as number)
    sums[4] = (sums[4] as number) + (weights[at + 4] as number)
    sums[5] = (sums[5] as number) + (weights[at + 5] as number)
  }

  /** Logarithm of odds per class, up to a common summand. */
  end(): number[] {
    const share = this.#step / Math.sqrt(Math.max(1, this.#count))
    return this.#bias.map((b, c) => b + (this.#sums[c] as number) * share)
  }

  /** The slot a sign is found in from now on. */
  #free(sign: number): number {
    let slot = (Math.imul(sign, SPREAD) >>> 8) & this.#mask
    while (((this.#taken[slot >>> 5] as number) & (1 << (slot & 31))) !== 0) slot = (slot + 1) & this.#mask
    return slot
  }
}
