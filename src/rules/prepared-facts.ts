import type { MessageFacts } from './facts.ts'

/** Characters of a message that conditions look at; longer texts are judged by their beginning. */
const MAX_JUDGED_CHARS = 16_384
const HOST = /\bhttps?:\/\/(?:[^\s/?#@]{0,256}@)?([^\s/?#:@<>()[\]"'|*]{1,253})/giu
/** A bare `example.org/…` counts as a link, as the platforms show it as one. */
const BARE_HOST = /(?:^|[\s(<[|*"'])((?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}{2,24})(?=$|[\s/?#:)>\]|*"',.!])/giu

/** The parts of the facts that several rules share, computed at most once per message. */
export interface PreparedFacts {
  readonly facts: MessageFacts
  readonly folded: string
  hosts(): readonly string[]
}

export const fold = (text: string): string => text.normalize('NFKC').toLowerCase()
export const domain = (text: string): string => fold(text).replace(/^\.+|\.+$/g, '')

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
