import type { SendOutcome } from '../../bridges/port.ts'

/** Longest wait between two attempts (bridging 16). */
const MAX_RETRY_MS = 60_000
const FIRST_RETRY_MS = 500
/** The same where the account is well and one destination silent: asking again disturbs nobody else. */
const MAX_LANE_RETRY_MS = 15_000
/** Parked deliveries are tried at least this far apart, so that they do not crowd their lane. */
const MIN_PARKED_RETRY_MS = 5_000
/** First wait before a suspended lane or failed account is probed, doubling up to the last. */
const FIRST_PROBE_MS = 300_000
const MAX_PROBE_MS = 3_600_000

/** Where a delivery stood when its attempt began. */
export interface AttemptState {
  /** Attempts before this one. */
  readonly attempt: number
  readonly sentAt: number
  /** Start of the first attempt that may have arrived. */
  readonly ambiguousSince: number | null
  /** End of the first attempt that failed. */
  readonly failedSince: number | null
  readonly parkedAt: number | null
}

export interface NextState {
  readonly state: 'pending' | 'ambiguous' | 'parked' | 'done' | 'cancelled' | 'dead' | 'expired'
  readonly attempt: number
  readonly notBefore: number
  readonly ambiguousSince: number | null
  readonly failedSince: number | null
  readonly parkedAt: number | null
  readonly code?: string
  readonly message?: string
}

export interface Verdict {
  readonly next: NextState
  /** False: the lane's order demands that nothing else is sent before this delivery. */
  readonly goOn: boolean
  /** What it means beyond this delivery. */
  readonly effect?:
    | { readonly kind: 'lane-wait' | 'account-wait'; readonly until: number }
    | { readonly kind: 'lane-suspended' | 'account-failed'; readonly code: string; readonly message: string }
  /** For the account's circuit: did the platform answer at all? */
  readonly answered: boolean
}

export interface OutcomeContext {
  readonly now: number
  /** Random in [0, 1), for the jitter. */
  readonly unit: number
  readonly headTimeoutMs: number
}

/** `random(0, min(60 s, 0.5 s × 2^attempt))`: full jitter, so that lanes that failed together do not return together. */
export function retryDelayMs(attempt: number, unit: number): number {
  return Math.round(unit * Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempt, 20)))
}

/** 5 min doubling to 1 h; `probes` counts those already made. */
export function probeDelayMs(probes: number): number {
  return Math.min(MAX_PROBE_MS, FIRST_PROBE_MS * 2 ** Math.min(probes, 10))
}

/** Outcome of one attempt → next state of the delivery (bridging 14, 15.4, 16). */
export function judge(outcome: SendOutcome, before: AttemptState, context: OutcomeContext): Verdict {
  const { now } = context
  switch (outcome.kind) {
    case 'done':
      return { next: ended('done', before), goOn: true, answered: true }
    case 'permanent':
      return { next: ended('dead', before, outcome.code, outcome.message), goOn: true, answered: true }
    case 'later':
    case 'rate-limited': {
      const until = now + Math.max(0, outcome.afterMs)
      const isAccount = outcome.kind === 'rate-limited' && outcome.scope === 'account'
      const effect = { kind: isAccount ? 'account-wait' : 'lane-wait', until } as const
      return { next: untouched(before, until), goOn: false, effect, answered: true }
    }
    case 'lane-failed':
    case 'account-failed': {
      const kind = outcome.kind === 'lane-failed' ? 'lane-suspended' : 'account-failed'
      const effect = { kind, code: outcome.code, message: outcome.message } as const
      return { next: { ...untouched(before, 0), ...said(outcome.code, outcome.message) }, goOn: false, effect, answered: true }
    }
    case 'not-sent':
      return failed(before, before.ambiguousSince, outcome, context)
    case 'ambiguous':
      return failed(before, before.ambiguousSince ?? before.sentAt, outcome, context)
  }
}

function failed(
  before: AttemptState,
  ambiguousSince: number | null,
  outcome: { readonly code: string; readonly message: string; readonly scope?: 'lane' },
  { now, unit, headTimeoutMs }: OutcomeContext,
): Verdict {
  const failedSince = before.failedSince ?? now
  const isLane = outcome.scope === 'lane'
  const delay = Math.min(retryDelayMs(before.attempt, unit), isLane ? MAX_LANE_RETRY_MS : MAX_RETRY_MS)
  const base = { attempt: before.attempt + 1, ambiguousSince, failedSince, ...said(outcome.code, outcome.message) }
  if (before.parkedAt !== null || now - failedSince >= headTimeoutMs) {
    const notBefore = now + Math.max(MIN_PARKED_RETRY_MS, delay)
    return { next: { ...base, state: 'parked', notBefore, parkedAt: before.parkedAt ?? now }, goOn: true, answered: isLane }
  }
  const state = ambiguousSince === null ? 'pending' : 'ambiguous'
  return { next: { ...base, state, notBefore: now + delay, parkedAt: null }, goOn: false, answered: isLane }
}

/** Outcome of an attempt that we ended ourselves to shut down: no failure of anybody, and due again at once. */
export function interrupted(outcome: SendOutcome, before: AttemptState): Verdict {
  if (outcome.kind === 'done') return { next: ended('done', before), goOn: true, answered: true }
  const ambiguousSince = outcome.kind === 'ambiguous' ? (before.ambiguousSince ?? before.sentAt) : before.ambiguousSince
  return { next: untouched({ ...before, ambiguousSince }, 0), goOn: false, answered: true }
}

/** Back to where it stood, as if this attempt had not been: it was certainly not sent and does not count. */
export function untouched(before: AttemptState, notBefore: number): NextState {
  const { attempt, ambiguousSince, failedSince, parkedAt } = before
  const state = parkedAt !== null ? 'parked' : ambiguousSince !== null ? 'ambiguous' : 'pending'
  return { state, attempt, notBefore, ambiguousSince, failedSince, parkedAt }
}

/** The end of a delivery, whatever it is. */
export function ended(
  state: 'done' | 'cancelled' | 'dead' | 'expired',
  before: AttemptState,
  code?: string,
  message?: string,
): NextState {
  const { attempt, ambiguousSince, failedSince, parkedAt } = before
  const attempts = state === 'cancelled' || state === 'expired' ? attempt : attempt + 1
  return { state, attempt: attempts, notBefore: 0, ambiguousSince, failedSince, parkedAt, ...said(code, message) }
}

function said(code: string | undefined, message: string | undefined): { code?: string; message?: string } {
  return {
    ...(code !== undefined && { code: code.slice(0, 100) }),
    ...(message !== undefined && { message: message.slice(0, 500) }),
  }
}
