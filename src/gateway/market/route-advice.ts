import type { Envelope } from '../../bridges/model/message.ts'
import { placeKey } from '../../bridges/model/place.ts'
import { language, readMessage } from '../../rules/index.ts'
import type { RouteAdvice } from '../pipeline/route.ts'
import { readableOf, trustOf } from './messages.ts'
import type { MarketParts } from './parts.ts'
import { placesOf } from './routing.ts'
import { factsOf } from './rules-pass.ts'
import { stopwatch } from './stopwatch.ts'

const routing = new WeakMap<language.RuleSet, boolean>()

/** Whether any rule copies or drops messages; most rule sets have none, and cost nothing here. */
function routes(ruleSet: language.RuleSet): boolean {
  const known = routing.get(ruleSet)
  if (known !== undefined) return known
  const found = ruleSet.rules.some(
    (r) => r.mode === 'live' && r.actions.some((a) => a.kind === 'route' && changesRoutes(a.fields)),
  )
  routing.set(ruleSet, found)
  return found
}

const changesRoutes = (fields: Readonly<Record<string, unknown>>): boolean => fields.drop === true || fields.as === 'copy'

/**
 * What rules say about the destinations of a message (rules 10.5 `route`), asked before it is stored: copies are deliveries like
 * all others, with edits and deletes that follow, and what is dropped was never sent. Cooldowns and limits of these rules are
 * remembered here, ahead of the pass behind the commit.
 */
export class RouteAdvisor {
  readonly #parts: () => MarketParts
  readonly #ahead = new language.RuleState(20_000)

  constructor(parts: () => MarketParts) {
    this.#parts = parts
  }

  readonly advise = (envelope: Envelope): RouteAdvice | undefined => {
    const parts = this.#parts()
    const ruleSet = parts.ruleSet()
    if (ruleSet === null || !routes(ruleSet)) return undefined
    const readable = readableOf(envelope)
    if (readable === undefined || readable.input.kind !== 'create' || readable.automatic) return undefined
    const { message } = readable.input
    const profile = parts.profiles.of(envelope.at)
    if (profile.mode === 'off') return undefined
    const now = parts.clock.now()
    const reading = readMessage(
      { id: message.id, text: message.text, sent_at: message.sent_at },
      { lexicon: parts.lexicon, profile: profile.reading },
    )
    const facts = factsOf(
      parts,
      {
        event: 'message.create',
        messageId: message.id,
        revision: 1,
        origin: readable.origin,
        profile,
        author: {
          key: message.author,
          kind: envelope.author.kind,
          trust: trustOf(envelope.author),
          roles: envelope.author.roles ?? [],
        },
        text: message.text,
        sentAt: message.sent_at,
        reading,
      },
      now,
    )
    const { ruleState } = parts.memory
    const state: language.RuleStateView = {
      get: (kind, rule, key, at) => this.#ahead.get(kind, rule, key, at) ?? ruleState.get(kind, rule, key, at),
      wasHeld: (rule) => ruleState.wasHeld(rule),
    }
    const { plan, state: changes } = language.evaluateRules(ruleSet, facts, state, now, { stopwatch, escape: 'plain' })
    this.#ahead.apply(changes.filter((c) => c.kind === 'cooldown' || c.kind === 'bucket'))
    const wanted = plan.effects.filter((e) => e.action === 'route' && changesRoutes(e.fields))
    if (wanted.length === 0) return undefined
    const drops = wanted.filter((e) => e.fields.drop === true)
    return {
      add: wanted
        .filter((e) => e.fields.drop !== true)
        .flatMap((e) => placesOf(e.fields).map((place) => ({ place, rule: e.rule }))),
      drop: new Map(drops.flatMap((e) => placesOf(e.fields).map((place) => [placeKey(place), e.rule] as const))),
    }
  }
}
