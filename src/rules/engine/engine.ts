import type { Stopwatch } from '../language/context.ts'
import { evaluateRules } from '../language/evaluate.ts'
import type { RuleEvent, RuleFacts } from '../language/facts.ts'
import type { RuleSet } from '../language/rule-set.ts'
import { RuleState } from '../language/state.ts'
import type { Lexicon } from '../lexicon/compile.ts'
import { documentOf } from '../match/document.ts'
import { PriceMedians } from '../match/medians.ts'
import { OpenIntents } from '../match/open-intents.ts'
import { converter } from '../match/rates.ts'
import { DEFAULT_VOCABULARY, type Vocabulary } from '../match/vocabulary.ts'
import type { Reading, StoredIntent } from '../model.ts'
import { readMessage } from '../reading/index.ts'
import { SubscriptionIndex } from '../subscribe/subscription-index.ts'
import { advance, ChannelTable, IntentBook, placeOf, type ThreadStep } from '../thread/index.ts'
import { emitted } from './emit.ts'
import type { EngineInput, EngineMatches, EnginePlan, IntentRecord, Outcome, ThreadEvent, ThreadMessage } from './model.ts'
import { factsOf } from './rule-facts.ts'
import { StateOverlay } from './state-overlay.ts'

export interface EngineOptions {
  readonly lexicon: Lexicon
  readonly vocabulary?: Vocabulary
  /** Most open intents and saved searches held. */
  readonly maxIntents?: number
  readonly maxSubscriptions?: number
  /** Monotonic ms for the time budgets of rules; none without it. */
  readonly stopwatch?: Stopwatch
}

/** Hits handed to the rules as events of their own; alerts reach the rest all the same. */
const MAX_HIT_EVENTS = 1_000
/** Events about one intent that change it. */
const OPENING = new Set<ThreadEvent['type']>(['opened', 'updated'])

/**
 * The parts of the rules engine as one: conversation, rules, matching and saved searches. `consider` changes nothing and answers what
 * an input leads to; `commit` takes it once the caller has stored it. What happened in between (another `commit`) is fine as long as
 * inputs of one channel are considered and committed in their order.
 */
export class RulesEngine {
  readonly book = new IntentBook()
  readonly open: OpenIntents
  readonly subscriptions: SubscriptionIndex
  readonly state = new RuleState()
  readonly medians = new PriceMedians()
  readonly #channels = new ChannelTable()
  readonly #vocabulary: Vocabulary
  readonly #stopwatch: Stopwatch | undefined
  #lexicon: Lexicon
  #rules: RuleSet | null = null
  #events: ReadonlySet<RuleEvent> = new Set()

  constructor(options: EngineOptions) {
    this.#lexicon = options.lexicon
    this.#vocabulary = options.vocabulary ?? DEFAULT_VOCABULARY
    this.#stopwatch = options.stopwatch
    this.open = new OpenIntents({
      vocabulary: this.#vocabulary,
      ...(options.maxIntents === undefined ? {} : { max: options.maxIntents }),
    })
    this.subscriptions = new SubscriptionIndex({
      vocabulary: this.#vocabulary,
      ...(options.maxSubscriptions === undefined ? {} : { max: options.maxSubscriptions }),
    })
  }

  get rules(): RuleSet | null {
    return this.#rules
  }

  /** Swaps the rule set between two inputs; the state of rules that stay goes on. */
  useRules(rules: RuleSet | null): void {
    this.#rules = rules
    this.#events = new Set(rules?.rules.flatMap((r) => r.trigger.events ?? ['message.create']))
  }

  useLexicon(lexicon: Lexicon): void {
    this.#lexicon = lexicon
  }

  /** An intent read from storage. */
  load(record: IntentRecord): void {
    this.book.put(record)
    this.open.insert(record.intent)
  }

  consider(input: EngineInput, now: number): Outcome {
    const { input: event, profile } = input
    const place = placeOfInput(event, this.book)
    const before = this.#channels.get(place, now)
    if (profile.mode === 'off') return nothing(now, place, before)
    const context = { lexicon: this.#lexicon, profile: profile.reading }
    const opens = profile.mode === 'observe' ? null : ('open' as const)
    const step = advance(before, event, {
      now,
      opens,
      consent: input.consent ?? null,
      intents: this.book,
      reader: { read: (message) => readMessage(message, context) },
    })
    const pass = new RulePass(this.#rules, this.#events, this.state, now, this.#stopwatch)
    const message = 'message' in event ? event.message : undefined
    let changes = step.events
    if (message !== undefined && (event.kind === 'create' || event.kind === 'edit')) {
      const name = event.kind === 'create' ? 'message.create' : 'message.edit'
      pass.run(factsOf(name, input, message, step.reading))
      changes = pass.ignored
        ? changes.filter((e) => !OPENING.has(e.type) && e.type !== 'interest')
        : this.#emit(pass, changes, step, message, opens, now)
    }
    const matches: EngineMatches[] = []
    const settled = changes.map((change) => {
      const event = message === undefined ? change : this.#onChange(change, input, message, step, pass, now)
      const found = event.type === 'opened' || event.type === 'updated' ? this.#match(event, input, now) : undefined
      if (found === undefined) return event
      matches.push(found)
      if (message !== undefined) this.#tell(found, input, message, pass)
      return event
    })
    return {
      at: now,
      place,
      channel: step.state,
      reading: step.reading,
      act: step.act,
      changes: settled,
      plans: pass.plans,
      effects: pass.plans.flatMap((p) => p.plan.effects),
      state: pass.state.changes,
      matches,
    }
  }

  /** Takes an outcome into memory. */
  commit(outcome: Outcome): void {
    this.#channels.set(outcome.place, outcome.channel, outcome.at)
    this.state.apply(outcome.state)
    this.book.apply(outcome.changes)
    for (const { record } of outcome.changes) {
      this.open.insert(record.intent)
      const { intent } = record
      if (intent.status !== 'open') continue
      this.subscriptions.observe(documentOf(intent, this.#vocabulary))
      const price = intent.slots.price
      const amount = price?.min ?? price?.max
      if (intent.side === 'offer' && price?.currency != null && amount != null && intent.topic !== null)
        this.medians.add(intent.topic.slug, price.currency, Number(amount))
    }
  }

  /** An intent changed by a command or by time; matched like one a message changed. */
  matchesOf(
    event: Extract<ThreadEvent, { type: 'opened' | 'updated' }>,
    input: EngineInput,
    now: number,
  ): EngineMatches | undefined {
    return this.#match(event, input, now)
  }

  /** Rules on what became of an intent; their `emit` may still set its slots. */
  #onChange(
    change: ThreadEvent,
    input: EngineInput,
    message: ThreadMessage,
    step: ThreadStep,
    pass: RulePass,
    now: number,
  ): ThreadEvent {
    const name = EVENT_OF[change.type]
    if (name === undefined) return change
    const reading = 'reading' in change ? change.reading : step.reading
    const id = change.record.intent.intent_id
    pass.run(factsOf(name, input, message, reading, { record: change.record }), id)
    if (reading === null || !OPENING.has(change.type)) return change
    const scope = this.#scope(reading, message, 0, null, now)
    return pass.emits(id).reduce<ThreadEvent>((event, effect) => emitted(effect, [event], scope) ?? event, change)
  }

  #scope(reading: Reading, message: ThreadMessage, ordinal: number, opens: 'draft' | 'open' | null, now: number) {
    return { lexicon: this.#lexicon, reading, message, ordinal, opens, now }
  }

  #emit(
    pass: RulePass,
    changes: readonly ThreadEvent[],
    step: ThreadStep,
    message: ThreadMessage,
    opens: 'draft' | 'open' | null,
    now: number,
  ): readonly ThreadEvent[] {
    if (step.reading === null) return changes
    const out = [...changes]
    for (const effect of pass.emits(undefined)) {
      const used = [...this.book.ofMessage(message.id), ...out.map((e) => e.record)]
      const ordinal = used.reduce((next, r) => (r.message_id === message.id ? Math.max(next, r.ordinal + 1) : next), 0)
      const event = emitted(effect, out, this.#scope(step.reading, message, ordinal, opens, now))
      if (event === undefined) continue
      const at = out.findIndex((e) => e.record.intent.intent_id === event.record.intent.intent_id)
      if (at >= 0) out[at] = event
      else out.push(event)
    }
    return out
  }

  #match(event: EngineMatches['event'], input: EngineInput, now: number): EngineMatches | undefined {
    const { intent } = event.record
    if (intent.status !== 'open') return undefined
    const rates = converter(input.facts.rates, now)
    const matches = this.open.search(intent, { now, rates, median: this.medians.median })
    const hits = this.subscriptions.match(documentOf(intent, this.#vocabulary), rates)
    const subscriptions = Array.from(hits.handles, (handle) => this.subscriptions.id(handle))
    return { intent, event, matches, subscriptions, broad: hits.broad }
  }

  /** Rules on matches and hits. */
  #tell(found: EngineMatches, input: EngineInput, message: ThreadMessage, pass: RulePass): void {
    const { record, reading } = found.event
    if (this.#events.has('match.found'))
      for (const match of found.matches)
        pass.run(
          factsOf('match.found', input, message, reading, { record, match, recipient: match.intent.owner }),
          record.intent.intent_id,
        )
    if (this.#events.has('subscription.hit'))
      for (const id of found.subscriptions.slice(0, MAX_HIT_EVENTS))
        pass.run(factsOf('subscription.hit', input, message, reading, { record, recipient: id }), record.intent.intent_id)
  }
}

const EVENT_OF: Readonly<Partial<Record<ThreadEvent['type'], RuleEvent>>> = {
  opened: 'intent.opened',
  updated: 'intent.updated',
  closed: 'intent.closed',
  withdrawn: 'intent.closed',
  interest: 'interest.received',
}

/** Evaluations of one input, each seeing what those before it counted. */
class RulePass {
  readonly plans: EnginePlan[] = []
  readonly state: StateOverlay
  readonly #rules: RuleSet | null
  readonly #events: ReadonlySet<RuleEvent>
  readonly #now: number
  readonly #stopwatch: Stopwatch | undefined

  constructor(
    rules: RuleSet | null,
    events: ReadonlySet<RuleEvent>,
    state: RuleState,
    now: number,
    stopwatch: Stopwatch | undefined,
  ) {
    this.#rules = rules
    this.#events = events
    this.state = new StateOverlay(state)
    this.#now = now
    this.#stopwatch = stopwatch
  }

  /** Some rule wants the message to open nothing. */
  get ignored(): boolean {
    return this.plans.some((p) => p.plan.ignored !== null)
  }

  run(facts: RuleFacts, intentId?: string): void {
    // Counters of messages and intents run on, whether or not a rule listens to this event.
    if (this.#rules === null || (!this.#events.has(facts.event) && facts.event !== 'message.create')) return
    const options = this.#stopwatch === undefined ? {} : { stopwatch: this.#stopwatch }
    const { plan, state, trace, suspended } = evaluateRules(this.#rules, facts, this.state, this.#now, options)
    this.state.apply(state)
    const of = intentId === undefined ? {} : { intent_id: intentId }
    this.plans.push({ event: facts.event, ...of, plan, trace, suspended })
  }

  /** Emits planned for the message, or for one of its intents. */
  emits(intentId: string | undefined) {
    return this.plans.filter((p) => p.intent_id === intentId).flatMap((p) => p.plan.effects.filter((e) => e.action === 'emit'))
  }
}

function placeOfInput(input: EngineInput['input'], book: IntentBook): string {
  if ('message' in input) return placeOf(input.message)
  if (input.kind === 'delete') return placeOf(input)
  const intent: StoredIntent | undefined = book.ofMessage(input.id)[0]?.intent
  return intent === undefined ? '' : placeOf({ ...intent, thread: book.ofMessage(input.id)[0]?.thread })
}

function nothing(at: number, place: string, channel: Outcome['channel']): Outcome {
  return { at, place, channel, reading: null, act: 'none', changes: [], plans: [], effects: [], state: [], matches: [] }
}
