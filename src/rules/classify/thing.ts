import type { Intent } from '../model.ts'
import type { Tags } from '../slots/tags.ts'
import type { Token } from '../text/model.ts'
import { tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'

const GOODS = new Set(['goods', 'brand', 'model'])
const WORK = new Set(['trade', 'service_noun'])
/** "bring a van", "in the garage", "till the cot arrives": behind these stands what is beside the thing that is meant. */
const BESIDE = new WordSet(
  (
    'with bring in at near behind from into onto under by till until after before since without ' +
    'con en cerca desde hasta sin tras com em no na do da perto desde até sem ' +
    'с в на у под за из от до без после với ở tại trong trên gần từ đến'
  ).split(' '),
)
const ARTICLES = new WordSet(
  'a an the my our your his her un una el la mi su um uma o meu minha мой моя наш cái chiếc con'.split(' '),
)

/** Places people live in and things they come with: hardly what a story without a cue is about. */
const AROUND = new Set(['real-estate', 'vehicles', 'pets'])

/** Where a message that does not begin with its thing or work names it: the first that is no mere circumstance. */
export function thingStart(tokens: readonly Token[], tags: Tags, intent: Intent): number | undefined {
  const kinds = intent === 'service_offered' || intent === 'service_wanted' ? WORK : GOODS
  for (let i = 0; i < tokens.length; i++) {
    if (!tags.startingAt(i).some((h) => kinds.has(h.name) && !AROUND.has(h.value ?? ''))) continue
    const before = ARTICLES.has(tokenAt(tokens, i - 1)) ? tokenAt(tokens, i - 2) : tokenAt(tokens, i - 1)
    if (before === undefined || !BESIDE.has(before)) return i
  }
  return undefined
}

/** "I leave Lyon", "who can I make happy": words that tell something instead of naming it. */
export function tells(tags: Tags, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (tags.at('talk', i) !== undefined) return true
  return false
}
