import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { compileLexicon, compilingLexicon, type Lexicon, type LexiconSources, restoreLexicon } from '../../rules/index.ts'
import type { Config } from '../config/schema.ts'
import { readLexicon, SHIPPED_LEXICON } from './files.ts'

/** Where a build keeps what it compiled the lexicon files to; absent when run from the sources. */
const BUILT = fileURLToPath(new URL('../../lexicon', import.meta.url))

/** File name of a compiled lexicon: it names the texts it was made of, so that a changed file is compiled anew. */
export function imageName({ languages, weights, taxonomy, gazetteer, wording }: LexiconSources): string {
  const texts = [...languages.flatMap(({ name, text }) => [name, text]), weights, taxonomy, gazetteer ?? '', wording ?? '']
  const digest = createHash('sha256')
  for (const text of texts) digest.update(`${text.length}:${text}`)
  return `${digest.digest('hex')}.json`
}

/** The word lists of a configuration. Throws `LEXICON_INVALID`, `LEXICON_PHRASE` or `RULES_MISSING`. */
export function openLexicon(config: Pick<Config, 'market'>): Lexicon {
  const sources = sourcesOf(config)
  return builtLexicon(sources) ?? compileLexicon(sources)
}

/** The same; where they have to be compiled, other work goes on in between. Rejects as `openLexicon` throws. */
export async function openLexiconInSteps(config: Pick<Config, 'market'>): Promise<Lexicon> {
  const sources = sourcesOf(config)
  const built = builtLexicon(sources)
  if (built !== undefined) return built
  const work = compilingLexicon(sources)
  for (;;) {
    await nextTurn()
    const step = work.next()
    if (step.done === true) return step.value
  }
}

const sourcesOf = ({ market }: Pick<Config, 'market'>): LexiconSources =>
  readLexicon(market.lexicon === undefined ? SHIPPED_LEXICON : resolve(market.lexicon))

function builtLexicon(sources: LexiconSources): Lexicon | undefined {
  const path = join(BUILT, imageName(sources))
  return existsSync(path) ? restoreLexicon(readFileSync(path, 'utf8')) : undefined
}
