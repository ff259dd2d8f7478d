import type { Place } from '../model.ts'
import type { Token } from '../text/model.ts'
import { textOf } from './details.ts'
import type { Tags } from './tags.ts'

/** Place by bracket code, pin, preposition or a known name. */
export function readPlace(tokens: readonly Token[], tags: Tags): Place | null {
  const code = bracketCode(tokens)
  if (code !== undefined) return place(code, code)
  for (let i = 0; i < tokens.length; i++) {
    const pin = tokens[i]?.text === '📍'
    const prep = pin ? undefined : tags.at('place_prep', i)
    if (!pin && prep === undefined) continue
    const at = pin ? i + 1 : (prep?.end as number)
    const found = nameAt(tokens, tags, tokens[at]?.text === ':' ? at + 1 : at)
    if (found !== undefined) return found
  }
  for (let i = tokens.length - 1; i >= 0; i--) {
    const hit = tags.at('place', i)
    if (hit !== undefined) return place(hit.value ?? textOf(tokens, hit.start, hit.end), textOf(tokens, hit.start, hit.end))
  }
  return null
}

function bracketCode(tokens: readonly Token[]): string | undefined {
  if (tokens[0]?.text !== '[') return undefined
  const [, a, b, c] = tokens
  if (a?.kind !== 'word' || a.caps !== 2) return undefined
  const first = a.text.toUpperCase()
  if (b?.text === ']') return first === 'UK' ? 'GB' : first === 'USA' ? 'US' : first.length === 2 ? first : undefined
  if (b?.kind !== 'word' || c?.text !== ']') return undefined
  const second = b.text.toUpperCase()
  if (first === 'USA' || first === 'US') return `US-${second}`
  if (first === 'CAN' || first === 'CA') return `CA-${second}`
  if (first === 'EU') return second === 'UK' ? 'GB' : second
  return `${first === 'UK' ? 'GB' : first}-${second}`
}

function nameAt(tokens: readonly Token[], tags: Tags, at: number): Place | undefined {
  const known = tags.at('place', at) ?? (tags.at('det', at) !== undefined ? tags.at('place', at + 1) : undefined)
  if (known !== undefined)
    return place(known.value ?? textOf(tokens, known.start, known.end), textOf(tokens, known.start, known.end))
  let end = at
  while (
    end < tokens.length &&
    end < at + 4 &&
    tokens[end]?.kind === 'word' &&
    (tokens[end] as Token).caps > 0 &&
    tokens[end]?.sentence === tokens[at]?.sentence
  )
    end++
  if (end === at || tags.at('goods', at) !== undefined || tags.at('month', at) !== undefined) return undefined
  return place(textOf(tokens, at, end), textOf(tokens, at, end))
}

function place(value: string, text: string): Place {
  const country = /^[A-Z]{2}(?:-[A-Z]{2,3})?$/u.test(value) ? value.slice(0, 2) : null
  const region = country !== null && value.length > 2 ? value : null
  return {
    text: country !== null ? value : value || text,
    country,
    region,
    city: country === null ? value : null,
    lat: null,
    lon: null,
    radius_km: null,
  }
}
