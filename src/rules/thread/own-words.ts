import { replacePersonal } from '../personal.ts'
import { ownText } from '../text/own-text.ts'
import { MAX_TEXT, prepare } from '../text/prepare.ts'
import { HAS, signsOfText } from '../text/signs.ts'

const MAX_WORDS = 500

/** The author's own words of a text: without quotes, code, struck text and contact data; at most 500 characters. */
export function ownWords(text: string): string {
  const own = cleanOf(text).replaceAll('\u0001', ' ')
  const plain = replacePersonal(own, () => ' ')
    .replace(/[^\S\n]+/gu, ' ')
    .replace(/ ?\n[ \n]*/gu, '\n')
    .trim()
  if (plain.length <= MAX_WORDS) return plain
  const cut = plain.slice(0, MAX_WORDS)
  // Never half a surrogate pair.
  return /[\ud800-\udbff]$/u.test(cut) ? cut.slice(0, -1) : cut
}

/** What `prepare` calls clean; a text without letters of high numbers needs nothing else of it. */
function cleanOf(text: string): string {
  const signs = text.length > MAX_TEXT ? HAS.high : signsOfText(text)
  return (signs & HAS.high) === 0 ? ownText(text, [], signs).clean : prepare({ text }).clean
}
