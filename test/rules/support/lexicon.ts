import { readSources } from '../../../scripts/eval.ts'
import { compileLexicon, type Lexicon } from '../../../src/rules/reading/index.ts'

// Compiled while the file is loaded: no test's time limit pays for it.
const compiled = compileLexicon(readSources())

/** The shipped lexicon, compiled once per test file. */
export function shippedLexicon(): Lexicon {
  return compiled
}
