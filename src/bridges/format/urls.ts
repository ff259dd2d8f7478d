export interface TextRange {
  readonly start: number
  readonly end: number
}

// Backticks and backslashes belong to markup, not to addresses.
const CANDIDATE = /https?:\/\/[^\s<>`\\]+/g
const TRAILING = /[.,:;"'!?\]]$/

/** Where the URL that begins at `start` ends: without closing punctuation and unbalanced parentheses. */
function trimmedEnd(text: string, start: number, end: number): number {
  for (;;) {
    const url = text.slice(start, end)
    if (TRAILING.test(url) || (url.endsWith(')') && count(url, ')') > count(url, '('))) end--
    else return end
  }
}

function count(text: string, char: string): number {
  let n = 0
  for (const c of text) if (c === char) n++
  return n
}

/** The bare http(s) links in a text, as chats recognise them. Nothing inside is markup. */
export function urlRanges(text: string): TextRange[] {
  const out: TextRange[] = []
  for (const match of text.matchAll(CANDIDATE)) {
    const end = trimmedEnd(text, match.index, match.index + match[0].length)
    // A lone scheme is text.
    if (end > match.index + match[0].indexOf('//') + 2) out.push({ start: match.index, end })
  }
  return out
}

/** Length of the link at exactly `at`, 0 if there is none. */
export function urlLengthAt(text: string, at: number): number {
  const found = /^https?:\/\/[^\s<>`\\]+/.exec(text.slice(at, at + 4096))
  if (found === null) return 0
  const end = trimmedEnd(text, at, at + found[0].length)
  return end > at + found[0].indexOf('//') + 2 ? end - at : 0
}

/** How far a client might read a link that stands at the start of `text`: clients take more characters than `urlRanges`. */
export function urlReach(text: string): number {
  const found = /^https?:\/\/[^\s<]+/.exec(text)
  return found === null ? 0 : trimmedEnd(text, 0, found[0].length)
}

/** An absolute http(s) URL as the URL parser writes it, or undefined. */
export function httpUrl(text: string): URL | undefined {
  if (!/^https?:\/\//i.test(text)) return undefined
  return URL.canParse(text) ? new URL(text) : undefined
}
