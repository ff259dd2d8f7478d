import type { Gazetteer } from '../lexicon/gazetteer.ts'
import { SLOT } from '../lexicon/slot-words.ts'
import type { Place } from '../model.ts'
import type { Token } from '../text/model.ts'
import { textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import type { Amount } from './amount.ts'
import { known, type Located, nameAt, ofHit, originOf } from './place-named.ts'
import { type NameSpan, standingName } from './place-names.ts'
import { postcodeAt } from './place-postcode.ts'
import { nameText } from './place-text.ts'
import type { Hit, Tags } from './tags.ts'

/** Tokens in which codes in brackets are looked for. */
const MAX_TAGS = 12
const MAX_RADIUS_KM = 20_000
const KM_PER: Readonly<Record<string, number>> = {
  km: 1,
  kms: 1,
  км: 1,
  kilometers: 1,
  kilometres: 1,
  mi: 1.609,
  mile: 1.609,
  miles: 1.609,
}
/** Words between a radius and its centre: "40 km from", "10 км от", "5 km de". */
const FROM = new WordSet(['from', 'of', 'around', 'de', 'от', 'do', 'da', 'quanh', 'cách', 'to', 'desde'])

/** Place by bracket code, pin, preposition, a known name or one that stands by itself; a radius in km where one is named. */
export function readPlace(
  gazetteer: Gazetteer,
  raw: string,
  tokens: readonly Token[],
  tags: Tags,
  amounts: readonly Amount[],
  loose: boolean,
): Place | null {
  const found = locate(gazetteer, raw, tokens, tags, amounts, loose)
  if (found === undefined) return null
  return { ...found.place, radius_km: radius(tokens, amounts, found.at) }
}

function locate(
  gazetteer: Gazetteer,
  raw: string,
  tokens: readonly Token[],
  tags: Tags,
  amounts: readonly Amount[],
  loose: boolean,
): Located | undefined {
  const code = bracketCode(gazetteer, tokens)
  if (code !== undefined) return { place: known(gazetteer, code, code), at: 1 }
  const named = tags.speaksOf(SLOT.place)
  /** Behind a word that tells where something goes, or what somebody leaves: another place is better. */
  let away: Located | undefined
  for (const i of asked(raw, tokens, tags, named)) {
    const pin = tokens[i]?.text === PIN
    const beside = !pin && textAt(tokens, i) === 'у' && besideStation(tokens, i)
    const prep = pin || beside ? undefined : tags.at('place_prep', i)
    if (!pin && !beside && (prep === undefined || isName(tokens, prep))) continue
    const at = prep === undefined ? i + 1 : prep.end
    const found = nameAt(gazetteer, raw, tokens, tags, textAt(tokens, at) === ':' ? at + 1 : at, prep)
    if (found === undefined) continue
    if (!pin && goesAway(tokens, i)) away ??= found
    else return originOf(gazetteer, raw, tokens, found)
  }
  const name = away === undefined ? undefined : standingName(gazetteer, tokens, tags, amounts, loose)
  if (name !== undefined) return standing(gazetteer, raw, tokens, name)
  for (let k = named ? tags.hits.length - 1 : -1; k >= 0; k--) {
    const { name: list, start } = tags.hits[k] as Hit
    if (list !== 'place' || start === away?.at) continue
    const hit = tags.at('place', start)
    if (hit !== undefined && !foreignShort(tokens, tags, hit))
      return originOf(gazetteer, raw, tokens, ofHit(gazetteer, raw, tokens, hit))
  }
  if (away !== undefined) return originOf(gazetteer, raw, tokens, away)
  const span = standingName(gazetteer, tokens, tags, amounts, loose) ?? postcodeAt(tokens)
  return span === undefined ? undefined : standing(gazetteer, raw, tokens, span)
}

const PIN = '📍'

/** Tokens behind which a place may be named: prepositions, and of few texts pins and the Russian word for "beside". */
function asked(raw: string, tokens: readonly Token[], tags: Tags, named: boolean): readonly number[] {
  if (raw.includes(PIN) || raw.includes('у') || raw.includes('У')) return Array.from(tokens, (_, i) => i)
  const out: number[] = []
  if (!named) return out
  for (const { name, start } of tags.hits) if (name === 'place_prep' && out.at(-1) !== start) out.push(start)
  return out
}

function standing(gazetteer: Gazetteer, raw: string, tokens: readonly Token[], { start, end }: NameSpan): Located {
  const text = nameText(gazetteer, raw, tokens, start, end)
  return { place: known(gazetteer, text, text), at: start }
}

/** "TO LET", "Jurong East MRT": in capitals no preposition but part of a name or a heading. */
const isName = (tokens: readonly Token[], { start, end }: Hit): boolean => {
  const [word, next, before] = [tokens[start], tokens[end], tokenAt(tokens, start - 1)]
  if (word?.caps === 2 && next?.caps === 2) return true
  return word?.caps === 1 && before !== undefined && before.caps === 1 && before.kind === 'word' && before.clause === word.clause
}

/** "у Пионерской", "у Беляево"; "у Саши" is a person. */
const besideStation = (tokens: readonly Token[], i: number): boolean =>
  tokens[i + 1]?.caps === 1 && STATION.test(textAt(tokens, i + 1))
const STATION = /(?:ской|ово|ево|ино|ной)$/u

const LEAVING = new WordSet(
  (
    'moving leaving off flying heading going relocating relocated leave leaves moved ' +
    'mudo mudamos voy vamos viajo vuelvo marcho mudando mudei indo vou volto voltando ' +
    'переезжаем переезжаю уезжаю уезжаем улетаю улетаем еду едем переезд ' +
    'chuyển về ra vào sang'
  ).split(' '),
)
/** "we're off to Lisbon", "Leaving Bangalore for good", "Переезжаем в Сербию". */
function goesAway(tokens: readonly Token[], at: number): boolean {
  for (let i = at; i >= 0 && i >= at - 2; i--) if (LEAVING.has(tokens[i])) return true
  return false
}

/** "SG" is a guitar outside of Vietnam. */
const foreignShort = (tokens: readonly Token[], tags: Tags, hit: Hit): boolean =>
  hit.end - hit.start === 1 && textAt(tokens, hit.start) === 'sg' && tags.lang !== 'vi'

/** "[US-TX] [H] …", "[WTS][US-OH]", "FS [CAN-ON]": the first bracket that holds a code of a country or of a part of one. */
function bracketCode(gazetteer: Gazetteer, tokens: readonly Token[]): string | undefined {
  for (let at = 0; at < Math.min(tokens.length, MAX_TAGS); at++) {
    if (textAt(tokens, at) !== '[') continue
    const code = codeAt(gazetteer, tokens, at)
    if (code !== undefined) return code
  }
  return undefined
}

function codeAt(gazetteer: Gazetteer, tokens: readonly Token[], at: number): string | undefined {
  const [a, b, c] = [tokens[at + 1], tokens[at + 2], tokens[at + 3]]
  if (a?.kind !== 'word' || a.caps !== 2) return undefined
  const first = a.text.toUpperCase()
  if (b?.text === ']') {
    if (first === 'UK' || first === 'USA') return first === 'UK' ? 'GB' : 'US'
    // At the start any two letters; behind other tags, such as "[FS]", those of a country.
    return first.length === 2 && (at === 0 || gazetteer.places.has(a.text)) ? first : undefined
  }
  if (b?.kind !== 'word' || c?.text !== ']' || b.caps !== 2) return undefined
  const second = b.text.toUpperCase()
  if (first === 'USA' || first === 'US') return `US-${second}`
  if (first === 'CAN' || first === 'CA') return `CA-${second}`
  if (first === 'EU') return second === 'UK' ? 'GB' : second
  if (first !== 'UK' && at > 0 && !gazetteer.places.has(a.text)) return undefined
  return `${first === 'UK' ? 'GB' : first}-${second}`
}

/** "within 20 km of", "up to 40 km from Porto": the distance that stands before the place, at most a few words away. */
function radius(tokens: readonly Token[], amounts: readonly Amount[], at: number): number | null {
  for (const amount of amounts) {
    if (amount.role !== 'measure' || amount.at >= at + 6) continue
    const unit = KM_PER[textAt(tokens, amount.at + 1)]
    const number = Number((tokens[amount.at] as Token).text.replace(',', '.'))
    if (unit === undefined || !Number.isFinite(number) || number <= 0) continue
    const linked =
      FROM.has(tokens[amount.at + 2]) || textAt(tokens, amount.at + 2) === 'radius' || textAt(tokens, amount.at + 2) === 'around'
    const before = RADIUS_BEFORE.has(tokenAt(tokens, amount.at - 1)) || RADIUS_BEFORE.has(tokenAt(tokens, amount.at - 2))
    if (!linked && !before) continue
    return Math.min(MAX_RADIUS_KM, Math.round(number * unit * 10) / 10)
  }
  return null
}

const RADIUS_BEFORE = new WordSet(['within', 'radius', 'radio', 'raio', 'радиусе', 'радиус', 'bán', 'kính', 'dentro'])
