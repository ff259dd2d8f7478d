import { isK2Error } from '../../src/base/errors.ts'

/** Different outcomes told apart for one decoder; further ones are not. */
const MAX_OUTCOMES = 200
/** How deep into what was read its form is looked at, and how many members of each part. */
const DEPTH = 3
const MEMBERS = 12

/** The shortest input for every way in which a decoder has ended: a substitute for measuring which lines of it have run. */
export class OutcomeBook {
  readonly #shortest = new Map<string, Uint8Array>()

  /** True for an outcome that is new. */
  note(outcome: unknown, input: Uint8Array): boolean {
    const key = keyOf(outcome)
    const known = this.#shortest.get(key)
    if (known !== undefined) {
      if (input.length < known.length) this.#shortest.set(key, input)
      return false
    }
    if (this.#shortest.size >= MAX_OUTCOMES) return false
    this.#shortest.set(key, input)
    return true
  }

  inputs(): readonly Uint8Array[] {
    return [...this.#shortest.values()]
  }
}

/** Errors by their code and words without numbers and quotations, values by their form. */
function keyOf(outcome: unknown): string {
  if (isK2Error(outcome)) return `${outcome.code} ${outcome.message.replace(/"[^"]*"|\d+/g, '#').slice(0, 120)}`
  return formOf(outcome, DEPTH)
}

function formOf(value: unknown, depth: number): string {
  if (typeof value !== 'object' || value === null) return value === undefined ? '-' : typeof value
  if (value instanceof Uint8Array) return 'bytes'
  if (depth === 0) return '…'
  const isList = Array.isArray(value)
  const members = isList ? value.slice(0, 2).map((one): [string, unknown] => ['', one]) : Object.entries(value).slice(0, MEMBERS)
  const inside = members.map(([name, one]) => `${name.slice(0, 20)}:${formOf(one, depth - 1)}`).join()
  return isList ? `[${inside}]` : `{${inside}}`
}
