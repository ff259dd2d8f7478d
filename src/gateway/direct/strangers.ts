import { z } from 'zod'
import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import { sanitizeName } from '../../bridges/format/sanitize.ts'
import type { PeerPort } from '../../bridges/p2p/port.ts'
import type { Approval } from '../commands/approvals.ts'
import { readStateFile, writeStateFile } from '../state-file.ts'

/** Strangers remembered, and for how long (k2-application 7.3: asked about, never added by themselves). */
const MAX_STRANGERS = 100
const KEEP_MS = 7 * 24 * 3600_000
const MAX_NAME = 64
const MAX_EXCERPT = 80

const strangerSchema = z.object({
  id: z.string().regex(/^[0-9a-f]{64}$/),
  name: z.string(),
  excerpt: z.string(),
  /** ms since the epoch. */
  at: z.int().min(0),
})
const fileSchema = z.object({ version: z.literal(1), strangers: z.array(strangerSchema).max(MAX_STRANGERS) })

type Stranger = Omit<z.infer<typeof strangerSchema>, 'id'>

export interface StrangersOptions {
  readonly port: Pick<PeerPort, 'observe'>
  readonly isContact: (peer: string) => boolean
  /** Where they are written down, so that a restart forgets nobody who waits. */
  readonly path: string
  readonly clock: Clock
  readonly log: Logger
}

/** Nodes that wrote a direct message and are no contacts: an administrator decides. */
export class Strangers implements Lifecycle {
  readonly name = 'strangers'
  readonly #options: StrangersOptions
  readonly #known = new BoundedMap<string, Stranger>({ max: MAX_STRANGERS, ttlMs: KEEP_MS })
  #unsubscribe = (): void => {}
  #writing: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(options: StrangersOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { port, clock } = this.#options
    for (const { id, ...stranger } of await this.#read()) this.#known.set(id, stranger, stranger.at)
    this.#unsubscribe = port.observe(async (update) => {
      if (update.kind !== 'chat' || update.message.topic !== undefined || update.message.senderClass !== 'verified') return
      const { peerId, senderName = '', text } = update.message
      if (this.#options.isContact(peerId)) return
      const excerpt = sanitizeName(text, MAX_EXCERPT)
      this.#known.set(peerId, { name: sanitizeName(senderName, MAX_NAME), excerpt, at: clock.now() }, clock.now())
      await this.#save()
    })
  }

  async stop(): Promise<void> {
    this.#unsubscribe()
    await (this.#next ?? this.#writing)
  }

  readonly approvals = async (): Promise<readonly Approval[]> => {
    this.#known.sweep(this.#options.clock.now())
    return [...this.#known.entries()]
      .filter(([id]) => !this.#options.isContact(id))
      .map(([id, { name, excerpt, at }]) => ({
        kind: 'contact',
        id,
        from: name === '' ? id.slice(0, 8) : `${name} (${id.slice(0, 8)})`,
        what: excerpt,
        since: at,
        until: at + KEEP_MS,
        approve: `contact add ${id} ${id.slice(0, 8)}`,
        reject: `peer block ${id}`,
      }))
  }

  /** None when there is no file or it cannot be read: they write again. */
  async #read(): Promise<readonly z.infer<typeof strangerSchema>[]> {
    const { path, log } = this.#options
    try {
      return (await readStateFile(path, fileSchema)).strangers.toSorted((a, b) => a.at - b.at)
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') {
        log.warn({ ev: 'strangers-unreadable', code: errorCode(error) }, 'who waits for an answer since before is not known')
      }
      return []
    }
  }

  /** Whoever comes while a file is written shares the next one. Never rejects. */
  #save(): Promise<void> {
    this.#next ??= this.#writing.then(() => {
      this.#next = undefined
      this.#writing = this.#write()
      return this.#writing
    })
    return this.#next
  }

  async #write(): Promise<void> {
    const { path, log } = this.#options
    const strangers = [...this.#known.entries()].map(([id, stranger]) => ({ id, ...stranger }))
    try {
      await writeStateFile(path, `${JSON.stringify({ version: 1, strangers })}\n`)
    } catch (error) {
      log.warn({ ev: 'strangers-not-saved', code: errorCode(error) }, 'a restart will forget who waits for an answer')
    }
  }
}
