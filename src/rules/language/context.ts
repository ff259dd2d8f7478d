import type { Converter } from '../match/rates.ts'
import { converter } from '../match/rates.ts'
import { ownText } from '../text/own-text.ts'
import type { RuleFacts, RuleMessage } from './facts.ts'
import { digestOf } from './hash.ts'
import type { RuleStateView, StateChange, StateKind } from './state.ts'
import { TextView } from './text-spec.ts'
import type { KeyPart } from './values.ts'

/** Monotonic milliseconds for budgets; none given: no time limits. */
export type Stopwatch = () => number

/** ms all patterns together may take for one message. */
const PATTERN_BUDGET_MS = 5

const MAX_TEXT = 4_096

/** The text without quotes, code and struck words; placeholders of links and mentions are no words. */
function ownWordsOf({ text, entities }: RuleMessage): string {
  const { clean } = ownText(text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text, entities ?? [])
  return clean.includes('\u0001') ? clean.replaceAll('\u0001', ' ') : clean
}

const NO_CHANGES: readonly StateChange[] = []

/** What one pass over the rules shares: views of the texts, tags and counters written so far, the time used. */
export class PassContext {
  readonly facts: RuleFacts
  readonly now: number
  #rates: Converter | undefined
  #digest: Uint8Array | undefined
  #tags: Set<string> | undefined
  /** Groups of the last pattern that matched, for `{from: "$1"}`. */
  captures: readonly (string | null)[] | null = null
  /** Rule under evaluation; counters of fires belong to it. */
  ruleId = ''
  patternMs = 0
  readonly #stopwatch: Stopwatch | undefined
  readonly #state: RuleStateView
  #pending: Map<string, StateChange> | undefined
  #views: Map<string, TextView> | undefined

  constructor(facts: RuleFacts, state: RuleStateView, now: number, stopwatch?: Stopwatch) {
    this.facts = facts
    this.now = now
    this.#state = state
    this.#stopwatch = stopwatch
  }

  get tags(): Set<string> {
    this.#tags ??= new Set(this.facts.tags)
    return this.#tags
  }

  /** Half of the ids of all effects of this message. */
  get messageDigest(): Uint8Array {
    this.#digest ??= digestOf(this.facts.message.id, this.facts.message.revision)
    return this.#digest
  }

  get rates(): Converter {
    this.#rates ??= converter(this.facts.rates, this.now)
    return this.#rates
  }

  view(name: 'clean' | 'raw' | 'title' | 'item'): TextView {
    const known = this.#views?.get(name)
    if (known !== undefined) return known
    this.#views ??= new Map()
    const made = new TextView(this.#textOf(name))
    this.#views.set(name, made)
    return made
  }

  #textOf(name: 'clean' | 'raw' | 'title' | 'item'): string {
    const { message, reading } = this.facts
    if (name === 'raw') return message.text
    if (name === 'clean') return message.clean ?? ownWordsOf(message)
    if (name === 'title') return message.title ?? ''
    const item = reading?.slots.item
    if (item === null || item === undefined) return ''
    return [item.text, item.head ?? '', item.brand ?? '', ...item.model_tokens].join(' / ')
  }

  wasHeld(rule: string): boolean {
    return this.#state.wasHeld(rule)
  }

  read(kind: StateKind, rule: string, key: string): readonly number[] | undefined {
    const pending = this.#pending === undefined ? undefined : this.#pending.get(`${kind}\u0000${rule}\u0000${key}`)
    if (pending !== undefined) return pending.expires_at > this.now ? pending.value : undefined
    return this.#state.get(kind, rule, key, this.now)
  }

  write(kind: StateKind, rule: string, key: string, value: readonly number[], expires_at: number): void {
    this.#pending ??= new Map()
    this.#pending.set(`${kind}\u0000${rule}\u0000${key}`, { kind, rule, key, value, expires_at })
  }

  get changes(): readonly StateChange[] {
    return this.#pending === undefined ? NO_CHANGES : [...this.#pending.values()]
  }

  /** Runs patterns under their common budget; undefined when it is used up. */
  timed<T>(work: () => T): T | undefined {
    if (this.#stopwatch === undefined) return work()
    if (this.patternMs > PATTERN_BUDGET_MS) return undefined
    const begun = this.#stopwatch()
    const result = work()
    this.patternMs += this.#stopwatch() - begun
    return result
  }

  get elapsed(): Stopwatch | undefined {
    return this.#stopwatch
  }

  key(parts: readonly KeyPart[]): string {
    if (parts.length === 1) return this.#part(parts[0] as KeyPart)
    return parts.map((part) => this.#part(part)).join('\u0001')
  }

  #part(part: KeyPart): string {
    const { author, message, reading, intent_id, recipient } = this.facts
    switch (part) {
      case 'rule':
        return ''
      case 'author':
        return author.key
      case 'channel':
        return message.channel
      case 'space':
        return message.space ?? ''
      case 'thread':
        return message.thread ?? ''
      case 'intent':
        return intent_id ?? ''
      case 'recipient':
        return recipient ?? ''
      case 'topic':
        return reading?.topic?.slug ?? ''
      case 'item': {
        const item = reading?.slots.item
        if (item === null || item === undefined) return ''
        return item.model_tokens.length > 0 ? [...item.model_tokens].sort().join(' ') : (item.head ?? item.text).toLowerCase()
      }
    }
  }
}
