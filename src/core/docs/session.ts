import { deferred, withDeadline } from '../../base/async.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { isK2Error } from '../../base/errors.ts'
import type { PeerId } from '../ids.ts'
import type { BiStream, Connection } from '../net/transport.ts'
import { encodeFrame, FrameReader } from '../wire/frame.ts'
import { docsError } from './errors.ts'
import type { NamespaceId } from './ids.ts'
import { type AbortReason, decodeSyncFrame, encodeSyncFrame, type SyncFrame, type SyncMessage } from './proto/message.ts'

/** Bounds of one session; upstream has none but the 1 GiB frame (docs 7.6). */
export interface SessionLimits {
  /** Longest frame taken, bytes. Too small: a first sync of a large document fails. */
  readonly frameBytes: number
  /** Longest wait for the next bytes, ms. */
  readonly idleMs: number
  /** Longest first frame of a peer, bytes: it names a document and holds one fingerprint; whether we know it shows only then. */
  readonly openingBytes: number
  /** The whole session, ms. */
  readonly totalMs: number
  /** Messages of the peer; a peer that never has enough is cut off. */
  readonly rounds: number
}

export const SESSION_LIMITS: SessionLimits = {
  frameBytes: 64 * 1024 * 1024,
  openingBytes: 1024 * 1024,
  idleMs: 30_000,
  totalMs: 600_000,
  rounds: 128,
}

/** How long the peer's end is awaited after ours, ms. Closing earlier could discard what it has not read. */
const LINGER_MS = 1_000
/**
 * How long a peer that ended after us may take to close, ms. Rust nodes wait until the acknowledgement of their end is here, and
 * take a session for failed that is closed before: they tell nobody of what it brought.
 */
const ACKNOWLEDGED_MS = 200

/** Our side of a session: what to say to a message. Undefined: nothing more. */
export type Answer = (message: SyncMessage) => Promise<SyncMessage | undefined>

export type InitDecision =
  | { readonly kind: 'allow'; readonly answer: Answer /** The last message was handled. */; ended(error?: unknown): void }
  | { readonly kind: 'reject'; readonly reason: AbortReason }

export interface SessionTools {
  readonly limits?: Partial<SessionLimits>
  readonly clock?: Clock
  readonly signal?: AbortSignal
}

/**
 * Opens a session on a fresh connection and drives it to its end (docs 7.4). `ended` runs after the last message was handled,
 * before the goodbye. Rejects `DOC_ABORTED` (data.reason), `DOC_SYNC_FAILED`, `WIRE_*`, `NET_*`, `TIMEOUT` or `ABORTED`.
 */
export async function dialSession(
  connection: Connection,
  work: { readonly namespace: NamespaceId; readonly opening: SyncMessage; readonly answer: Answer; ended(error?: unknown): void },
  tools: SessionTools = {},
): Promise<void> {
  await within(connection, tools, async (limits) => {
    const stream = await connection.openBi({ deadlineMs: limits.idleMs })
    const talk = new Talk(stream, limits)
    await concluded(talk, connection, tools, work, async () => {
      await talk.send({ kind: 'init', namespace: work.namespace, message: work.opening })
      for (;;) {
        const frame = await talk.receive()
        if (frame === undefined) return
        if (frame.kind === 'abort') throw abortedBy(frame.reason)
        if (frame.kind === 'init') throw broken('the peer opened a session inside ours')
        const reply = await work.answer(frame.message)
        if (reply === undefined) return
        await talk.send({ kind: 'sync', message: reply })
      }
    })
  })
}

/** Serves a session a peer opens on its connection (docs 7.5). Rejects as `dialSession`. */
export async function acceptSession(
  connection: Connection,
  decide: (namespace: NamespaceId, peer: PeerId) => Promise<InitDecision>,
  tools: SessionTools = {},
): Promise<void> {
  await within(connection, tools, async (limits) => {
    const stream = await connection.acceptBi({ deadlineMs: limits.idleMs })
    const talk = new Talk(stream, limits, limits.openingBytes)
    const first = await talk.receive()
    talk.allow(limits.frameBytes)
    if (first?.kind !== 'init') throw broken('the peer did not begin with a document')
    const decision = await decide(first.namespace, connection.peer)
    if (decision.kind === 'reject') {
      await talk.send({ kind: 'abort', reason: decision.reason })
      // A peer that has ended its half already may still have to read this.
      await talk.goodbye(connection, tools.clock, true)
      return
    }
    await concluded(talk, connection, tools, decision, async () => {
      let message: SyncMessage | undefined = first.message
      while (message !== undefined) {
        const reply = await decision.answer(message)
        if (reply === undefined) return talk.nothingMore(message)
        await talk.send({ kind: 'sync', message: reply })
        const frame = await talk.receive()
        if (frame !== undefined && frame.kind !== 'sync') throw broken(`the peer sent ${frame.kind} inside a session`)
        message = frame?.message
      }
    })
  })
}

/** Runs the exchange, reports its end, then says goodbye: the peer is free for a next session before the goodbye is over. */
async function concluded(
  talk: Talk,
  connection: Connection,
  tools: SessionTools,
  work: { ended(error?: unknown): void },
  exchange: () => Promise<void>,
): Promise<void> {
  try {
    await exchange()
  } catch (error) {
    work.ended(error)
    throw error
  }
  work.ended()
  await talk.goodbye(connection, tools.clock)
}

/** Bounds a whole session; the connection is closed afterwards in any case. */
async function within(connection: Connection, tools: SessionTools, run: (limits: SessionLimits) => Promise<void>): Promise<void> {
  const limits = { ...SESSION_LIMITS, ...tools.limits }
  try {
    await withDeadline(run(limits), {
      ms: limits.totalMs,
      what: 'a document session',
      signal: tools.signal,
      ...(tools.clock && { clock: tools.clock }),
      onGiveUp: () => connection.close(0n, ''),
    })
  } finally {
    connection.close(0n, '')
  }
}

class Talk {
  readonly #stream: BiStream
  readonly #limits: SessionLimits
  readonly #frames: FrameReader
  #rounds = 0
  #peerEnded = false

  constructor(stream: BiStream, limits: SessionLimits, maxFrame = limits.frameBytes) {
    this.#stream = stream
    this.#limits = limits
    this.#frames = new FrameReader({ read: (max) => stream.recv.read(max, { deadlineMs: limits.idleMs }) }, maxFrame)
  }

  /** Frames of this length are taken from now on, bytes. */
  allow(maxFrame: number): void {
    this.#frames.allow(maxFrame)
  }

  async send(frame: SyncFrame): Promise<void> {
    const bytes = encodeFrame(encodeSyncFrame(frame))
    if (bytes.length > this.#limits.frameBytes)
      throw docsError('DOC_TOO_LARGE', 'limit', `a message of ${bytes.length} bytes is larger than this node sends`)
    await this.#stream.send.write(bytes, { deadlineMs: this.#limits.totalMs })
  }

  /**
   * Tells a dialer that there is no answer to its message, with a message of no parts. Silence would do, but a Rust dialer that learns
   * of our end while it waits for an answer cannot close its stream without an error afterwards (noq asks a stream that was read to
   * its end no further), and takes the whole session for failed. Not for dialing: a Rust acceptor whose document is left while a
   * message of ours is on its way panics, and its documents are dead until it is restarted (`into_outcome` after a failed step).
   */
  async nothingMore(to: SyncMessage): Promise<void> {
    if (to.length > 0) await this.send({ kind: 'sync', message: [] })
  }

  /** Undefined at the peer's end. */
  async receive(): Promise<SyncFrame | undefined> {
    const body = await this.#frames.next()
    if (body === null) {
      this.#peerEnded = true
      return undefined
    }
    if (++this.#rounds > this.#limits.rounds) throw broken('the peer never has enough')
    return decodeSyncFrame(body)
  }

  /**
   * Ends our side and waits for the peer's end (docs 7.6). The peer closes the connection where it can: when it ended first because
   * only it knows that our end has arrived, and when it ended second because it has to hear that we have its end.
   */
  async goodbye(connection: Connection, clock: Clock = systemClock, waitForClose = this.#peerEnded): Promise<void> {
    try {
      await this.#stream.send.finish()
      const heardEnd = !waitForClose && (await this.#stream.recv.read(1, { deadlineMs: LINGER_MS })) === null
      const over = deferred<void>()
      const cancel = clock.after(heardEnd ? ACKNOWLEDGED_MS : LINGER_MS, () => over.resolve())
      await Promise.race([connection.closed, over.promise])
      cancel()
    } catch (error) {
      // Everything was said; a peer that is gone already needs no goodbye.
      if (!isK2Error(error)) throw error
    }
  }
}

const broken = (message: string): Error => docsError('DOC_SYNC_FAILED', 'protocol', message)

const ABORT_TEXT: Readonly<Record<AbortReason, string>> = {
  'not-found': 'the peer does not sync this document at the moment',
  'already-syncing': 'the peer is already syncing this document with us',
  'internal-error': 'the peer could not decide whether to sync',
}

const abortedBy = (reason: AbortReason): Error => docsError('DOC_ABORTED', 'conflict', ABORT_TEXT[reason], undefined, { reason })

/** The reason a peer gave, if that is what ended a session. */
export function rejectionOf(error: unknown): AbortReason | undefined {
  return isK2Error(error) && error.code === 'DOC_ABORTED' ? (error.data.reason as AbortReason) : undefined
}
