import { type Answered, answerSchema, failed } from './model.ts'

const MAX_JSON = 8_192
/** Objects looked at before a text counts as holding none. */
const MAX_TRIES = 8

/** Reads what a model wrote: the first balanced JSON object in it, whatever prose stands around, checked strictly. Never throws. */
export function readAnswer(content: string): Answered {
  const text = content.length > MAX_JSON * 4 ? content.slice(0, MAX_JSON * 4) : content
  let from = 0
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const start = text.indexOf('{', from)
    if (start < 0) break
    const end = balancedEnd(text, start)
    const value = end === undefined ? undefined : parsed(text.slice(start, end))
    if (value !== undefined) {
      const read = answerSchema.safeParse(value)
      return read.success ? { ok: true, answer: read.data } : failed('schema', where(read.error.issues[0]?.path))
    }
    from = start + 1
  }
  return failed('invalid_json', 'no JSON object in the answer')
}

/** Only keys the schema knows are named: the rest is the endpoint's text. */
function where(path: readonly PropertyKey[] = []): string {
  const key = path[0]
  return typeof key === 'string' && Object.hasOwn(answerSchema.shape, key) ? `wrong value of ${key}` : 'wrong keys'
}

function balancedEnd(text: string, start: number): number | undefined {
  let depth = 0
  let quoted = false
  const limit = Math.min(text.length, start + MAX_JSON)
  for (let i = start; i < limit; i++) {
    const char = text[i]
    if (quoted) {
      if (char === '\\') i++
      else if (char === '"') quoted = false
    } else if (char === '"') quoted = true
    else if (char === '{') depth++
    else if (char === '}' && --depth === 0) return i + 1
  }
  return undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
