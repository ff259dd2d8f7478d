import type { Token } from '../text/model.ts'
import { WORD } from './graph-parts.ts'
import type { WordInfo } from './vocabulary.ts'

/** Tokens of most texts; memory grows with longer ones. */
const USUAL = 512
/** Words have one of 64 bits each, in two numbers: a set of words whose bits a text has not has none of its words. */
const bitOf = (id: number): number => Math.imul(id, 0x9e3779b1) >>> 26

/** The bits of several words. */
export class WordBits {
  low = 0
  high = 0

  add(id: number): void {
    const bit = bitOf(id)
    if (bit < 32) this.low |= 1 << bit
    else this.high |= 1 << (bit & 31)
  }
}

/**
 * What look-ups ask of the words of one text again and again, as numbers side by side. One for all texts: it tells of the text
 * taken last.
 */
export class TextWords {
  /** Number of tokens. */
  count = 0
  /** By token: its word as a symbol of edges; −1 for a word no phrase has. */
  symbols = new Int32Array(USUAL)
  /** By token: the bit of its word, in the lower or the higher number. */
  lows = new Int32Array(USUAL)
  highs = new Int32Array(USUAL)
  /** By token: both in one number. */
  bits = new Int32Array(USUAL)
  /** By token: where a gap that begins there ends at the latest: behind a comma, with the sentence or the line. */
  stops = new Int32Array(USUAL)
  /** Bits of all words. */
  low = 0
  high = 0

  #tokens: readonly Token[] | undefined
  #infos: readonly WordInfo[] | undefined

  /** `sieved`: without it every token counts as any word. */
  take(tokens: readonly Token[], infos: readonly WordInfo[], sieved = true): this {
    if (this.#tokens === tokens && this.#infos === infos) return this
    this.#tokens = tokens
    this.#infos = infos
    const { length } = tokens
    if (length > this.symbols.length) this.#grow(length)
    const { symbols, lows, highs, bits, stops } = this
    let all = 0
    let allHigh = 0
    let stop = length
    let sentence = -1
    for (let i = length - 1; i >= 0; i--) {
      const { id } = infos[i] as WordInfo
      let low = sieved ? 0 : -1
      let high = low
      if (id < 0) symbols[i] = -1
      else {
        symbols[i] = id * 3 + WORD
        const bit = bitOf(id)
        if (bit < 32) low |= 1 << bit
        else high |= 1 << (bit & 31)
      }
      lows[i] = low
      highs[i] = high
      bits[i] = low | high
      all |= low
      allHigh |= high
      const token = tokens[i] as Token
      if (token.kind === 'line') stop = i
      else if (token.form.comma || token.sentence !== sentence) stop = i + 1
      sentence = token.sentence
      stops[i] = stop
    }
    this.low = all
    this.high = allHigh
    this.count = length
    return this
  }

  #grow(length: number): void {
    this.symbols = new Int32Array(length)
    this.lows = new Int32Array(length)
    this.highs = new Int32Array(length)
    this.bits = new Int32Array(length)
    this.stops = new Int32Array(length)
  }
}
