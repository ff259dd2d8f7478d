/** Loop rules 6 and 7 of bridging 12: what bots say on one route is watched, and stopped when it looks like an echo. */
export const BREAKER = {
  /** Same text this often within the window trips. Smaller: two bots greeting each other trip it. Larger: longer loops. */
  sameTexts: 3,
  sameWindowMs: 60_000,
  /** More messages than this within the fuse window trip, whatever they say. */
  fuseMessages: 30,
  fuseWindowMs: 10_000,
  /** How long bots stay silent on the route afterwards. */
  suspendMs: 600_000,
  /** Shorter texts ("ok") are not compared as parts of others. */
  minPartChars: 12,
} as const

interface Seen {
  readonly eventId: string
  readonly at: number
  readonly text: string
}

export type BreakerVerdict = 'pass' | 'suspended' | 'tripped-same-text' | 'tripped-rate'

/** Breaker of one route. Pure: `now` is passed in, the same event counts once. */
export class BotBreaker {
  /** Bounded: within the fuse window more than `fuseMessages` trip and clear it; older ones age out with the window. */
  #seen: Seen[] = []
  #suspendedUntil = 0

  get suspendedUntil(): number {
    return this.#suspendedUntil
  }

  /** Judges one message of a bot or webhook. */
  observe(message: { readonly eventId: string; readonly text: string }, now: number): BreakerVerdict {
    if (now < this.#suspendedUntil) return 'suspended'
    this.#seen = this.#seen.filter((s) => now - s.at < BREAKER.sameWindowMs)
    const text = normalised(message.text)
    if (!this.#seen.some((s) => s.eventId === message.eventId)) this.#seen.push({ eventId: message.eventId, at: now, text })
    if (this.#seen.filter((s) => similar(s.text, text)).length >= BREAKER.sameTexts) return this.#trip('tripped-same-text', now)
    const recent = this.#seen.filter((s) => now - s.at < BREAKER.fuseWindowMs)
    if (recent.length > BREAKER.fuseMessages) return this.#trip('tripped-rate', now)
    return 'pass'
  }

  #trip(verdict: 'tripped-same-text' | 'tripped-rate', now: number): BreakerVerdict {
    this.#suspendedUntil = now + BREAKER.suspendMs
    this.#seen = []
    return verdict
  }
}

function normalised(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim().slice(0, 500)
}

/** Equal, or one is the other with something in front (the way a bridge repeats). Empty texts (pictures) are not compared. */
function similar(a: string, b: string): boolean {
  if (a === '' || b === '') return false
  if (a === b) return true
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  return short.length >= BREAKER.minPartChars && long.endsWith(short)
}
