import { nearest } from './suggest.ts'

/** Names shown when none is near. */
const MAX_SHOWN = 12

/** "did you mean x?", or what there is. */
export function knownHint(name: string, known: Iterable<string>): string {
  const list = [...known]
  const near = nearest(name, list)
  if (near !== undefined) return `did you mean \`${near}\`?`
  if (list.length === 0) return 'nothing of that kind is defined in this file'
  return `known: ${list.slice(0, MAX_SHOWN).join(', ')}${list.length > MAX_SHOWN ? ', …' : ''}`
}

/** What to do about a fault whose message does not say it itself; in the order of the table. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [/look-ahead|look-behind/, 'match the words themselves, and put what must not occur under `none`'],
  [/back-reference|atomic/, 'write the pattern with plain groups and alternatives'],
  [/^this pattern|pattern/, 'patterns use RE2 syntax; try a shorter or simpler one'],
  [/unresolved tag|tags such as/i, 'leave the tag out; numbers, texts and lists need none'],
  [/alias/i, 'write the value out instead of referring to it'],
  [/deeper/, 'split the condition or the rule'],
  [/at most|too (?:big|large|long)|larger than|longer than|more than|<=/i, 'use fewer or shorter values, or split the rule'],
  [/too small|at least|>=/i, 'give one value more'],
  [/is missing/, 'add this key'],
  [/; write /, 'write it in one of these forms'],
  [/^(?:expected|invalid)|expected /i, 'check the type of the value: text, number, list or map'],
  [/taken by/, 'ids are unique over all files'],
]
const SYNTAX = 'check the indentation, quotes and brackets at this place'

/** Every error comes with a hint; syntax errors have no path to speak of. */
export function hintFor(path: string, message: string): string {
  const found = HINTS.find(([pattern]) => pattern.test(message))
  if (found !== undefined) return found[1]
  return path === '' ? SYNTAX : 'write one of the forms the message names'
}
