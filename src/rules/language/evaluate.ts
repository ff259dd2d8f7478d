import { evaluateNode, firstFailure, isNearMiss } from './condition.ts'
import { PassContext, type Stopwatch } from './context.ts'
import { intentOf, type RuleFacts } from './facts.ts'
import { windowName } from './leaves-context.ts'
import { type Delay, PlanBuilder, planEffect, type RulePlan } from './plan.ts'
import type { CompiledRule, RuleSet } from './rule-set.ts'
import { countUp, type RuleStateView, type StateChange } from './state.ts'
import type { Escape } from './template.ts'
import { type Narrowed, narrowedByAuthor, narrowedByPlace, outOfTime, selectRules } from './trigger.ts'

export type RuleResult =
  | 'fired'
  | 'dry_run'
  | 'false'
  | 'unknown'
  | 'trigger'
  | 'schedule'
  | 'cooldown'
  | 'limit'
  | 'budget'
  | 'suspended'
  | 'muted'
  | 'stopped'
  | 'off'

/** How interesting a stored trace is: those of a firing are kept longest. */
export type TraceClass = 'fired' | 'near' | 'dull'

/** What became of one rule; for everything but a firing, the first reason with the actual and the wanted value. */
export interface RuleTrace {
  readonly id: string
  readonly result: RuleResult
  /** Path below the rule of the first leaf that failed: `if.all[4].price`. */
  readonly first_false?: string
  /** Path of the leaf whose data is missing. */
  readonly leaf?: string
  readonly actual?: string
  readonly wanted?: string
  readonly why?: string
  readonly actions?: readonly string[]
  /** All conditions but one held. */
  readonly near?: true
}

export interface EvaluateOptions {
  /** Monotonic ms; without it there are no time budgets. */
  readonly stopwatch?: Stopwatch
  /** Record every rule, also those the trigger index passed over. */
  readonly explain?: boolean
  readonly escape?: Escape
  /** A rule that counts as live and, when the place is not given, as triggered; for examples. */
  readonly probe?: { readonly rule: string; readonly anywhere: boolean }
}

export interface Evaluation {
  readonly plan: RulePlan
  /** To be applied to the state when the plan is taken; a dry run drops them. */
  readonly state: readonly StateChange[]
  readonly trace: readonly RuleTrace[]
  /** Rules suspended by this message: the operator is told. */
  readonly suspended: readonly string[]
}

const MESSAGE_BUDGET_MS = 20
const RULE_BUDGET_MS = 2
const OVERRUN_WINDOW_MS = 600_000
const OVERRUNS = 5
const SUSPEND_MS = 600_000
const MAX_QUEUED = 100
/** The clock is read at least once per so many rules. */
const RULES_PER_LOOK = 64

/** One pass over the rules (section 11). Pure: the state is only read, changes are answered. */
export function evaluateRules(
  ruleSet: RuleSet,
  facts: RuleFacts,
  state: RuleStateView,
  now: number,
  options: EvaluateOptions = {},
): Evaluation {
  const pass = new Pass(ruleSet, facts, state, now, options)
  pass.countMessage()
  const rules = options.explain === true ? ruleSet.rules : withProbe(ruleSet, selectRules(ruleSet, facts), options.probe?.rule)
  for (const rule of rules) pass.look(rule)
  return { plan: pass.plan.finish(), state: pass.c.changes, trace: pass.trace, suspended: pass.suspended }
}

/** The selection with one more rule in its place. */
function withProbe(ruleSet: RuleSet, selected: readonly CompiledRule[], probe: string | undefined): readonly CompiledRule[] {
  if (probe === undefined || selected.some((r) => r.id === probe)) return selected
  const chosen = new Set(selected)
  return ruleSet.rules.filter((r) => r.id === probe || chosen.has(r))
}

class Pass {
  readonly c: PassContext
  readonly plan: PlanBuilder
  readonly trace: RuleTrace[] = []
  readonly suspended: string[] = []
  readonly #set: RuleSet
  readonly #options: EvaluateOptions
  readonly #begun: number
  #stoppedBy: string | undefined
  #looked = 0
  #spent = false

  constructor(set: RuleSet, facts: RuleFacts, state: RuleStateView, now: number, options: EvaluateOptions) {
    this.c = new PassContext(facts, state, now, options.stopwatch)
    this.plan = new PlanBuilder(this.c)
    this.#set = set
    this.#options = options
    this.#begun = options.stopwatch?.() ?? 0
  }

  /** The message itself counts before the rules look at the counters. */
  countMessage(): void {
    if (this.c.facts.event !== 'message.create') return
    this.#count('messages', 1)
    if (intentOf(this.c.facts) !== 'none') this.#count('intents', 1)
  }

  #count(name: string, by: number, rule?: string): void {
    for (const w of this.#set.windows) {
      if (w.of !== name || w.rule !== rule) continue
      const window = windowName(w.of, w.within, w.per)
      const key = rule === undefined ? this.c.key(w.per) : `${window}\u0001${this.c.key(w.per)}`
      const owner = rule ?? window
      const { now } = this.c
      this.c.write('counter', owner, key, countUp(this.c.read('counter', owner, key), w.within, by, now), now + w.within)
    }
  }

  look(rule: CompiledRule): undefined {
    const probe = this.#options.probe?.rule === rule.id ? this.#options.probe : undefined
    if (rule.mode === 'off' && probe === undefined) return this.#quiet({ id: rule.id, result: 'off' })
    if (this.#stoppedBy !== undefined) return this.#quiet({ id: rule.id, result: 'stopped', why: `\`${this.#stoppedBy}\` stops` })
    // What was selected for the place fits it; with a probe or an explanation there is more than that.
    const listed = this.#options.explain !== true && this.#options.probe === undefined
    const place = listed || probe?.anywhere === true ? undefined : narrowedByPlace(rule, this.c.facts)
    const narrowed = place ?? narrowedByAuthor(rule, this.c.facts)
    if (narrowed !== undefined) return this.#quiet({ id: rule.id, result: 'trigger', ...reason(narrowed) })
    if (this.#options.explain !== true && rule.condition === undefined && rule.actions.length === 0) return
    this.#judge(rule, probe !== undefined)
  }

  #judge(rule: CompiledRule, probed: boolean): undefined {
    const { c } = this
    const late = outOfTime(rule, c.facts, c.now)
    if (late !== undefined) return this.#quiet({ id: rule.id, result: 'schedule', ...reason(late) })
    if (c.wasHeld(rule.id)) {
      if (c.read('mute', rule.id, '') !== undefined) return void this.trace.push({ id: rule.id, result: 'muted' })
      if (c.read('suspend', rule.id, '') !== undefined) return void this.trace.push({ id: rule.id, result: 'suspended' })
    }
    if (this.#outOfTimeBudget(rule))
      return void this.trace.push({ id: rule.id, result: 'budget', why: 'the message used up its time' })
    const begun = rule.heavy ? c.elapsed?.() : undefined
    c.ruleId = rule.id
    c.captures = null
    const condition = probed || this.#options.explain === true ? rule.condition : rule.selected
    const truth = condition === undefined ? true : evaluateNode(condition, c)
    if (begun !== undefined && (c.elapsed as Stopwatch)() - begun > RULE_BUDGET_MS) return this.#overrun(rule)
    if (truth !== true) return this.#failed(rule)
    this.#fire(rule, probed)
  }

  #outOfTimeBudget(rule: CompiledRule): boolean {
    const watch = this.c.elapsed
    if (watch === undefined) return false
    if (!this.#spent && (rule.heavy || this.#looked++ % RULES_PER_LOOK === 0))
      this.#spent = watch() - this.#begun > MESSAGE_BUDGET_MS
    return this.#spent
  }

  #overrun(rule: CompiledRule): undefined {
    const { c } = this
    this.trace.push({ id: rule.id, result: 'budget', why: `took more than ${RULE_BUDGET_MS} ms` })
    const times = [...(c.read('overrun', rule.id, '') ?? []), c.now].filter((t) => t > c.now - OVERRUN_WINDOW_MS).slice(-OVERRUNS)
    c.write('overrun', rule.id, '', times, c.now + OVERRUN_WINDOW_MS)
    if (times.length < OVERRUNS) return
    c.write('suspend', rule.id, '', [c.now + SUSPEND_MS], c.now + SUSPEND_MS)
    this.suspended.push(rule.id)
  }

  #failed(rule: CompiledRule): undefined {
    if (this.#options.explain !== true || rule.condition === undefined) return
    const failure = firstFailure(rule.condition, this.c)
    if (failure === undefined) return
    const at = failure.path.replace(/^rules\[\d+\]\./, '')
    const near = isNearMiss(rule.condition, this.c) ? { near: true as const } : {}
    const base = { id: rule.id, actual: failure.actual, wanted: failure.wanted, ...near }
    const unknown = evaluateNode(rule.condition, this.c) === 'unknown'
    this.trace.push(
      unknown ? { ...base, result: 'unknown', leaf: at, why: failure.actual } : { ...base, result: 'false', first_false: at },
    )
  }

  #fire(rule: CompiledRule, probed: boolean): undefined {
    const { c } = this
    const live = rule.mode === 'live'
    const cooldown = rule.cooldown
    if (cooldown !== undefined && c.read('cooldown', rule.id, c.key(cooldown.per)) !== undefined)
      return void this.trace.push({ id: rule.id, result: 'cooldown', why: `fired for the same ${cooldown.per.join('+')} before` })
    const delay = rule.limit === undefined ? {} : this.#limit(rule, live)
    if (delay === undefined)
      return void this.trace.push({ id: rule.id, result: 'limit', why: `more than ${rule.limit?.max} in time` })
    const effects = rule.actions.map((_, i) => planEffect(rule, i, c, delay, this.#options.escape ?? 'markdown'))
    this.trace.push({ id: rule.id, result: live ? 'fired' : 'dry_run', actions: rule.actions.map((a) => a.kind) })
    if (!live) {
      if (!probed || rule.mode === 'dry_run') this.plan.dry.push(...effects)
      return
    }
    if (cooldown !== undefined && cooldown.for > 0)
      c.write('cooldown', rule.id, c.key(cooldown.per), [c.now], c.now + cooldown.for)
    this.plan.add(effects)
    for (const action of rule.actions) if (action.kind === 'count') this.#count(action.fields.name, action.fields.by)
    this.#count('fires', 1, rule.id)
    if (rule.stop) this.#stoppedBy = rule.id
  }

  /** Token bucket: value [tokens, at]. Queued events borrow ahead; undefined when the event is dropped. */
  #limit(rule: CompiledRule, live: boolean): Delay | undefined {
    const { c } = this
    const limit = rule.limit as NonNullable<CompiledRule['limit']>
    const key = c.key(limit.key)
    const [before = limit.max, at = c.now] = c.read('bucket', rule.id, key) ?? []
    const rate = limit.max / limit.per
    const tokens = Math.min(limit.max, before + Math.max(0, c.now - at) * rate)
    const least = limit.overflow === 'queue' ? 1 - MAX_QUEUED : limit.overflow === 'latest' ? 0 : 1
    const wait = tokens >= 1 ? 0 : Math.ceil((1 - tokens) / rate)
    // A newer event takes the place of the one that already waits and pays nothing.
    const replaces = limit.overflow === 'latest' && tokens < 0
    if (!replaces && tokens < least) return undefined
    const left = replaces ? tokens : tokens - 1
    if (live) c.write('bucket', rule.id, key, [left, c.now], c.now + Math.ceil((limit.max - left) / rate) + 1)
    if (wait === 0) return {}
    const due = replaces ? c.now + Math.ceil(-tokens / rate) : c.now + wait
    return limit.overflow === 'latest' ? { not_before: due, coalesce: `${rule.id}/${key}` } : { not_before: due }
  }

  #quiet(entry: RuleTrace): undefined {
    if (this.#options.explain === true) this.trace.push(entry)
  }
}

const reason = (n: Narrowed): { first_false: string; actual: string; wanted: string } => ({
  first_false: n.path,
  actual: n.actual,
  wanted: n.wanted,
})
