import { type Lexicon, type language, readMessage } from '../../rules/index.ts'

/** How the examples of rule files are read: each message by itself, with the given lexicon and no channel profile. */
export function exampleReader(lexicon: Lexicon): language.ExampleReader {
  return (messages) => messages.map(({ id, text }) => ({ reading: readMessage({ id, text }, { lexicon }) }))
}
