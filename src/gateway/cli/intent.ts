import { k2Form, readMessage } from '../../rules/index.ts'
import { openLexicon } from '../rules/lexicon.ts'
import { type CliContext, EXIT, type GlobalOptions, loadFor, print } from './context.ts'
import { readingLines } from './rules-text.ts'

/** Reads one text and prints what its author wants; needs no gateway. */
export async function intentParse(context: CliContext, options: GlobalOptions, text: string): Promise<number> {
  const { config } = loadFor(context, options)
  const reading = readMessage({ id: 'parse', text }, { lexicon: openLexicon(config) })
  print(context, options, { ...reading, k2: k2Form(reading, text) ?? null }, () => readingLines(reading).join('\n'))
  return EXIT.ok
}
