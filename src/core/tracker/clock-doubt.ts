import type { PeerId } from '../ids.ts'
import type { Verify } from '../keys/ed25519.ts'
import { isGenuine, type SignedAnnounce } from './messages.ts'

/** Differences of clocks that are worth a word (discovery 8.7): announcements of a clock that is ahead are hidden. */
const NOTABLE_US = 5n * 60_000_000n
/** Hosts that must agree: one may have a wrong clock itself, or lie. */
const WITNESSES = 3
/** Rows a tracker answers at most; with so many, ours may just not be among them. */
const FULL_ANSWER = 118

/** `behind`: others announced themselves later than it is here. `ahead`: the tracker hides what we announced. */
export type ClockDoubt = 'behind' | 'ahead'

/**
 * What the answer of a tracker says about the clock of this machine. `announcedAt`: µs of our announcement that this tracker
 * took before, undefined when there is none. A hint for people only: rows are made by strangers. Pure; `now` in ms.
 */
export function clockDoubt(
  rows: readonly SignedAnnounce[],
  { me, verify, now, announcedAt }: { me: PeerId; verify: Verify; now: number; announcedAt: bigint | undefined },
): ClockDoubt | undefined {
  const late = BigInt(Math.floor(now)) * 1000n + NOTABLE_US
  const later = new Set<PeerId>()
  for (const row of rows) {
    if (later.size < WITNESSES && row.host !== me && row.timestamp > late && isGenuine(row, verify)) later.add(row.host)
  }
  if (later.size >= WITNESSES) return 'behind'
  const isMissing = announcedAt !== undefined && rows.length < FULL_ANSWER && !rows.some((row) => row.host === me)
  return isMissing ? 'ahead' : undefined
}
