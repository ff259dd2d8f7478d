import type { BridgeEvent, Envelope } from '../../bridges/model/message.ts'
import { type Place, placeKey } from '../../bridges/model/place.ts'
import { holds, type Plan, type PreparedFacts, prepareFacts, type RuleSet } from '../../rules/index.ts'
import type { BreakerVerdict } from './breaker.ts'
import { isDirectPlace } from './direct-route.ts'
import { type LineBody, lineBodyOf } from './event-lines.ts'
import { factsOf, isAutomatic } from './facts.ts'
import type { Turn } from './pace.ts'
import type { RouteMember } from './route-definition.ts'
import type { CompiledRoute, RouteTable } from './routes.ts'
import { channelKey } from './scope.ts'

/** Why a message waits for its author's turn. */
export const PACED = 'wait:pace'
/** Longest chain of bridges a message may have passed (bridging 12.5). */
const MAX_VIA = 4

/** How a destination wants the message shown; kept with the delivery, so that edits look the same. */
export interface Render {
  readonly identity: 'webhook' | 'bot'
  /** Before the text, from a prefix rule. */
  readonly text?: string
  readonly namePrefix?: string
  readonly nameSuffix?: string
  readonly noEdits?: 'ignore'
  /** Nobody is mentioned there, linked or not. */
  readonly mentions?: 'none'
  /** What deleting the copy made here does to all others, where it is not the default. */
  readonly copyDeletes?: 'mirror' | 'local'
}

export interface Destination {
  readonly lane: string
  readonly place: Place
  readonly route: string
  readonly maxAgeMs: number
  readonly render: Render
}

/** What one route did: places it goes to, or why not; `would` and `notify` name filters that only note or tell. */
interface RouteStep {
  readonly route: string
  readonly to?: number
  readonly filtered?: string
  readonly would?: string
  readonly notify?: string
}

export interface RouteTrace {
  readonly rule?: Plan['trace']
  readonly routes: readonly RouteStep[]
}

/** What moderation says of an event: not on this route, or only when a moderator agrees. */
export interface Verdict {
  readonly action: 'drop' | 'hold'
  readonly reason: string
}

/** What becomes of an event. `filtered` and `dropped` name the filter, rule or reason. */
export interface RouteDecision {
  readonly status: 'routed' | 'filtered' | 'dropped'
  readonly reason?: string
  readonly destinations: readonly Destination[]
  readonly trace: RouteTrace
  /** What is sent, where the event itself is not a message. */
  readonly line?: LineBody
  /** Filtered, but kept for a moderator to decide. */
  readonly hold?: true
  /** Filtered, but kept until its author's turn, ms. */
  readonly until?: number
  /** Its author is to be told that messages are dropped. */
  readonly tell?: true
}

/** Marks the lane of what other gateways repeated. */
const REPEATED = '~repeated'

/** Destinations rules add to a message or take from it; lanes that are dropped with the rule that does. */
export interface RouteAdvice {
  readonly add: readonly { readonly place: Place; readonly rule: string }[]
  readonly drop: ReadonlyMap<string, string>
}

export interface RouteContext {
  readonly table: RouteTable
  readonly rules: RuleSet
  /** Our id in `via` lists. */
  readonly instance: string
  /** Whether an author key is one of our own accounts or webhooks (bridging 12.1). */
  readonly isOwn: (authorKey: string) => boolean
  readonly isPaused: (route: string) => boolean
  /** Loop rules 6 and 7, asked once per route for messages of bots that its `bots` policy lets through. */
  readonly breaker: (route: string, message: { readonly eventId: string; readonly text: string }) => BreakerVerdict
  /**
   * Bans, slow mode and the like, asked per route (bridging 18). The same event gets the same answer. `again`: it was let
   * through before, and waited.
   */
  readonly moderate?: ((envelope: Envelope, route: CompiledRoute, again?: boolean) => Verdict | undefined) | undefined
  /** False for places that have this message already, from another gateway or on another way. Asking notes it. */
  readonly isNews?: ((envelope: Envelope, to: Place) => boolean) | undefined
  /** A moderator let this message through: nothing holds it again. */
  readonly approved?: boolean
  /** Its turn has come: its author's pace is not asked again. */
  readonly paced?: boolean
  /** When it is the author's turn on the routes that take a new message (bridging 16). The same event gets the same answer. */
  readonly pace?: ((envelope: Envelope, routes: readonly CompiledRoute[]) => Turn) | undefined
  /** What the rules of the market say about a new message's destinations. */
  readonly advise?: ((envelope: Envelope) => RouteAdvice | undefined) | undefined
}

const NOWHERE: readonly Destination[] = []
/** How long a copy a rule ordered is worth sending. */
const ADVISED_MAX_AGE_MS = 86_400_000

/**
 * Decides where an event goes: loop rules 1, 4, 5, 6 and 7 of bridging 12, then rules, then routes with their filters. No
 * I/O; only the breaker remembers. Edits and deletes follow their create, so for them only loops and `ignore` rules count.
 */
export function planRoute(envelope: Envelope, context: RouteContext): RouteDecision {
  const loop = loopReason(envelope, context)
  if (loop) return ended('dropped', loop)
  const { event } = envelope
  switch (event.kind) {
    case 'typing':
      return ended('dropped', 'typing')
    case 'message.delete':
      return { status: 'routed', destinations: NOWHERE, trace: { routes: [] } }
    case 'message.edit': {
      const plan = context.rules.evaluate(factsOf(envelope, event.body))
      if (plan.ignoredBy !== undefined) return ended('filtered', plan.ignoredBy, plan)
      // An edit goes wherever its message went: one route that does not take the author's words stops it.
      for (const { route } of context.table.reading(envelope.at)) {
        const verdict = context.moderate?.(envelope, route)
        if (verdict !== undefined) return ended('filtered', verdict.reason, plan)
      }
      return { status: 'routed', destinations: NOWHERE, trace: traceOf(plan, []) }
    }
    case 'message.create': {
      const plan = context.rules.evaluate(factsOf(envelope, event.body))
      if (plan.ignoredBy !== undefined) return ended('filtered', plan.ignoredBy, plan)
      return spread(envelope, event, plan, context)
    }
    default: {
      const line = lineBodyOf(envelope)
      if (line === undefined) return ended('dropped', 'empty')
      return { ...spread(envelope, event, {}, context), line }
    }
  }
}

function loopReason(envelope: Envelope, context: RouteContext): string | undefined {
  if (context.isOwn(envelope.author.key)) return 'loop:own-account'
  if (envelope.via.includes(context.instance)) return 'loop:via'
  if (envelope.via.length > MAX_VIA) return 'loop:via-too-long'
  return undefined
}

function ended(status: 'filtered' | 'dropped', reason: string, plan: Plan = {}): RouteDecision {
  return { status, reason, destinations: NOWHERE, trace: traceOf(plan, []) }
}

function traceOf(plan: Plan, routes: RouteTrace['routes']): RouteTrace {
  return { ...(plan.trace && { rule: plan.trace }), routes }
}

/**
 * The lane of a place. On a topic, what other gateways repeated has one of its own: it waits for its turn there (bridging 12.4), and
 * what people say here must not stand behind it, for it would come so late that others repeat it first.
 */
function laneOf(envelope: Envelope, place: Place): string {
  const isRepeated = place.network === 'p2p' && !isDirectPlace(place) && envelope.via.length > 0
  return placeKey(place) + (isRepeated ? REPEATED : '')
}

function spread(envelope: Envelope, event: BridgeEvent, plan: Plan, context: RouteContext): RouteDecision {
  const destinations: Destination[] = []
  const advice = event.kind === 'message.create' ? context.advise?.(envelope) : undefined
  const taken = new Set<string>()
  const trace: RouteStep[] = []
  const takers: CompiledRoute[] = []
  // Who reads a thread with its channel does not hear it in the channel.
  const readers = new Set(context.table.reading(envelope.at).map((m) => m.member))
  let held: string | undefined
  for (const route of candidates(envelope.at, plan, context.table)) {
    const { filtered, hold, ...noted } = refusal(envelope, event, route, context)
    if (hold !== undefined) held ??= hold
    if (filtered !== undefined || hold !== undefined) {
      trace.push({ route: route.id, filtered: filtered ?? `hold:${hold}`, ...noted })
      continue
    }
    const before = destinations.length
    for (const member of route.members) {
      const key = placeKey(member.place)
      if (member.direction === 'in' || taken.has(key) || readers.has(member) || leadsBack(envelope.at, member.place)) continue
      taken.add(key)
      const dropped = advice?.drop.get(key)
      if (dropped !== undefined) {
        trace.push({ route: route.id, filtered: `rule:${dropped}` })
        continue
      }
      if (event.kind === 'message.create' && context.isNews?.(envelope, member.place) === false) {
        trace.push({ route: route.id, filtered: 'loop:repeat' })
        continue
      }
      destinations.push({
        lane: laneOf(envelope, member.place),
        place: member.place,
        route: route.id,
        maxAgeMs: route.maxAge,
        render: renderOf(member, route, plan),
      })
    }
    if (destinations.length > before) takers.push(route)
    trace.push({ route: route.id, to: destinations.length - before, ...noted })
  }
  // One message has one fate: what one route wants looked at waits for all of them.
  if (held !== undefined)
    return { status: 'filtered', reason: `hold:${held}`, hold: true, destinations: NOWHERE, trace: traceOf(plan, trace) }
  if (event.kind === 'message.create' && takers.length > 0 && !context.approved && !context.paced) {
    const turn = context.pace?.(envelope, takers)
    if (turn !== undefined && turn.kind !== 'now') return delayed(turn, traceOf(plan, trace))
  }
  for (const { place, rule } of advice?.add ?? []) {
    const key = placeKey(place)
    if (taken.has(key) || advice?.drop.has(key) === true || leadsBack(envelope.at, place)) continue
    taken.add(key)
    destinations.push({
      lane: laneOf(envelope, place),
      place,
      route: `rule:${rule}`,
      maxAgeMs: ADVISED_MAX_AGE_MS,
      render: { identity: 'webhook' },
    })
    trace.push({ route: `rule:${rule}`, to: 1 })
  }
  if (destinations.length > 0) return { status: 'routed', destinations, trace: traceOf(plan, trace) }
  // Dropped everywhere it is a message all the same: it is read, and answered.
  if (advice !== undefined && advice.drop.size > 0 && trace.some((t) => t.filtered?.startsWith('rule:')))
    return { status: 'routed', destinations, trace: traceOf(plan, trace) }
  const reason = trace.find((t) => t.filtered !== undefined)?.filtered ?? (trace.length === 0 ? 'no-route' : 'no-destination')
  return { status: 'filtered', reason, destinations, trace: traceOf(plan, trace) }
}

function delayed(turn: Exclude<Turn, { kind: 'now' }>, trace: RouteTrace): RouteDecision {
  const filtered = { status: 'filtered' as const, destinations: NOWHERE, trace }
  if (turn.kind === 'wait') return { ...filtered, reason: PACED, until: turn.until }
  return { ...filtered, reason: 'author-rate', ...(turn.tell && { tell: true }) }
}

/** Routes that read the place, or those a rule named: a rule may send a message where its place is no member. */
function candidates(at: Place, plan: Plan, table: RouteTable): readonly CompiledRoute[] {
  if (plan.routes === undefined) return [...new Set(table.reading(at).map((m) => m.route))]
  return [...new Set(plan.routes)].flatMap((id) => table.routes.get(id) ?? [])
}

/** Loop rule 4: never back to the channel it came from, whichever account would write it. */
function leadsBack(from: Place, to: Place): boolean {
  return channelKey(from) === channelKey(to) && (from.thread ?? '') === (to.thread ?? '')
}

/** Why a route does not take an event, or the filter that wants a moderator to look at it first. */
interface Refusal {
  readonly filtered?: string
  readonly hold?: string
  readonly would?: string
  readonly notify?: string
}

const TAKEN: Refusal = {}

function refusal(envelope: Envelope, event: BridgeEvent, route: CompiledRoute, context: RouteContext): Refusal {
  const isPaused = context.isPaused(route.id) || (route.parent !== undefined && context.isPaused(route.parent))
  if (isPaused) return { filtered: 'route-paused' }
  if (event.kind.startsWith('reaction.') && route.reactions !== 'line') return { filtered: 'reactions-off' }
  const isNotice = (event.kind === 'notice' && event.notice !== 'gap') || event.kind.startsWith('thread.')
  const isPin = event.kind === 'notice' && event.notice === 'pin' && route.pins === 'pin'
  if (isNotice && !isPin && route.notices !== true) return { filtered: 'notices-off' }
  const verdict = context.moderate?.(envelope, route, context.approved || context.paced)
  if (verdict !== undefined && event.kind !== 'message.create') return { filtered: verdict.reason }
  if (verdict?.action === 'drop') return { filtered: verdict.reason }
  if (event.kind !== 'message.create') return TAKEN
  const facts = factsOf(envelope, event.body)
  if (isAutomatic(envelope.author)) {
    if (!botAllowed(route, envelope.author.key)) return { filtered: 'bots' }
    const judged = context.breaker(route.id, { eventId: envelope.eventId, text: facts.text })
    if (judged !== 'pass') return { filtered: 'loop:breaker' }
  }
  const filtered = route.preparedFilters.length === 0 ? TAKEN : byFilters(route, prepareFacts(facts))
  const hold = verdict?.reason ?? filtered.hold
  if (filtered.filtered !== undefined || hold === undefined) return filtered
  if (context.approved !== true) return { ...filtered, hold }
  const { hold: _, ...passed } = filtered
  return passed
}

/** The first filter that holds decides; those that only note what they would do are passed over. */
function byFilters(route: CompiledRoute, facts: PreparedFacts): Refusal {
  let would: string | undefined
  const noted = () => (would === undefined ? TAKEN : { would })
  for (const { name, action, when, dryRun } of route.preparedFilters) {
    if (!holds(when, facts)) continue
    if (dryRun) would ??= action === 'allow' ? undefined : name
    else if (action === 'drop') return { filtered: name, ...noted() }
    else if (action === 'hold') return { hold: name, ...noted() }
    else return { ...noted(), ...(action === 'notify' && { notify: name }) }
  }
  return noted()
}

function botAllowed(route: CompiledRoute, authorKey: string): boolean {
  return route.bots === 'all' || (route.bots !== 'none' && route.bots.includes(authorKey))
}

function renderOf(member: RouteMember, route: CompiledRoute, plan: Plan): Render {
  return {
    identity: member.identity,
    ...(plan.prefix !== undefined && { text: plan.prefix }),
    ...(member.prefix !== undefined && { namePrefix: member.prefix }),
    ...(member.suffix !== undefined && { nameSuffix: member.suffix }),
    ...(route.mentions === 'none' && { mentions: 'none' as const }),
    ...(route.p2pEdits === 'ignore' && { noEdits: 'ignore' as const }),
    ...(route.copyDeletes !== undefined && route.copyDeletes !== 'moderators' && { copyDeletes: route.copyDeletes }),
  }
}
