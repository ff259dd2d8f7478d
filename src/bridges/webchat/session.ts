import { TokenBucket } from '../../base/token-bucket.ts'
import type { ErrorCode, ServerMessage, WirePerson } from './protocol.ts'

/** One page's connection as the gateway's WebSocket server offers it. */
export interface WebChatSession {
  /** IP address; the rate limit of an address counts all its pages. */
  readonly remoteAddress: string
  /** Hands one JSON text to the connection. Never throws for a closed one. */
  send(text: string): void
  /** Bytes not yet handed to the network: the measure of a slow reader. */
  readonly bufferedBytes: number
  close(code: number, reason: string): void
  onMessage(handler: (text: string) => void): void
  onClose(handler: () => void): void
}

/** WebSocket close codes in use. */
export const CLOSE = { goingAway: 1001, policy: 1008, tooSlow: 1013, tryLater: 1013 } as const

/** A reader this far behind is closed; it comes back and resumes. */
const MAX_BUFFERED_BYTES = 1024 * 1024
/** Operations of one page without an answer. */
const MAX_PENDING = 32
/** Messages of one page waiting for their turn. */
const MAX_INBOX = 64
/** Malformed messages before the connection is closed. */
const MAX_VIOLATIONS = 5
/** Messages a second and burst of one page. */
const RATE = { perSecond: 2, burst: 10 }

/** What the bridge remembers of one page. */
export class ChatSession {
  readonly #session: WebChatSession
  readonly #bucket: TokenBucket
  #inbox: (() => Promise<void>)[] = []
  #working: Promise<void> | undefined
  #violations = 0
  #closed = false
  /** Set by `hello`. */
  person: WirePerson | undefined
  room: string | undefined
  pending = 0

  constructor(session: WebChatSession, now: number) {
    this.#session = session
    this.#bucket = new TokenBucket(RATE.perSecond, RATE.burst, now)
  }

  get address(): string {
    return this.#session.remoteAddress
  }

  get closed(): boolean {
    return this.#closed
  }

  get tooManyPending(): boolean {
    return this.pending >= MAX_PENDING
  }

  /** ms until the page may write again; 0 = now, which uses up one message. */
  charge(now: number): number {
    return this.#bucket.take(now) ? 0 : this.#bucket.waitMs(now)
  }

  send(message: ServerMessage): void {
    this.sendText(JSON.stringify(message))
  }

  /** For texts that go to many pages: serialised once. */
  sendText(text: string): void {
    if (this.#closed) return
    if (this.#session.bufferedBytes > MAX_BUFFERED_BYTES) this.close(CLOSE.tooSlow, 'reading too slowly')
    else this.#session.send(text)
  }

  fail(code: ErrorCode, text: string, more: { id?: string; retryAfterMs?: number } = {}): void {
    this.send({ type: 'error', code, text, ...more })
  }

  /** A message that no correct page sends; too many end the connection. */
  violation(text: string): void {
    this.fail('bad-message', text)
    if (++this.#violations >= MAX_VIOLATIONS) this.close(CLOSE.policy, 'too many malformed messages')
  }

  close(code: number, reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#inbox = []
    this.#session.close(code, reason)
  }

  /** The connection is gone. */
  ended(): void {
    this.#closed = true
    this.#inbox = []
  }

  /** Runs tasks of this page one after the other; a page that sends faster than they run is closed. */
  enqueue(task: () => Promise<void>, onError: (error: unknown) => void): void {
    if (this.#closed) return
    if (this.#inbox.length >= MAX_INBOX) {
      this.close(CLOSE.policy, 'sending too fast')
      return
    }
    this.#inbox.push(task)
    this.#working ??= this.#work(onError).finally(() => {
      this.#working = undefined
    })
  }

  async #work(onError: (error: unknown) => void): Promise<void> {
    for (let task = this.#inbox.shift(); task; task = this.#inbox.shift()) await task().catch(onError)
  }
}
