/** Longest display name on the wire, in characters (k2-application 7.3). */
const MAX_NAME = 64

/** Control characters, bidirectional marks and overrides, zero-width and other invisible characters. */
const INVISIBLE =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]/gu

/** A name as it may be shown or sent: one line, NFC, visible characters only, at most 64; empty when nothing is left. */
export function cleanName(name: string): string {
  const visible = name
    .slice(0, MAX_NAME * 8)
    .normalize('NFC')
    .replace(INVISIBLE, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return [...visible].slice(0, MAX_NAME).join('').trim()
}
