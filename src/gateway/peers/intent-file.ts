import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { errorCode } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Intent, IntentStore } from '../../bridges/p2p/index.ts'

const MAX_BYTES = 64 * 1024 * 1024

const intent = z.object({
  nativeId: z.string(),
  state: z.enum(['active', 'expired']),
  heardAt: z.number(),
  message: z.object({
    kind: z.enum(['offer', 'interest', 'request']),
    topic: z.string(),
    senderId: z.string(),
    senderName: z.string().exactOptional(),
    senderClass: z.enum(['verified', 'hosted', 'claimed']),
    hostId: z.string().exactOptional(),
    targetId: z.string().exactOptional(),
    form: z.record(z.string(), z.unknown()),
    sentAt: z.number(),
    intentKey: z.string(),
    messageId: z.string(),
  }),
})

/**
 * Remembers open offers in a file, so that they are not shown again after a restart. Losing it only costs that, so a file
 * that cannot be read is reported and replaced.
 */
export class IntentFile implements IntentStore {
  readonly #path: string
  readonly #log: Logger

  constructor(path: string, log: Logger) {
    this.#path = path
    this.#log = log
  }

  async load(): Promise<readonly Intent[]> {
    try {
      const bytes = await readFile(this.#path)
      if (bytes.length > MAX_BYTES) throw new RangeError('too large')
      return z.array(intent).parse(JSON.parse(bytes.toString('utf8')))
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') {
        this.#log.warn(
          { ev: 'intents-unreadable', code: errorCode(error) },
          'open offers of the last run are unknown; some may be shown again',
        )
      }
      return []
    }
  }

  async save(intents: readonly Intent[]): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
    await writeFile(`${this.#path}.new`, JSON.stringify(intents), { mode: 0o600 })
    await rename(`${this.#path}.new`, this.#path)
  }
}
