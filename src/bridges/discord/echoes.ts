import { deferred } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'

/** Long enough for the gateway to catch up, short enough that an equal message of tomorrow is not taken for this one. */
const TTL_MS = 30_000
/** Sends under way at once; beyond it the oldest are forgotten and only the history probe can find them. */
const MAX_WAITING = 5_000

export interface EchoKey {
  /** Channel or thread id. */
  readonly channel: string
  /** Webhook id or our user id. */
  readonly author: string
  readonly name: string
  readonly content: string
}

export interface Echo {
  /** The native id once the message was seen on the gateway; undefined after `ms` without it. */
  seen(ms: number): Promise<string | undefined>
  forget(): void
}

interface Waiting {
  readonly at: number
  readonly found: ReturnType<typeof deferred<string | undefined>>
}

function keyText(key: EchoKey): string {
  return [key.channel, key.author, key.name, key.content.trim()].join('\0')
}

/**
 * Our own sends that should come back over the gateway (bridging 12.3, 15.4). When the answer to a send is lost, its echo
 * tells that it arrived, and under which id.
 */
export class ExpectedEchoes {
  readonly #clock: Clock
  readonly #waiting = new Map<string, Waiting[]>()
  #size = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#size
  }

  expect(key: EchoKey): Echo {
    const text = keyText(key)
    this.#sweep()
    const waiting: Waiting = { at: this.#clock.now(), found: deferred<string | undefined>() }
    const list = this.#waiting.get(text)
    if (list === undefined) this.#waiting.set(text, [waiting])
    else list.push(waiting)
    this.#size++
    return {
      seen: (ms) => {
        const cancel = this.#clock.after(ms, () => waiting.found.resolve(undefined))
        return waiting.found.promise.finally(cancel)
      },
      forget: () => this.#remove(text, waiting),
    }
  }

  /** A message of ours arrived. Answers whether a send was waiting for it. */
  observe(key: EchoKey, id: string): boolean {
    const text = keyText(key)
    const waiting = this.#waiting.get(text)?.[0]
    if (waiting === undefined) return false
    waiting.found.resolve(id)
    this.#remove(text, waiting)
    return true
  }

  #remove(text: string, waiting: Waiting): void {
    const list = this.#waiting.get(text)
    const at = list?.indexOf(waiting) ?? -1
    if (list === undefined || at < 0) return
    list.splice(at, 1)
    this.#size--
    if (list.length === 0) this.#waiting.delete(text)
  }

  #sweep(): void {
    const now = this.#clock.now()
    for (const [text, list] of this.#waiting) {
      const oldest = list[0] as Waiting
      if (this.#size < MAX_WAITING && now - oldest.at <= TTL_MS) break
      this.#remove(text, oldest)
    }
  }
}
