import type { RichText, Span } from '../model/rich-text.ts'
import { editRich, listMarkersAsText } from './rich-text-ops.ts'
import { cutGraphemes } from './sanitize.ts'

/** The text as a person reads it where there is no markup: list markers visible, link targets in parentheses. */
export function plainText(rich: RichText): string {
  const edits = rich.spans
    .filter((s): s is Span & { kind: 'link' } => s.kind === 'link')
    .filter((s) => rich.text.slice(s.start, s.end) !== s.url)
    .map((s) => ({ start: s.end, end: s.end, text: ` (${s.url})` }))
    .sort((a, b) => a.start - b.start)
  return listMarkersAsText(editRich(rich, edits)).text
}

/** One line for quotes and reply lines: spoilers hidden, white space collapsed, at most `max` graphemes. */
export function excerptOf(rich: RichText, max = 120): string {
  const hidden = rich.spans
    .filter((s) => s.kind === 'spoiler')
    .map((s) => ({ start: s.start, end: s.end, text: '▒▒▒' }))
    .filter((edit, i, all) => i === 0 || edit.start >= (all[i - 1] as { end: number }).end)
  return cutGraphemes(editRich(rich, hidden).text.replace(/\s+/g, ' ').trim(), max)
}
