export interface Token {
  readonly text: string
  readonly start: number
  readonly end: number
  readonly quoted: boolean
  /** `-word` or `not word`. */
  readonly minus: boolean
}

/** Quotation marks of all languages; some open a phrase in one and close it in another. */
const OPENS = /["“”„«]/
const CLOSES = /["“”»]/

/** Words, quoted phrases and brackets with their places; an open quotation mark is reported and ends the text. */
export function splitQuery(text: string, fault: (span: readonly [number, number], message: string) => void): Token[] {
  const out: Token[] = []
  let i = 0
  while (i < text.length) {
    const char = text[i] as string
    if (/[\s,]/.test(char)) {
      i++
      continue
    }
    const start = i
    const minus = (char === '-' || char === '−') && /\S/.test(text[i + 1] ?? ' ')
    if (minus) i++
    if (OPENS.test(text[i] as string)) {
      const close = text.slice(i + 1).search(CLOSES)
      if (close < 0) {
        fault([start, text.length], 'the quotation mark is never closed')
        return out
      }
      out.push({ text: text.slice(i + 1, i + 1 + close), start, end: i + close + 2, quoted: true, minus })
      i += close + 2
      continue
    }
    if (text[i] === '(' || text[i] === ')') {
      out.push({ text: text[i] as string, start, end: ++i, quoted: false, minus })
      continue
    }
    let end = i
    while (end < text.length && !/[\s()"“”]/.test(text[end] as string)) end++
    const word = text.slice(i, end).replace(/(?<![,;.!?])[,;.!?]+$/, '')
    if (word !== '') out.push({ text: word, start, end, quoted: false, minus })
    i = end
  }
  return out
}
