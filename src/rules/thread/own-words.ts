import { replacePersonal } from '../personal.ts'
import { prepare } from '../text/prepare.ts'

const MAX_WORDS = 500

/** The author's own words of a text: without quotes, code, struck text and contact data; at most 500 characters. */
export function ownWords(text: string): string {
  const own = prepare({ text }).clean.replaceAll('\u0001', ' ')
  const plain = replacePersonal(own, () => ' ')
    .replace(/[^\S\n]+/gu, ' ')
    .replace(/ ?\n[ \n]*/gu, '\n')
    .trim()
  if (plain.length <= MAX_WORDS) return plain
  const cut = plain.slice(0, MAX_WORDS)
  // Never half a surrogate pair.
  return /[\ud800-\udbff]$/u.test(cut) ? cut.slice(0, -1) : cut
}
