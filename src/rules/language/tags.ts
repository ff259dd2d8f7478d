import type { StateChange } from './state.ts'

/** What tags are kept on. `role` keeps who was seen with a role. */
export type TagSubject = 'message' | 'thread' | 'author' | 'intent' | 'role'

const MAX_SUBJECTS = 100_000
const MAX_TAGS = 200
const SEPARATOR = '\u0001'

/** A tag set on something until a moment, or taken off, as a row of `rule_state`. */
export function tagChange(on: TagSubject, subject: string, tag: string, until: number): StateChange {
  return { kind: 'tag', rule: on, key: `${subject}${SEPARATOR}${tag}`, value: [1], expires_at: until }
}

/** Stored tags of threads, authors, intents and messages. Bounded: what was tagged longest ago goes first. */
export class TagBook {
  readonly #subjects = new Map<string, Map<string, number>>()

  get size(): number {
    return this.#subjects.size
  }

  /** Takes the changes that are tags; others are none of its business. */
  apply(changes: readonly StateChange[]): void {
    for (const { kind, rule, key, expires_at } of changes) {
      const at = key.lastIndexOf(SEPARATOR)
      if (kind !== 'tag' || at < 0) continue
      const id = `${rule}${SEPARATOR}${key.slice(0, at)}`
      const tags = this.#subjects.get(id) ?? new Map<string, number>()
      tags.delete(key.slice(at + 1))
      if (expires_at > 0) tags.set(key.slice(at + 1), expires_at)
      if (tags.size > MAX_TAGS) tags.delete(tags.keys().next().value as string)
      this.#subjects.delete(id)
      if (tags.size > 0) this.#subjects.set(id, tags)
      if (this.#subjects.size > MAX_SUBJECTS) this.#subjects.delete(this.#subjects.keys().next().value as string)
    }
  }

  of(on: TagSubject, subject: string, now: number): string[] {
    const tags = this.#subjects.get(`${on}${SEPARATOR}${subject}`)
    return tags === undefined ? [] : [...tags].flatMap(([tag, until]) => (until > now ? [tag] : []))
  }

  /** When a tag ends; undefined when it is not there. */
  until(on: TagSubject, subject: string, tag: string, now: number): number | undefined {
    const until = this.#subjects.get(`${on}${SEPARATOR}${subject}`)?.get(tag)
    return until !== undefined && until > now ? until : undefined
  }

  sweep(now: number): void {
    for (const [id, tags] of this.#subjects) {
      for (const [tag, until] of tags) if (until <= now) tags.delete(tag)
      if (tags.size === 0) this.#subjects.delete(id)
    }
  }
}
