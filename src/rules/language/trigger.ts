import { inHours, localTime } from '../alert/local-time.ts'
import { TRUST_LEVELS } from '../model.ts'
import { cronMatches } from './cron.ts'
import { intentOf, type RuleFacts } from './facts.ts'
import { globsMatch } from './glob.ts'
import { placeNames } from './leaves-context.ts'
import type { CompiledRule, RuleSet } from './rule-set.ts'
import { DAYS } from './schema.ts'
import { compares } from './values.ts'

/** Why a rule was not looked at: the part of its trigger that did not fit. */
export interface Narrowed {
  readonly path: string
  readonly actual: string
  readonly wanted: string
}

/** The part of the trigger that depends on the event and its place alone; undefined when it fits. */
export function narrowedByPlace(rule: CompiledRule, facts: RuleFacts): Narrowed | undefined {
  const { trigger } = rule
  const { message, profile } = facts
  const events = trigger.events ?? ['message.create']
  if (!events.includes(facts.event)) return { path: 'when.events', actual: facts.event, wanted: events.join(' | ') }
  if (profile?.rules !== undefined && rule.tags.length > 0 && !rule.tags.some((t) => profile.rules?.includes(t)))
    return { path: 'tags', actual: profile.rules.join(', ') || 'none', wanted: rule.tags.join(' | ') }
  if (trigger.platforms !== undefined && !globsMatch(trigger.platforms, [message.platform]))
    return { path: 'when.platforms', actual: message.platform, wanted: trigger.platforms.join(' ') }
  for (const [key, what] of [
    ['spaces', 'space'],
    ['channels', 'channel'],
    ['threads', 'thread'],
  ] as const) {
    const globs = trigger[key]
    if (globs !== undefined && !globsMatch(globs, placeNames(message, what)))
      return { path: `when.${key}`, actual: message[what] ?? 'none', wanted: globs.join(' ') }
  }
  if (trigger.profiles !== undefined && (profile === undefined || !trigger.profiles.includes(profile.mode)))
    return { path: 'when.profiles', actual: profile?.mode ?? 'none', wanted: trigger.profiles.join(' | ') }
  return undefined
}

/** The part that depends on the author. */
export function narrowedByAuthor(rule: CompiledRule, facts: RuleFacts): Narrowed | undefined {
  const authors = rule.trigger.authors
  if (authors === undefined) return undefined
  const { author } = facts
  if (authors.trust !== undefined && !compares(TRUST_LEVELS.indexOf(author.trust), authors.trust))
    return { path: 'when.authors.trust', actual: author.trust, wanted: authors.trust.text }
  if (authors.kinds !== undefined && !authors.kinds.includes(author.kind))
    return { path: 'when.authors.kinds', actual: author.kind, wanted: authors.kinds.join(' | ') }
  if (authors.roles !== undefined && !authors.roles.some((r) => author.roles.includes(r)))
    return { path: 'when.authors.roles', actual: author.roles.join(', ') || 'none', wanted: authors.roles.join(' | ') }
  if (authors.not_roles?.some((r) => author.roles.includes(r)) === true)
    return { path: 'when.authors.not_roles', actual: author.roles.join(', '), wanted: `not ${authors.not_roles.join(' | ')}` }
  return undefined
}

/** `active` and `cron`; undefined when the rule is in its time. */
export function outOfTime(rule: CompiledRule, facts: RuleFacts, now: number): Narrowed | undefined {
  const zone = rule.active?.time_zone ?? 'UTC'
  if (facts.event === 'schedule' && rule.cron !== undefined && !cronMatches(rule.cron, localTime(now, zone)))
    return { path: 'when.cron', actual: new Date(now).toISOString(), wanted: rule.trigger.cron ?? '' }
  const { active } = rule
  if (active === undefined) return undefined
  if (active.from !== undefined && now < active.from)
    return { path: 'active.from', actual: iso(now), wanted: `>= ${iso(active.from)}` }
  if (active.until !== undefined && now >= active.until)
    return { path: 'active.until', actual: iso(now), wanted: `< ${iso(active.until)}` }
  const at = localTime(now, zone)
  const day = DAYS[at.weekday] as (typeof DAYS)[number]
  if (active.days !== undefined && !active.days.includes(day))
    return { path: 'active.days', actual: day, wanted: active.days.join(' | ') }
  if (active.hours !== undefined && !active.hours.some((range) => inHours(at.minutes, range)))
    return { path: 'active.hours', actual: `${at.hour}:${String(at.minute).padStart(2, '0')}`, wanted: 'its hours' }
  return undefined
}

const iso = (ms: number): string => new Date(ms).toISOString()

/** Places remembered per rule set, and pairs of intent and topic per group of places with the same rules. */
const MAX_PLACES = 4_096
const MAX_KINDS = 1_024

interface Selections {
  readonly places: Map<string, Group>
  /** Groups by the rules they hold: places without rules of their own share one. */
  readonly groups: Map<string, Group>
}

interface Group {
  readonly rules: readonly CompiledRule[]
  readonly kinds: Map<string, readonly CompiledRule[]>
}

const selections = new WeakMap<RuleSet, Selections>()

/** Rules that can hold for this event, place, intent and topic, in order. Remembered per rule set. */
export function selectRules(ruleSet: RuleSet, facts: RuleFacts): readonly CompiledRule[] {
  const known: Selections = selections.get(ruleSet) ?? { places: new Map(), groups: new Map() }
  selections.set(ruleSet, known)
  const { message, profile } = facts
  const place = `${facts.event}\n${message.platform}\n${message.space ?? ''}\n${message.channel}\n${message.thread ?? ''}\n${profile?.mode ?? ''}\n${profile?.rules?.join(',') ?? '-'}`
  const group = known.places.get(place) ?? placeGroup(ruleSet, facts, known, place)
  const intent = intentOf(facts)
  const slug = facts.reading?.topic?.slug ?? ''
  const kind = `${intent}/${slug}`
  const found = group.kinds.get(kind)
  if (found !== undefined) return found
  const list = group.rules.filter(
    (r) => (r.intents === undefined || r.intents.has(intent)) && (r.topics === undefined || r.topics.has(slug)),
  )
  if (group.kinds.size >= MAX_KINDS) group.kinds.delete(group.kinds.keys().next().value as string)
  group.kinds.set(kind, list)
  return list
}

function placeGroup(ruleSet: RuleSet, facts: RuleFacts, known: Selections, place: string): Group {
  const rules = ruleSet.rules.filter((r) => r.mode !== 'off' && narrowedByPlace(r, facts) === undefined)
  // No rule at all is not every rule: ids are never `*`.
  const key = rules.length === ruleSet.rules.length ? '*' : rules.map((r) => r.id).join('\n')
  const group = known.groups.get(key) ?? { rules, kinds: new Map() }
  known.groups.set(key, group)
  if (known.places.size >= MAX_PLACES) {
    known.places.clear()
    known.groups.clear()
  }
  known.places.set(place, group)
  return group
}
