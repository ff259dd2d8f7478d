import { z } from 'zod'
import { type Rng, seededRng, unit } from '../../src/base/random.ts'

/**
 * Faults of the fake servers (bridging 21.1). A rule says where it applies (requests, or events on their way to the client)
 * and what happens there. Plans are JSON, so that another process can set them; with one seed they repeat exactly.
 */
export const FaultEffect = z.discriminatedUnion('kind', [
  /** Answered with this status instead of being handled. */
  z.strictObject({ kind: z.literal('status'), status: z.number().int().min(100).max(599), body: z.unknown().optional() }),
  z.strictObject({ kind: z.literal('delay-before'), ms: z.number().min(0) }),
  /** Handled at once, answered late. */
  z.strictObject({ kind: z.literal('delay-after'), ms: z.number().min(0) }),
  /** The connection is closed before anything is handled. */
  z.strictObject({ kind: z.literal('reset-before') }),
  /** Handled, but the connection is closed without an answer. */
  z.strictObject({ kind: z.literal('response-lost') }),
  z.strictObject({ kind: z.literal('half-response') }),
  z.strictObject({ kind: z.literal('slow-drip'), bytesPerSecond: z.number().positive() }),
  z.strictObject({
    kind: z.literal('rate-limit'),
    retryAfterMs: z.number().min(0),
    scope: z.enum(['user', 'global', 'shared']).default('user'),
  }),
  z.strictObject({ kind: z.literal('corrupt-json') }),
  /** A request with files is answered as by a server that cannot keep them; others pass. */
  z.strictObject({ kind: z.literal('disk-full') }),
  z.strictObject({ kind: z.literal('duplicate-event') }),
  z.strictObject({ kind: z.literal('drop-event') }),
  /** The event waits, and those after it overtake it. */
  z.strictObject({ kind: z.literal('delay-event'), ms: z.number().min(0) }),
  /** The event is sent after the next one. */
  z.strictObject({ kind: z.literal('reorder-event') }),
])
export type FaultEffect = z.infer<typeof FaultEffect>

export const FaultRule = z.strictObject({
  /** Shown in counters; default: the effect's kind. */
  name: z.string().min(1).optional(),
  on: z.enum(['request', 'event']).default('request'),
  /** HTTP method, or for Telegram the Bot API method; any when absent. */
  method: z.string().optional(),
  /** Part of the request's path or of the event's name; `/…/` is a regular expression. */
  route: z.string().optional(),
  /** Only the n-th match, from 1. */
  nth: z.number().int().min(1).optional(),
  /** Only every n-th match. */
  every: z.number().int().min(1).optional(),
  probability: z.number().min(0).max(1).optional(),
  /** How often the effect happens in all; unlimited when absent. */
  times: z.number().int().min(1).optional(),
  /** Only from this long after the rule was added, ms, and until that long after; for plans over time. */
  fromMs: z.number().min(0).optional(),
  untilMs: z.number().min(0).optional(),
  effect: FaultEffect,
})
export type FaultRule = z.input<typeof FaultRule>

export interface FaultSubject {
  readonly on: 'request' | 'event'
  readonly method?: string
  readonly route: string
}

interface ActiveRule {
  readonly rule: z.output<typeof FaultRule>
  readonly name: string
  readonly route: (route: string) => boolean
  readonly since: number
  matched: number
  applied: number
}

function routeMatcher(route: string | undefined): (route: string) => boolean {
  if (route === undefined) return () => true
  if (route.length > 2 && route.startsWith('/') && route.endsWith('/')) {
    const pattern = new RegExp(route.slice(1, -1))
    return (r) => pattern.test(r)
  }
  return (r) => r.includes(route)
}

export class FaultPlan {
  readonly #rng: Rng
  readonly #now: () => number
  #rules: ActiveRule[] = []
  readonly #counts = new Map<string, number>()

  constructor(seed = 1, now: () => number = Date.now) {
    this.#rng = seededRng(seed)
    this.#now = now
  }

  /** Adds a rule; answers the way to remove it. */
  add(input: FaultRule): () => void {
    const rule = FaultRule.parse(input)
    const active: ActiveRule = {
      rule,
      name: rule.name ?? rule.effect.kind,
      route: routeMatcher(rule.route),
      since: this.#now(),
      matched: 0,
      applied: 0,
    }
    this.#rules.push(active)
    return () => {
      this.#rules = this.#rules.filter((r) => r !== active)
    }
  }

  clear(): void {
    this.#rules = []
  }

  get empty(): boolean {
    return this.#rules.length === 0
  }

  /** How often each effect happened, by rule name. */
  counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts)
  }

  /** The effects that hit this request or event, in the order the rules were added. */
  take(subject: FaultSubject): FaultEffect[] {
    if (this.#rules.length === 0) return []
    const effects: FaultEffect[] = []
    for (const active of this.#rules) {
      if (!this.#hits(active, subject)) continue
      active.applied++
      this.#counts.set(active.name, (this.#counts.get(active.name) ?? 0) + 1)
      effects.push(active.rule.effect)
    }
    return effects
  }

  #hits(active: ActiveRule, subject: FaultSubject): boolean {
    const { rule } = active
    if (rule.on !== subject.on || (rule.times !== undefined && active.applied >= rule.times)) return false
    const age = this.#now() - active.since
    if (age < (rule.fromMs ?? 0) || age >= (rule.untilMs ?? Number.POSITIVE_INFINITY)) return false
    if (rule.method !== undefined && rule.method !== subject.method) return false
    if (!active.route(subject.route)) return false
    active.matched++
    if (rule.nth !== undefined && active.matched !== rule.nth) return false
    if (rule.every !== undefined && active.matched % rule.every !== 0) return false
    return rule.probability === undefined || unit(this.#rng) < rule.probability
  }
}
