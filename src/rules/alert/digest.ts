import type { DigestEntry } from './state.ts'

export interface DigestGroup {
  readonly search: string
  readonly entries: readonly DigestEntry[]
}

export interface Digest {
  readonly groups: readonly DigestGroup[]
  /** Entries beyond the best ten. */
  readonly rest: number
}

const BEST = 10

/** Groups what is due by search, best ten by score; what closed meanwhile is left out. Null when nothing is left. */
export function buildDigest(entries: readonly DigestEntry[], isOpen: (intentId: string) => boolean): Digest | null {
  const seen = new Set<string>()
  const open = [...entries]
    .sort((a, b) => b.score - a.score || (a.alert_id < b.alert_id ? -1 : 1))
    .filter((e) => isOpen(e.intent_id) && !seen.has(e.intent_id) && seen.add(e.intent_id))
  if (open.length === 0) return null
  const groups = new Map<string, DigestEntry[]>()
  for (const entry of open.slice(0, BEST)) groups.set(entry.search, [...(groups.get(entry.search) ?? []), entry])
  return { groups: [...groups].map(([search, list]) => ({ search, entries: list })), rest: Math.max(0, open.length - BEST) }
}
