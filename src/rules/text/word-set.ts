import type { Form, Token } from './model.ts'

/** Sets of words there may be; each is a bit of the words in it. */
const MAX_SETS = 480
/** Bits of a number the engine keeps without an object of its own. */
const BITS = 30
const NUMBERS = MAX_SETS / BITS

/** The bits of every word of any set. */
const bitsOf = new Map<string, number[]>()
const NONE: readonly number[] = new Array<number>(NUMBERS).fill(0)
let sets = 0
let looked = false

/**
 * Words a token may be. A form remembers which sets have it: asking is reading a number that is at hand, where a look into a table
 * waits for memory several times. Sets are made while modules load, before the first is asked.
 */
export class WordSet {
  readonly #at: number
  readonly #bit: number

  constructor(words: Iterable<string>) {
    if (looked || sets >= MAX_SETS) throw new RangeError(looked ? 'a set of words made too late' : 'too many sets of words')
    this.#at = Math.floor(sets / BITS)
    this.#bit = 1 << (sets % BITS)
    sets++
    for (const word of words) {
      let bits = bitsOf.get(word)
      if (bits === undefined) {
        bits = NONE.slice()
        bitsOf.set(word, bits)
      }
      bits[this.#at] = (bits[this.#at] as number) | this.#bit
    }
  }

  /** Whether the token's text is one of the words; no token is none. */
  has(token: Token | undefined): boolean {
    if (token === undefined) return false
    return (((token.form.sets ?? look(token.form))[this.#at] as number) & this.#bit) !== 0
  }
}

function look(form: Form): readonly number[] {
  looked = true
  const bits = bitsOf.get(form.text) ?? NONE
  form.sets = bits
  return bits
}
