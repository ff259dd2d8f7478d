import type { Tags } from '../slots/tags.ts'
import type { Token } from '../text/model.ts'
import { WordSet } from '../text/word-set.ts'
import { skipOps } from './evidence.ts'
import type { ObjectHead } from './objects.ts'

/** Who speaks of what they do, and how: "i can also", "we'll", "em". */
const PERSON = new WordSet(
  "i we i'll ill we'll will can could also я мы yo nosotros eu nós mình em tớ tui anh chị bên tụi".split(' '),
)
const MAX_PERSON = 4
/** What is one's own is no work for others: "podo mis rosales". */
const OWN = new WordSet(
  (
    'my our mi mis nuestro nuestra nuestros nuestras meu minha meus minhas nosso nossa nossos nossas ' +
    'свой свою своё свое свои себе мой мою моё мое мои наш нашу наши'
  ).split(' '),
)
/** "lvling ur alts": whose work it is, the next word tells. */
const FOR_OTHERS = new WordSet(['your', 'ur', 'yr', 'any', 'all'])

/**
 * "Esquilo ovejas, 1,80 por cabeza", "i sharpen chisels, 4 an edge": a message that opens with what its author does. The verb
 * stands in the first person, or behind a pronoun or "can" where the language has no form of its own.
 */
export function ownWork(tokens: readonly Token[], tags: Tags): ObjectHead | undefined {
  let at = skipOps(tokens, 0)
  const opener = tags.at('opener', at)
  if (opener !== undefined && !PERSON.has(tokens[at])) at = skipOps(tokens, opener.end)
  const from = at
  while (at - from < MAX_PERSON && PERSON.has(tokens[at])) at++
  const verb =
    tags.at('i_do', at) ?? (at > from ? tags.at('verb', at) : FOR_OTHERS.has(tokens[at + 1]) ? tags.at('doing', at) : undefined)
  if (verb === undefined || OWN.has(tokens[verb.end])) return undefined
  return { kind: 'service', start: verb.start, end: verb.end }
}
