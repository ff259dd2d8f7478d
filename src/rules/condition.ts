import type { MessageFacts } from './facts.ts'
import type { Condition } from './schema.ts'

/** Characters of a message that conditions look at; longer texts are judged by their beginning. */
const MAX_JUDGED_CHARS = 16_384
const HOST = /\bhttps?:\/\/(?:[^\s/?#@]{0,256}@)?([^\s/?#:@<>()[\]"'|*]{1,253})/giu
/** A bare `example.org/…` counts as a link, as the platforms show it as one. */
const BARE_HOST = /(?:^|[\s(<[|*"'])((?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24})(?=$|[\s/?#:)>\]|*"',.!])/giu

/** A condition prepared once: needles folded, lists as sets. */
export interface PreparedCondition {
  readonly networks: ReadonlySet<string> | undefined
  readonly contains: readonly string[] | undefined
  readonly starts: readonly string[] | undefined
  readonly domains: readonly string[] | undefined
  readonly authors: ReadonlySet<string> | undefined
  readonly classes: ReadonlySet<string> | undefined
  readonly isBot: boolean | undefined
}

/** The parts of the facts that several rules share, computed at most once per message. */
export interface PreparedFacts {
  readonly facts: MessageFacts
  readonly folded: string
  hosts(): readonly string[]
}

const fold = (text: string): string => text.normalize('NFKC').toLowerCase()
const set = (list: readonly string[] | undefined): ReadonlySet<string> | undefined =>
  list === undefined ? undefined : new Set(list)
const domain = (text: string): string => fold(text).replace(/^\.+|\.+$/g, '')

export function prepareCondition(when: Condition): PreparedCondition {
  return {
    networks: set(when.network),
    contains: when.textContains?.map(fold),
    starts: when.startsWith?.map(fold),
    domains: when.linkDomain?.map(domain),
    authors: set(when.author),
    classes: set(when.senderClass),
    isBot: when.isBot,
  }
}

export function prepareFacts(facts: MessageFacts): PreparedFacts {
  let hosts: readonly string[] | undefined
  const judged = facts.text.slice(0, MAX_JUDGED_CHARS)
  return {
    facts,
    folded: fold(judged),
    hosts: () => {
      hosts ??= linkHosts([judged, ...facts.links])
      return hosts
    },
  }
}

function linkHosts(texts: readonly string[]): string[] {
  const hosts = new Set<string>()
  for (const text of texts) {
    for (const pattern of [HOST, BARE_HOST]) for (const match of text.matchAll(pattern)) hosts.add(domain(match[1] as string))
  }
  return [...hosts]
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
  if (c.domains && !c.domains.some((d) => p.hosts().some((h) => h === d || h.endsWith(`.${d}`)))) return false
  return true
}
