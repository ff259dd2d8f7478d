import { sleep, TaskGroup } from '../../base/async.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { Cursor } from '../../bridges/cursor.ts'
import type { MediaPort } from '../../bridges/media.ts'
import type { Avatar, Envelope } from '../../bridges/model/message.ts'
import type { Bridge, BridgeSink } from '../../bridges/port.ts'
import type { PortraitSource } from '../../bridges/portraits.ts'
import type { BridgeRegistry } from '../pipeline/bridge-set.ts'

/** Largest picture, bytes. */
const MAX_BYTES = 1024 * 1024
/** People whose picture is known, or known to be missing. */
const MAX_KNOWN = 10_000
/** People waiting for their picture to be fetched; who comes beyond goes without until they speak again. */
const MAX_WAITING = 500
const DAY_MS = 86_400_000
/** One person at a time, this far apart: the platform counts these calls like others. */
const PACE_MS = 1_000
const FETCH_MS = 30_000
/** After a failure a person is left alone this long. */
const RETRY_MS = 600_000

export interface AvatarsOptions {
  readonly bridges: BridgeRegistry
  readonly media: MediaPort
  /** False where nothing serves pictures to people: then nothing is fetched. */
  readonly enabled: boolean
  readonly clock: Clock
  readonly log: Logger
  readonly paceMs?: number
}

interface Known {
  /** Undefined: there is none. */
  readonly avatar: Avatar | undefined
  readonly until: number
}

/**
 * Gives authors a picture other platforms can fetch: a signed address of our own server that ends by itself (bridging 4.4,
 * 11). Never holds a message up: the first ones of a person may go without.
 */
export class Avatars implements Lifecycle {
  readonly name = 'avatars'
  readonly #options: AvatarsOptions
  readonly #known = new BoundedMap<string, Known>({ max: MAX_KNOWN })
  /** Author key → account that hears them, in the order they came. */
  readonly #waiting = new Map<string, Pick<Envelope['at'], 'network' | 'account'>>()
  readonly #stop = new AbortController()
  readonly #tasks: TaskGroup
  #running = false

  constructor(options: AvatarsOptions) {
    this.#options = options
    this.#tasks = new TaskGroup((err) => options.log.warn({ ev: 'avatars', err }, 'pictures of authors cannot be fetched'))
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#tasks.settled()
  }

  /** The same sink; new messages get the picture of their author, as far as it is known. */
  sink(inner: BridgeSink): BridgeSink {
    if (!this.#options.enabled) return inner
    return {
      ingest: (envelopes: readonly Envelope[], cursors?: readonly Cursor[]) =>
        inner.ingest(
          envelopes.map((envelope) => this.#dressed(envelope)),
          cursors,
        ),
    }
  }

  #dressed(envelope: Envelope): Envelope {
    const { author, at, event } = envelope
    if (event.kind !== 'message.create' || author.kind !== 'user' || author.avatar !== undefined) return envelope
    const bridge = this.#options.bridges.find(at.network, at.account)
    if (bridge === undefined || !hasPortraits(bridge)) return envelope
    const now = this.#options.clock.now()
    const known = this.#known.get(author.key, now)
    if (known === undefined || known.until <= now) this.#ask(author.key, at)
    return known?.avatar === undefined ? envelope : { ...envelope, author: { ...author, avatar: known.avatar } }
  }

  #ask(key: string, { network, account }: Envelope['at']): void {
    if (this.#stop.signal.aborted || this.#waiting.has(key) || this.#waiting.size >= MAX_WAITING) return
    this.#waiting.set(key, { network, account })
    if (this.#running) return
    this.#running = true
    this.#tasks.add(this.#work())
  }

  async #work(): Promise<void> {
    const { signal } = this.#stop
    try {
      for (const [key, at] of this.#waiting) {
        if (signal.aborted) return
        await this.#fetch(key, at)
        // Only now: until then the person is not asked for again.
        this.#waiting.delete(key)
        await sleep(this.#options.paceMs ?? PACE_MS, signal).catch(() => {})
      }
    } finally {
      this.#running = false
    }
  }

  async #fetch(key: string, { network, account }: Pick<Envelope['at'], 'network' | 'account'>): Promise<void> {
    const { bridges, clock, log } = this.#options
    const before = this.#known.get(key, clock.now())?.avatar
    const remember = (avatar: Avatar | undefined, forMs: number): void => {
      const now = clock.now()
      this.#known.set(key, { avatar, until: now + forMs }, now)
    }
    const bridge = bridges.find(network, account)
    if (bridge === undefined || !hasPortraits(bridge)) return
    try {
      remember(await this.#picture(bridge, key), DAY_MS)
    } catch (error) {
      log.debug({ ev: 'avatar-failed', code: errorCode(error, 'UNKNOWN') }, 'the picture of an author could not be fetched')
      remember(before, RETRY_MS)
    }
  }

  async #picture(bridge: PortraitSource, key: string): Promise<Avatar | undefined> {
    const { media, clock } = this.#options
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(FETCH_MS)])
    const portrait = await bridge.portraitOf(key, signal)
    if (portrait === undefined || (portrait.size ?? 0) > MAX_BYTES) return undefined
    const file = await media.fetch(portrait, signal)
    try {
      if (file.size > MAX_BYTES || !file.mime.startsWith('image/')) return undefined
      // Whole days, so that the address stays the same for a while and platforms need not fetch it again.
      const until = (Math.floor(clock.now() / DAY_MS) + 3) * DAY_MS
      const version = file.sha256.slice(0, 16)
      const url = await media.link(file, `${version}.${file.extension ?? 'jpg'}`, until)
      return url === undefined ? undefined : { kind: 'url', ref: url, version }
    } finally {
      file.release()
    }
  }
}

function hasPortraits(bridge: Bridge): bridge is Bridge & PortraitSource {
  return typeof (bridge as Partial<PortraitSource>).portraitOf === 'function'
}
