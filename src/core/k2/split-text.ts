import { utf8 } from '../../base/bytes.ts'
import { k2Error } from './errors.ts'
import { escapedBytes } from './json-writer.ts'

/** Escaped bytes of one part (k2-application 2.5): leaves room for name, ids and the gateway's mark. */
export const MAX_PART_BYTES = 3500
/** A longer text is a file, not a chat message. */
const MAX_PARTS = 40
/** A nicer break counts only when the part is filled at least this far. */
const MIN_FILL = 0.3
/** Longest cluster kept whole, in UTF-16 units; real ones have fewer than 40. */
const MAX_GRAPHEME_UNITS = 256
const BREAKS = [/\n[ \t]*\n/g, /\n/g, /[.!?…。！？]["'»”)\]]*(?=\s)/g, /\s/g]

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/**
 * Cuts a text into parts whose JSON-escaped form has at most `maxBytes`: at blank lines, line ends, sentence ends, spaces,
 * at last between graphemes. White space at a cut is dropped, no marks are added. Throws `K2_TOO_LARGE` beyond 40 parts.
 */
export function splitText(text: string, maxBytes = MAX_PART_BYTES): string[] {
  const parts: string[] = []
  let rest = text.trim()
  while (rest !== '') {
    if (parts.length === MAX_PARTS) {
      throw k2Error('K2_TOO_LARGE', `a text may take at most ${MAX_PARTS} K2 messages`, { max: MAX_PARTS })
    }
    const end = partEnd(rest, maxBytes)
    parts.push(rest.slice(0, end).trimEnd())
    rest = rest.slice(end).trimStart()
  }
  return parts
}

function partEnd(text: string, maxBytes: number): number {
  const most = longestFit(text, maxBytes)
  if (most === text.length) return most
  const least = Math.floor(most * MIN_FILL)
  for (const pattern of BREAKS) {
    let best = 0
    // One character more, so that a break exactly at the limit is seen.
    for (const match of text.slice(0, most + 1).matchAll(pattern)) {
      const end = /^\s/.test(match[0]) ? match.index : match.index + match[0].length
      if (end >= least && end <= most) best = end
    }
    if (best > 0) return best
  }
  return wholeGraphemes(text, most)
}

/** Longest beginning, cut between code points, whose escaped form fits; at least one code point. */
function longestFit(text: string, maxBytes: number): number {
  if (text.length * 6 <= maxBytes || (text.length <= maxBytes && escapedBytes(text) <= maxBytes)) return text.length
  let bytes = 0
  let at = 0
  for (const character of text) {
    bytes += escapedSize(character)
    if (bytes > maxBytes) break
    at += character.length
  }
  return Math.max(at, text.codePointAt(0)! > 0xffff ? 2 : 1)
}

function escapedSize(character: string): number {
  const code = character.codePointAt(0) as number
  if (code >= 0x20 && code < 0x80) return code === 0x22 || code === 0x5c ? 2 : 1
  return code < 0x20 ? escapedBytes(character) : utf8(character).length
}

/** The grapheme border at or before `at`; clusters too long to keep are cut between code points. */
function wholeGraphemes(text: string, at: number): number {
  const from = Math.max(0, at - MAX_GRAPHEME_UNITS)
  const cluster = graphemes.segment(text.slice(from, at + MAX_GRAPHEME_UNITS)).containing(at - from)
  const start = from + (cluster?.index ?? 0)
  return start > from ? start : at
}
