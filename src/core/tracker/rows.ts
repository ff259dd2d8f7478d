import { type Rng, shuffled } from '../../base/random.ts'
import type { Hash, PeerId } from '../ids.ts'
import type { Verify } from '../keys/ed25519.ts'
import { isGenuine, type SignedAnnounce } from './messages.ts'

/** Announcements count for this long after their own time (discovery 6.3). */
export const ANNOUNCE_LIFE_MS = 12 * 3600_000
/** Clocks differ; further ahead is no clock. */
export const MAX_AHEAD_MS = 10 * 60_000
/** Signatures checked of one answer: each costs about 0.13 ms of everybody's time. */
const MAX_CHECKED = 500

/** Whether an announcement counts at `now` (ms). */
export function isTimely(timestamp: bigint, now: number): boolean {
  const at = timestamp / 1000n
  const ms = BigInt(Math.floor(now))
  return at >= ms - BigInt(ANNOUNCE_LIFE_MS) && at <= ms + BigInt(MAX_AHEAD_MS)
}

export interface RankOptions {
  readonly me: PeerId
  /** What was asked for. */
  readonly hash: Hash
  readonly verify: Verify
  readonly now: number
  readonly rng: Rng
}

/**
 * The hosts behind the rows of one or several answers, each once, the most recently announced hour first and at random within
 * it: trackers sort by id, and taking them in that order would send everybody to the same few. Rows that are forged, stale,
 * ours or about something else are left out (discovery 8.6). Pure.
 */
export function rankHosts(rows: readonly SignedAnnounce[], { me, hash, verify, now, rng }: RankOptions): PeerId[] {
  const latest = new Map<PeerId, SignedAnnounce>()
  for (const row of rows) {
    if (row.host === me || row.content.hash !== hash || !isTimely(row.timestamp, now)) continue
    const known = latest.get(row.host)
    if (known === undefined || known.timestamp < row.timestamp) latest.set(row.host, row)
  }
  const hour = (row: SignedAnnounce): number => Number(row.timestamp / 3_600_000_000n)
  const genuine = shuffled(rng, [...latest.values()])
    .slice(0, MAX_CHECKED)
    .filter((row) => isGenuine(row, verify))
  return genuine.sort((a, b) => hour(b) - hour(a)).map((row) => row.host)
}
