import type { Gazetteer } from '../lexicon/gazetteer.ts'

// Russian names its places in the case the preposition asks for: "в Туле", "на Пушкинской", "по Новой Риге".

const CYRILLIC = /^[\u0400-\u04ff]/u
/** Endings of the cases, longest first, and the nominatives they may come from. */
const ENDINGS: readonly (readonly [string, readonly string[]])[] = [
  ['ской', ['ская']],
  ['цкой', ['цкая']],
  ['ском', ['ское', 'ский']],
  ['ии', ['ия']],
  ['ию', ['ия']],
  ['ой', ['ая']],
  ['ом', ['ое', 'ый']],
  ['ах', ['ы', 'и', 'а']],
  ['ях', ['и']],
  ['ов', ['ы']],
  ['е', ['а', 'ь', '', 'о', 'я']],
  ['и', ['ь', 'а', 'я']],
  ['ы', ['а']],
  ['у', ['а', '']],
  ['ю', ['я', 'ь']],
  ['а', ['']],
]
/** What an unknown name is taken back to: endings that come from one nominative nearly always. */
const SURE: readonly (readonly [RegExp, string])[] = [
  [/(ск|цк|н|вск)ой$/u, '$1ая'],
  [/(овк|евк|инк|ушк|ечк|очк)[еуи]$/u, '$1а'],
  [/(ск|град|бург|дар|поль)е$/u, '$1'],
  [/ии$/u, 'ия'],
  [/((?:н|дн|тн|вн|ск)о)м$/u, '$1е'],
  [/(ласт)и$/u, '$1ь'],
]
const FIXED: ReadonlyMap<string, string> = new Map([
  ['берегу', 'берег'],
  ['левом', 'Левый'],
  ['правом', 'Правый'],
])

/** The name as it is called by itself; other alphabets as they are. */
export function nominative(gazetteer: Gazetteer, name: string): string {
  if (!CYRILLIC.test(name)) return name
  const own = gazetteer.places.get(name.toLowerCase())
  const known = fromGazetteer(gazetteer, name, own?.city ?? own?.country)
  if (known !== undefined) return known
  if (own !== undefined) return name
  return name
    .split(' ')
    .map((word, i, all) => wordOf(word, i, all))
    .join(' ')
}

function wordOf(word: string, i: number, all: readonly string[]): string {
  const fixed = FIXED.get(word.toLowerCase())
  if (fixed !== undefined) return fixed
  // "Новой Риге": the adjective follows its noun.
  if (i < all.length - 1) return word.replace(/ой$/u, 'ая')
  if (all.length > 1 && /ой$/u.test(all[0] ?? '')) return word.replace(/[еи]$/u, 'а')
  for (const [ending, base] of SURE) if (ending.test(word)) return word.replace(ending, base)
  return word
}

/** `place`: city or country the written form is listed for; another form of the same one is its nominative. */
function fromGazetteer(gazetteer: Gazetteer, name: string, place: string | undefined): string | undefined {
  for (const [ending, bases] of ENDINGS) {
    if (!name.endsWith(ending)) continue
    const stem = name.slice(0, -ending.length)
    for (const base of bases) {
      const entry = gazetteer.places.get((stem + base).toLowerCase())
      if (entry !== undefined && (place === undefined || place === (entry.city ?? entry.country))) return stem + base
    }
  }
  return undefined
}
