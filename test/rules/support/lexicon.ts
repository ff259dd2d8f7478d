import { readSources } from '../../../scripts/eval.ts'
import { compileLexicon, type Lexicon } from '../../../src/rules/reading/index.ts'

let compiled: Lexicon | undefined

/** The shipped lexicon, compiled once per test file. */
export function shippedLexicon(): Lexicon {
  compiled ??= compileLexicon(readSources())
  return compiled
}
