import { type Gazetteer, placeKey } from '../lexicon/gazetteer.ts'
import { SLOT } from '../lexicon/slot-words.ts'
import type { Place } from '../model.ts'
import type { Token } from '../text/model.ts'
import type { Amount } from './amount.ts'
import { standingName } from './place-names.ts'
import type { Hit, Tags } from './tags.ts'

const MAX_NAME = 4
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
const FROM = new Set(['from', 'of', 'around', 'de', 'от', 'do', 'da', 'quanh', 'cách', 'to', 'desde'])

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

interface Located {
  readonly place: Place
  readonly at: number
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
  for (let i = 0; i < tokens.length; i++) {
    const pin = tokens[i]?.text === '📍'
    if (!pin && !named) continue
    const prep = pin ? undefined : tags.at('place_prep', i)
    if (!pin && prep === undefined) continue
    const at = pin ? i + 1 : (prep?.end as number)
    // "TO LET": in capitals throughout, no name.
    if (prep !== undefined && tokens[prep.start]?.caps === 2 && tokens[at]?.caps === 2) continue
    const found = nameAt(gazetteer, raw, tokens, tags, tokens[at]?.text === ':' ? at + 1 : at)
    if (found !== undefined) return found
  }
  for (let i = named ? tokens.length - 1 : -1; i >= 0; i--) {
    const hit = tags.at('place', i)
    if (hit !== undefined) return ofHit(gazetteer, raw, tokens, hit)
  }
  const name = standingName(gazetteer, tokens, tags, amounts, loose)
  if (name === undefined) return undefined
  const text = sliceOf(raw, tokens, name.start, name.end)
  return { place: known(gazetteer, text, text), at: name.start }
}

/** "[US-TX] [H] …", "[WTS][US-OH]", "FS [CAN-ON]": the first bracket that holds a code of a country or of a part of one. */
function bracketCode(gazetteer: Gazetteer, tokens: readonly Token[]): string | undefined {
  for (let at = 0; at < Math.min(tokens.length, MAX_TAGS); at++) {
    if (tokens[at]?.text !== '[') continue
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

function nameAt(gazetteer: Gazetteer, raw: string, tokens: readonly Token[], tags: Tags, at: number): Located | undefined {
  const listed = tags.at('place', at) ?? (tags.at('det', at) !== undefined ? tags.at('place', at + 1) : undefined)
  if (listed !== undefined) return ofHit(gazetteer, raw, tokens, listed)
  const sentence = tokens[at]?.sentence
  for (let n = MAX_NAME; n > 0; n--) {
    const last = tokens[at + n - 1]
    if (last?.kind !== 'word' || last.sentence !== sentence || (n === 1 && last.caps === 0 && last.text.length < 4)) continue
    if (!gazetteer.places.has(keyOf(tokens, at, at + n))) continue
    return { place: known(gazetteer, sliceOf(raw, tokens, at, at + n), sliceOf(raw, tokens, at, at + n)), at }
  }
  let end = at
  while (
    end < tokens.length &&
    end < at + MAX_NAME &&
    tokens[end]?.kind === 'word' &&
    (tokens[end] as Token).caps > 0 &&
    tokens[end]?.sentence === sentence &&
    (end === at || tokens[end]?.clause === tokens[at]?.clause)
  )
    end++
  if (end === at || tags.at('goods', at) !== undefined || tags.at('month', at) !== undefined) return undefined
  const text = sliceOf(raw, tokens, at, end)
  return { place: known(gazetteer, text, text), at }
}

function ofHit(gazetteer: Gazetteer, raw: string, tokens: readonly Token[], hit: Hit): Located {
  const written = sliceOf(raw, tokens, hit.start, hit.end)
  return { place: known(gazetteer, hit.value ?? written, written), at: hit.start }
}

/** `name` with what the gazetteer knows of it or of the words as written. */
function known(gazetteer: Gazetteer, name: string, written: string): Place {
  const entry = gazetteer.places.get(placeKey(name)) ?? gazetteer.places.get(name) ?? gazetteer.places.get(placeKey(written))
  const text = (name || written).slice(0, 80)
  const coded = /^[A-Z]{2}(?:-[A-Z]{2,3})?$/u.test(name)
  if (entry === undefined) {
    return {
      text,
      country: coded ? name.slice(0, 2) : null,
      region: coded && name.length > 2 ? name : null,
      city: coded ? null : text,
      lat: null,
      lon: null,
      radius_km: null,
    }
  }
  return { text, ...entry, radius_km: null }
}

/** "within 20 km of", "up to 40 km from Porto": the distance that stands before the place, at most a few words away. */
function radius(tokens: readonly Token[], amounts: readonly Amount[], at: number): number | null {
  for (const amount of amounts) {
    if (amount.role !== 'measure' || amount.at >= at + 6) continue
    const unit = KM_PER[tokens[amount.at + 1]?.text ?? '']
    const number = Number((tokens[amount.at] as Token).text.replace(',', '.'))
    if (unit === undefined || !Number.isFinite(number) || number <= 0) continue
    const linked =
      FROM.has(tokens[amount.at + 2]?.text ?? '') ||
      tokens[amount.at + 2]?.text === 'radius' ||
      tokens[amount.at + 2]?.text === 'around'
    const before = RADIUS_BEFORE.has(tokens[amount.at - 1]?.text ?? '') || RADIUS_BEFORE.has(tokens[amount.at - 2]?.text ?? '')
    if (!linked && !before) continue
    return Math.min(MAX_RADIUS_KM, Math.round(number * unit * 10) / 10)
  }
  return null
}

const RADIUS_BEFORE = new Set(['within', 'radius', 'radio', 'raio', 'радиусе', 'радиус', 'bán', 'kính', 'dentro'])

const keyOf = (tokens: readonly Token[], start: number, end: number): string =>
  tokens
    .slice(start, end)
    .map((t) => t.fold)
    .join(' ')

const sliceOf = (raw: string, tokens: readonly Token[], start: number, end: number): string =>
  raw.slice((tokens[start] as Token).start, (tokens[end - 1] as Token).end)
