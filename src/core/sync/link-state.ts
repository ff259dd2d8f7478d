import type { InviteStatus } from '../k2/sync-invite.ts'

/** Pauses between questions to a device that was invited, ms: 60 s, longer when nobody answers. */
const POLL_MS = 60_000
const MAX_POLL_MS = 900_000
/** Devices that accepted are asked once a day, so that leaving is noticed. */
const ACCEPTED_POLL_MS = 86_400_000
/** Two refusals must be this far apart before a device is let go: a restart looks like one, ms. */
const REFUSAL_GAP_MS = 60_000

/** State of a linked device at the inviter, in the reference's words (k2-application 5.6, 5.7). */
export type LinkState = 'NotSent' | 'Invited' | 'Accepted'

export interface Link {
  readonly state: LinkState
  /** When to ask or invite next, ms since 1970. */
  readonly dueAt: number
  /** Failures in a row. */
  readonly failures: number
  /** When it first said that it does not know the folder; undefined: it did not. */
  readonly refusedAt: number | undefined
}

export type LinkEvent =
  /** Answer to an invitation: stored there, or not. */
  | { readonly kind: 'invited'; readonly stored: boolean }
  /** Answer to a question; undefined: a byte without meaning. */
  | { readonly kind: 'status'; readonly status: InviteStatus | undefined }
  /** Nobody answered. */
  | { readonly kind: 'silent' }

export type LinkOutcome =
  | { readonly kind: 'stay'; readonly link: Link }
  | { readonly kind: 'gone'; readonly why: 'left' | 'refused' }

export const newLink = (now: number, state: LinkState = 'NotSent'): Link => ({
  state,
  dueAt: state === 'Accepted' ? now + ACCEPTED_POLL_MS : now,
  failures: 0,
  refusedAt: undefined,
})

/** What follows for a linked device from what it said. Pure; `now` in ms since 1970. */
export function nextLink(link: Link, event: LinkEvent, now: number): LinkOutcome {
  if (event.kind === 'silent') return stay(retry(link, now))
  if (event.kind === 'invited') {
    return stay(event.stored ? { ...link, state: 'Invited', dueAt: now + POLL_MS, failures: 0 } : retry(link, now))
  }
  switch (event.status) {
    case 'accepted':
      return stay({ state: 'Accepted', dueAt: now + ACCEPTED_POLL_MS, failures: 0, refusedAt: undefined })
    case 'left':
      return { kind: 'gone', why: 'left' }
    case 'unknown':
      if (link.refusedAt !== undefined && now - link.refusedAt >= REFUSAL_GAP_MS) return { kind: 'gone', why: 'refused' }
      return stay({ ...link, refusedAt: link.refusedAt ?? now, dueAt: now + POLL_MS, failures: 0 })
    case 'pending':
      return stay({ ...link, refusedAt: undefined, dueAt: now + POLL_MS, failures: 0 })
    case undefined:
      return stay(retry(link, now))
  }
}

const stay = (link: Link): LinkOutcome => ({ kind: 'stay', link })

function retry(link: Link, now: number): Link {
  const failures = link.failures + 1
  const base = link.state === 'Accepted' ? ACCEPTED_POLL_MS : POLL_MS
  const pause = link.state === 'Accepted' ? base : Math.min(MAX_POLL_MS, base * 2 ** Math.min(failures - 1, 10))
  return { ...link, failures, dueAt: now + pause }
}
