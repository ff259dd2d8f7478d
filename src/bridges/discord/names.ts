import { cutUnits, sanitizeName } from '../format/sanitize.ts'

const MAX_USERNAME = 80
const MAX_GRAPHEMES = 80
const ZERO_WIDTH_SPACE = '\u200b'
const FORBIDDEN = /discord|clyde/gi
const NOBODY = 'Unknown user'

/**
 * A name as the `username` of a webhook message (bridging 4.4): 1 to 80 characters, without what Discord refuses. The words
 * `discord` and `clyde` are broken up invisibly; `strict` drops a vowel instead, for when even that is refused.
 */
export function webhookUsername(displayName: string, strict = false): string {
  const clean = sanitizeName(displayName.replace(/```|[@#:]/g, ''), MAX_GRAPHEMES)
  const broken = clean.replace(FORBIDDEN, (word) =>
    strict ? word[0] + word.slice(1).replace(/[aeiouy]/i, '') : `${word.slice(0, 3)}${ZERO_WIDTH_SPACE}${word.slice(3)}`,
  )
  const named = /^(?:everyone|here)$/i.test(broken) ? `${broken} (user)` : broken
  const cut = cutUnits(named, MAX_USERNAME).trim()
  return cut === '' ? NOBODY : cut
}
