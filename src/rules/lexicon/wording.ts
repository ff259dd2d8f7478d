import { z } from 'zod'

/** Columns of the table; the order of training. */
export const WORDING_CLASSES = ['none', 'sell', 'buy', 'exchange', 'service_offered', 'service_wanted'] as const
export type WordingClass = (typeof WORDING_CLASSES)[number]

const BITS = 16
export const WORDING_ROWS = 1 << BITS
/** Bytes of a row in memory, and where in it, in pairs of bytes, stands when it was seen. */
const WIDTH = 8
const SEEN = 3
const MAX_READING = 0xffff
/** Signs read of one message. */
const MAX_SIGNS = 1024

/** What `scripts/wording.ts` writes: what each sign of wording says for each class. */
export const wordingSchema = z
  .object({
    version: z.number().int().min(1),
    /** What one step of a weight is worth, in natural logarithms of odds. */
    step: z.number().positive().max(1),
    /** Per class, in natural logarithms of odds. */
    bias: z.array(z.number().min(-20).max(20)).length(WORDING_CLASSES.length),
    /** What the decision of cues and guards counts, in natural logarithms of odds. */
    vote: z.number().min(0).max(20),
    /** What it counts for `none` that cues and guards found nothing, in natural logarithms of odds. */
    silence: z.number().min(-20).max(20),
    /** Base64 of one signed byte per class and row. */
    weights: z.string().max(700_000),
  })
  .strict()
export type WordingFile = z.infer<typeof wordingSchema>

/** Takes the signs of a message, each by a number of 32 bits. */
export interface SignSink {
  add(sign: number): void
}

/** A linear model of wording: rows are signs, columns classes. Reading reuses its own memory; it is not to be shared by threads. */
export class Wording implements SignSink {
  readonly version: number
  readonly vote: number
  readonly silence: number
  readonly #step: number
  readonly #bias: readonly number[]
  /** Of each row one byte per class, then two for the reading it was seen in last (every sign counts once): one look per sign. */
  readonly #weights = new Int8Array(WORDING_ROWS * WIDTH)
  readonly #seen = new Uint16Array(this.#weights.buffer)
  readonly #sums = new Int32Array(WORDING_CLASSES.length)
  #reading = 0
  #count = 0

  constructor(file: WordingFile) {
    this.version = file.version
    this.vote = file.vote
    this.silence = file.silence
    this.#step = file.step
    this.#bias = file.bias
    const bytes = Buffer.from(file.weights, 'base64')
    const classes = WORDING_CLASSES.length
    const rows = Math.min(WORDING_ROWS, Math.floor(bytes.length / classes))
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < classes; c++) this.#weights[r * WIDTH + c] = bytes.readInt8(r * classes + c)
  }

  begin(): void {
    if (++this.#reading === MAX_READING) {
      for (let r = 0; r < WORDING_ROWS; r++) this.#seen[r * (WIDTH / 2) + SEEN] = 0
      this.#reading = 1
    }
    this.#sums.fill(0)
    this.#count = 0
  }

  add(sign: number): void {
    const row = rowOf(sign)
    const mark = row * (WIDTH / 2) + SEEN
    if (this.#seen[mark] === this.#reading || this.#count >= MAX_SIGNS) return
    this.#seen[mark] = this.#reading
    this.#count++
    const at = row * WIDTH
    const weights = this.#weights
    const sums = this.#sums
    // Written out: this runs a hundred times per message.
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
}

export const rowOf = (sign: number): number => Math.imul(sign, 0x9e3779b1) >>> (32 - BITS)
