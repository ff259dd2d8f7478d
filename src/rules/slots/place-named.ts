import { type Gazetteer, placeKey } from '../lexicon/gazetteer.ts'
import type { Place } from '../model.ts'
import type { Token } from '../text/model.ts'
import { kindAt, textAt, tokenAt } from '../text/token-at.ts'
import { WordSet } from '../text/word-set.ts'
import { CODES } from './currency-codes.ts'
import { NO_PLACE } from './no-places.ts'
import { nominative } from './place-case.ts'
import { isState, nameText, stateEnd } from './place-text.ts'
import type { Hit, Tags } from './tags.ts'

/** A place that begins at token `at`. */
export interface Located {
  readonly place: Place
  readonly at: number
}

const MAX_NAME = 4
/** Abbreviations say what they stand for; longer names stay as they are written. */
const MAX_SHORT = 3
/** Behind these words much else is named than places: a place is taken only when it is known. */
const WIDE = new Set(['to', 'para', 'до', 'off', 'по', 'qua', 'local', 'a'])
/** "come out to", "delivered to", "new to": somebody or something is to get there. */
const TO_WHERE = new WordSet(
  'out delivered deliver delivery haul come close new next local posted near up down over drive move send llevar envío venga venir entregar доставка'.split(
    ' ',
  ),
)
const DISTRICT = new WordSet(['q', 'q.', 'quận', 'quan'])
const LAST_DISTRICT = 12

/** The place named at token `at`, behind the word `prep` or a pin. */
export function nameAt(
  gazetteer: Gazetteer,
  raw: string,
  tokens: readonly Token[],
  tags: Tags,
  at: number,
  prep: Hit | undefined,
): Located | undefined {
  const numbered = prep === undefined ? undefined : district(tokens, prep, at)
  if (numbered !== undefined) return { place: known(gazetteer, numbered, numbered), at: prep?.start ?? at }
  const det = tags.at('det', at) !== undefined && tokens[at]?.caps === 0
  const listed = tags.at('place', at) ?? (det ? tags.at('place', at + 1) : undefined)
  if (listed !== undefined) return ofHit(gazetteer, raw, tokens, listed)
  const sentence = tokens[at]?.sentence
  for (let n = MAX_NAME; n > 0; n--) {
    const last = tokens[at + n - 1]
    if (last?.kind !== 'word' || last.sentence !== sentence || (n === 1 && last.caps === 0 && last.text.length < 4)) continue
    if (!gazetteer.places.has(keyOf(tokens, at, at + n))) continue
    const text = nominative(gazetteer, nameText(gazetteer, raw, tokens, at, stateEnd(gazetteer, tokens, at + n)))
    return { place: known(gazetteer, text, raw.slice(tokens[at]?.start, last.end)), at }
  }
  return unknownAt(gazetteer, raw, tokens, tags, det ? at + 1 : at, prep, det)
}

/** "Q.7", "quận 12": districts that are numbered. */
function district(tokens: readonly Token[], prep: Hit, at: number): string | undefined {
  if (!DISTRICT.has(tokens[prep.start])) return undefined
  const number = textAt(tokens, at) === '.' ? tokens[at + 1] : tokens[at]
  if (number?.kind !== 'number' || !/^[1-9]\d?$/u.test(number.text) || Number(number.text) > LAST_DISTRICT) return undefined
  return `Quận ${number.text}`
}

/** A capitalised name no list knows. */
function unknownAt(
  gazetteer: Gazetteer,
  raw: string,
  tokens: readonly Token[],
  tags: Tags,
  at: number,
  prep: Hit | undefined,
  det: boolean,
): Located | undefined {
  const first = tokens[at]
  const word = prep === undefined ? '' : textAt(tokens, prep.start)
  if (first === undefined || (prep !== undefined && prep.end - prep.start === 1 && WIDE.has(word)))
    if (!(word === 'по' && STATED.test(first?.text ?? '')) && !TO_WHERE.has(tokens[(prep?.start ?? 0) - 1])) return undefined
  let end = at
  while (
    end < tokens.length &&
    end < at + MAX_NAME &&
    kindAt(tokens, end) === 'word' &&
    (tokens[end] as Token).caps > 0 &&
    tokens[end]?.sentence === first?.sentence &&
    (end === at || tokens[end]?.clause === first?.clause)
  )
    end++
  if (end === at || first === undefined || first.text.length < 2) return undefined
  if (tags.at('goods', at) !== undefined || tags.at('month', at) !== undefined || tags.at('brand', at) !== undefined)
    return undefined
  if (det && (first.caps !== 1 || NO_PLACE.has(first.text))) return undefined
  if (end === at + 1) {
    // "из MH3", "up to JMD 200", "in English"
    if (NO_PLACE.has(first.text) || CODES.has(first.text) || (kindAt(tokens, end) === 'number' && tokens[end]?.glued))
      return undefined
    if (word === 'на' && /[ую]$/u.test(first.text)) return undefined
    if (first.caps === 2 && ((first.text.length < 3 && !isState(gazetteer, first)) || tags.startingAt(at).length > 0))
      return undefined
  }
  const text = nominative(gazetteer, nameText(gazetteer, raw, tokens, at, stateEnd(gazetteer, tokens, end)))
  return { place: known(gazetteer, text, text), at }
}
/** Endings of Russian names behind "по". */
const STATED = /(?:[оке]вке|ской|ной|овой|асти)$/u

const ROUTE = new WordSet(['to', 'a', 'à', 'до', '-', '–', '—', '→', 'lên', 'đi', 'para', 'en', 'в', 'and', 'и', '>'])
const ROUTE_STARTS = new WordSet(['from', 'de', 'из', 'từ', 'desde', ',', '.', ':', 'run', 'runs'])
/** "Vigo a Oporto", "Entebbe–Kampala": a way is named by where it begins. */
export function originOf(gazetteer: Gazetteer, raw: string, tokens: readonly Token[], found: Located): Located {
  const [link, before] = [tokenAt(tokens, found.at - 1), tokenAt(tokens, found.at - 2)]
  if (before === undefined || before.kind !== 'word' || before.caps !== 1 || !ROUTE.has(link)) return found
  if (link?.kind === 'word' && (link.text === 'and' || link.text === 'и' || link.text === 'en' || link.text === 'в')) return found
  let start = found.at - 2
  while (start > 0 && tokenAt(tokens, start - 1)?.caps === 1 && tokenAt(tokens, start - 1)?.clause === before.clause) start--
  const opener = tokenAt(tokens, start - 1)
  const name = keyOf(tokens, start, found.at - 1)
  const sure = gazetteer.places.has(name) || ((link?.kind === 'word' || opener?.kind === 'word') && ROUTE_STARTS.has(opener))
  if (!sure) return found
  const text = nameText(gazetteer, raw, tokens, start, found.at - 1)
  return { place: known(gazetteer, text, text), at: start }
}

export function ofHit(gazetteer: Gazetteer, raw: string, tokens: readonly Token[], hit: Hit): Located {
  const end = stateEnd(gazetteer, tokens, hit.end)
  const written = sliceOf(raw, tokens, hit.start, hit.end)
  if (end > hit.end) {
    const text = nameText(gazetteer, raw, tokens, hit.start, end)
    return { place: known(gazetteer, text, hit.value ?? written), at: hit.start }
  }
  if (hit.value !== undefined && written.length > MAX_SHORT && !sameName(hit.value, written))
    return { place: known(gazetteer, written, hit.value), at: hit.start }
  return { place: known(gazetteer, hit.value ?? nominative(gazetteer, written), written), at: hit.start }
}

/** Of one alphabet and one in the other but for marks. */
function sameName(a: string, b: string): boolean {
  if (a === b) return true
  const [x, y] = [placeKey(a).replace(/[^\p{L}]/gu, ''), placeKey(b).replace(/[^\p{L}]/gu, '')]
  if (/^[A-Z]{2}(?:-|$)/u.test(a)) return true
  return x.includes(y) || y.includes(x) || /[\u0400-\u04ff]/u.test(x) !== /[\u0400-\u04ff]/u.test(y)
}

/** `name` with what the gazetteer knows of it or of the words as written. */
export function known(gazetteer: Gazetteer, name: string, written: string): Place {
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

const keyOf = (tokens: readonly Token[], start: number, end: number): string =>
  tokens
    .slice(start, end)
    .map((t) => t.fold)
    .join(' ')

const sliceOf = (raw: string, tokens: readonly Token[], start: number, end: number): string =>
  raw.slice((tokens[start] as Token).start, (tokens[end - 1] as Token).end)
