import type { PeerId } from '../ids.ts'

/** Why we begin a session (docs 9.3). */
export type DialReason = 'direct-join' | 'new-neighbor' | 'sync-report' | 'resync'

export type SyncOrigin = { readonly kind: 'connect'; readonly reason: DialReason } | { readonly kind: 'accept' }

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly origin: SyncOrigin; readonly session: number; readonly since: number }
  /** The peer said it is dialing us; its session is awaited. */
  | { readonly kind: 'expecting'; readonly origin: SyncOrigin; readonly until: number }

export type InitVerdict =
  | { readonly kind: 'allow'; readonly session: number /** A session this one replaces. */; readonly replaces?: number }
  | { readonly kind: 'reject'; readonly reason: 'already-syncing' }

/** How long a peer's own dial is awaited after it answered that it is already syncing, ms. */
export const EXPECT_MS = 10_000

/**
 * Sessions of one document with one peer, at most one of them at a time (docs 9.3): a machine without clock or network. Rust
 * nodes that were rejected never dial again, so we reject only while our own dial really runs and our id is the smaller one.
 */
export class PeerSync {
  readonly #weWin: boolean
  #state: State = { kind: 'idle' }
  #resync = false
  #lastSession = 0

  constructor(me: PeerId, peer: PeerId) {
    this.#weWin = me > peer
  }

  get running(): boolean {
    return this.#state.kind === 'running'
  }

  /** Session to dial for now; undefined when one runs or is awaited. */
  dial(reason: DialReason, now: number): number | undefined {
    this.#expire(now)
    if (this.#state.kind !== 'idle') {
      if (reason === 'sync-report') this.#resync = true
      return undefined
    }
    this.#resync = false
    return this.#run({ kind: 'connect', reason }, now)
  }

  /** The peer opens a session. */
  init(now: number): InitVerdict {
    this.#expire(now)
    const state = this.#state
    if (state.kind === 'running' && state.origin.kind === 'connect' && !this.#weWin)
      return { kind: 'reject', reason: 'already-syncing' }
    if (state.kind !== 'running') this.#resync = false
    // A second one from the same peer means that it regards the earlier one as over.
    const replaces = state.kind === 'running' && state.origin.kind === 'accept' ? { replaces: state.session } : {}
    return { kind: 'allow', session: this.#run({ kind: 'accept' }, now), ...replaces }
  }

  /** The session's last message was handled, or it failed. Answers its origin; undefined when another one took its place. */
  finished(session: number): { readonly origin: SyncOrigin; readonly since: number; readonly resync: boolean } | undefined {
    const state = this.#state
    if (state.kind !== 'running' || state.session !== session) return undefined
    this.#state = { kind: 'idle' }
    const resync = this.#resync
    this.#resync = false
    return { origin: state.origin, since: state.since, resync }
  }

  /** The peer answered our dial with "already syncing": its own dial is on its way. */
  rejected(session: number, now: number): void {
    const state = this.#state
    if (state.kind === 'running' && state.session === session)
      this.#state = { kind: 'expecting', origin: state.origin, until: now + EXPECT_MS }
  }

  #run(origin: SyncOrigin, now: number): number {
    this.#lastSession++
    this.#state = { kind: 'running', origin, session: this.#lastSession, since: now }
    return this.#lastSession
  }

  #expire(now: number): void {
    if (this.#state.kind === 'expecting' && now >= this.#state.until) this.#state = { kind: 'idle' }
  }
}
