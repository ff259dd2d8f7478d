import { extrasHold, type PreparedExtras, prepareExtras } from './condition-extras.ts'
import { domain, fold, type PreparedFacts } from './prepared-facts.ts'
import type { Condition } from './schema.ts'

/** A condition prepared once: needles folded, lists as sets. */
export interface PreparedCondition {
  readonly networks: ReadonlySet<string> | undefined
  readonly contains: readonly string[] | undefined
  readonly starts: readonly string[] | undefined
  readonly domains: readonly string[] | undefined
  readonly authors: ReadonlySet<string> | undefined
  readonly classes: ReadonlySet<string> | undefined
  readonly isBot: boolean | undefined
  readonly extras: PreparedExtras | undefined
}

const set = (list: readonly string[] | undefined): ReadonlySet<string> | undefined =>
  list === undefined ? undefined : new Set(list)

export function prepareCondition(when: Condition): PreparedCondition {
  return {
    networks: set(when.network),
    contains: when.textContains?.map(fold),
    starts: when.startsWith?.map(fold),
    domains: when.linkDomain?.map(domain),
    authors: set(when.author),
    classes: set(when.senderClass),
    isBot: when.isBot,
    extras: prepareExtras(when),
  }
}

/** Whether every given part of the condition holds. An empty condition always holds. */
export function holds(c: PreparedCondition, p: PreparedFacts): boolean {
  const { facts } = p
  if (c.networks && !c.networks.has(facts.network)) return false
  if (c.isBot !== undefined && c.isBot !== facts.isBot) return false
  if (c.authors && !c.authors.has(facts.authorKey)) return false
  if (c.classes && !c.classes.has(facts.senderClass ?? '')) return false
  if (c.starts && !c.starts.some((s) => p.folded.trimStart().startsWith(s))) return false
  if (c.contains && !c.contains.some((s) => p.folded.includes(s))) return false
  if (c.extras && !extrasHold(c.extras, p)) return false
  if (c.domains && !c.domains.some((d) => p.hosts().some((h) => h === d || h.endsWith(`.${d}`)))) return false
  return true
}
