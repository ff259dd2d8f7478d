import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import { type K2Node, parsePeerId, RECENT_PEERS, type RecentPeer } from '../../core/index.ts'
import { readStateFile, writeStateFile } from '../state-file.ts'

const SAVE_EVERY_MS = 60_000

const fileSchema = z.object({
  version: z.literal(1),
  peers: z
    .array(
      z.object({
        id: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .transform(parsePeerId),
        seenAt: z.number().int().min(0),
        relayUrl: z.string().max(1000).optional(),
        direct: z.array(z.string().max(100)).max(30),
      }),
    )
    .max(RECENT_PEERS),
})

/** The neighbours of the last run; none when there is no file or it cannot be read: nothing depends on it. */
export async function readRecentPeers(path: string, log: Logger): Promise<readonly RecentPeer[]> {
  try {
    const { peers } = await readStateFile(path, fileSchema)
    return peers.map(({ relayUrl, ...peer }) => ({ ...peer, ...(relayUrl !== undefined && { relayUrl }) }))
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') {
      log.warn({ ev: 'recent-peers-unreadable', code: errorCode(error) }, 'the neighbours of the last run are not known')
    }
    return []
  }
}

export interface RecentPeersFileOptions {
  readonly path: string
  readonly node: Pick<K2Node, 'recentPeers'>
  readonly clock: Clock
  readonly log: Logger
}

/** Writes down the neighbours every minute and at the stop; a kill costs at most the last minute. */
export class RecentPeersFile implements Lifecycle {
  readonly name = 'recent-peers'
  readonly #options: RecentPeersFileOptions
  #cancel = (): void => {}
  #saving: Promise<void> = Promise.resolve()
  #saved = ''

  constructor(options: RecentPeersFileOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    this.#saveLater()
  }

  /** Before the node stops: afterwards it has no neighbours. */
  async stop(): Promise<void> {
    this.#cancel()
    await this.#save()
  }

  #saveLater(): void {
    this.#cancel = this.#options.clock.after(SAVE_EVERY_MS, () => {
      void this.#save()
      this.#saveLater()
    })
  }

  #save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#write())
    return this.#saving
  }

  async #write(): Promise<void> {
    const { path, node, log } = this.#options
    const text = `${JSON.stringify({ version: 1, peers: node.recentPeers() })}\n`
    if (text === this.#saved) return
    try {
      await writeStateFile(path, text)
      this.#saved = text
    } catch (error) {
      log.warn({ ev: 'recent-peers-not-saved', code: errorCode(error) }, 'the neighbours were not written down')
    }
  }
}
