import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { errorMessage, K2Error } from '../../base/errors.ts'
import type { Health, Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { MediaPort } from '../../bridges/media.ts'
import { BLOBS_ALPN, type BlobStore, Downloader, type KeptBlob } from '../../core/blobs/index.ts'
import { type AlpnHandler, type Identity, type K2Node, parseEndpointId } from '../../core/index.ts'
import type { CommandDefinition } from '../commands/definition.ts'
import type { Config } from '../config/schema.ts'
import { contactBookCommands } from './commands-contacts.ts'
import { profileCommands } from './commands-profile.ts'
import { Contacts } from './contacts.ts'
import type { OpenDocs } from './open-docs.ts'
import { ProfileDesk } from './profile.ts'
import { secretBox } from './secret-box.ts'

/** Pause after the start of the gateway before documents are opened, ms: its own start goes first. */
const SETTLE_MS = 1_000

export interface DocParts {
  readonly config: Pick<Config, 'dataDir' | 'docs' | 'node'>
  readonly identity: Identity
  readonly node: () => K2Node
  readonly blobs: () => BlobStore
  /** Files of messages, for images people send. */
  readonly media: () => Pick<MediaPort, 'fetch'>
  readonly clock: Clock
  readonly log: Logger
}

/** Documents of the gateway's node, opened when they are first needed and at the latest shortly after the start. */
export interface GatewayDocs {
  /** Opens them once; every later call answers the same. Rejects `DOC_STORE_FAILED`, or `DOC_CLOSED` while the node is not up. */
  open(): Promise<OpenDocs>
  /** Runs once documents are open, before `open()` answers; a failure is logged and does not close them. */
  onOpen(work: (open: OpenDocs) => Promise<void>): void
  /** Of the ALPN `/iroh-sync/1`, for the node's handlers. */
  readonly serve: AlpnHandler
  /** Contents named by documents, for the blob store's garbage collection. Rejects when they cannot be read. */
  contents(): AsyncIterable<KeptBlob>
  /** To be started after the node, so that it stops before it. */
  readonly part: Lifecycle
  gauges(): Readonly<Record<string, number>>
  readonly contacts: Contacts
  readonly profile: ProfileDesk
  readonly commands: readonly CommandDefinition[]
}

export function openDocs(parts: DocParts): GatewayDocs {
  return new LazyDocs(parts)
}

class LazyDocs implements GatewayDocs {
  readonly part: Lifecycle
  readonly contacts: Contacts
  readonly profile: ProfileDesk
  readonly commands: readonly CommandDefinition[]
  readonly #parts: DocParts
  readonly #log: Logger
  readonly #whenOpen: ((open: OpenDocs) => Promise<void>)[] = []
  #opening: Promise<OpenDocs> | undefined
  #open: OpenDocs | undefined
  #handler: AlpnHandler | undefined
  #failure: string | undefined
  #isStopped = false

  constructor(parts: DocParts) {
    this.#parts = parts
    this.#log = parts.log.child({ mod: 'docs' })
    const open = (): Promise<OpenDocs> => this.open()
    const configured = new Set(parts.config.node.contacts.map(({ id }) => parseEndpointId(id)))
    this.contacts = new Contacts({ node: parts.node, open, configured, log: this.#log })
    this.profile = new ProfileDesk({ open, store: parts.blobs })
    this.commands = [...contactBookCommands(this.contacts), ...profileCommands({ profile: this.profile, media: parts.media })]
    this.onOpen((opened) => this.contacts.follow(opened))
    let cancel = (): void => {}
    this.part = {
      name: 'docs',
      start: async () => {
        cancel = parts.clock.after(SETTLE_MS, () => {
          // Told by `health` and again to whoever asks for a document.
          this.open().catch(() => {})
        })
      },
      stop: async () => {
        cancel()
        this.#isStopped = true
        const open = await this.#opening?.catch(() => undefined)
        await open?.docs.stop()
      },
      health: (): Health => (this.#failure === undefined ? { status: 'ok' } : { status: 'degraded', reason: this.#failure }),
    }
  }

  onOpen(work: (open: OpenDocs) => Promise<void>): void {
    this.#whenOpen.push(work)
  }

  open(): Promise<OpenDocs> {
    if (this.#isStopped)
      return Promise.reject(new K2Error({ code: 'DOC_CLOSED', kind: 'closed', message: 'the gateway is stopping' }))
    if (this.#opening === undefined) {
      const opening = this.#build()
      this.#opening = opening
      opening.then(
        () => {
          this.#failure = undefined
        },
        (err: unknown) => {
          this.#failure = `documents cannot be opened: ${errorMessage(err)}`
          this.#log.error({ ev: 'docs-not-open', err }, 'documents cannot be opened')
          this.#opening = undefined
        },
      )
    }
    return this.#opening
  }

  readonly serve: AlpnHandler = async (connection) => {
    await this.open()
    await this.#handler?.(connection)
  }

  async *contents(): AsyncGenerator<KeptBlob> {
    const { docs } = await this.open()
    for await (const hash of docs.contents()) yield { hash, format: 'raw' }
  }

  gauges(): Readonly<Record<string, number>> {
    const docs = this.#open?.docs
    if (docs === undefined) return {}
    const { sessions, failedSessions, rejectedSessions, insertedRemote, invalid, badNotices } = docs.stats
    return {
      docs: docs.list().length,
      docs_sessions: sessions,
      docs_sessions_failed: failedSessions,
      docs_sessions_rejected: rejectedSessions,
      docs_entries_received: insertedRemote,
      docs_entries_invalid: invalid + badNotices,
    }
  }

  /** Everything of documents is loaded here: gateways that come up need none of it. */
  async #build(): Promise<OpenDocs> {
    const { config, identity, node, blobs, clock } = this.#parts
    const { endpoint, gossip } = node()
    const core = await import('../../core/docs/index.ts')
    const [{ K2DocsClient }, { ContactBook }, { ProfileBook }] = await Promise.all([
      import('../../core/k2/docs-client.ts'),
      import('../../core/k2/contact-book.ts'),
      import('../../core/k2/profile.ts'),
    ])
    const store = await core.KvDocStore.open(await core.lmdbMap(join(config.dataDir, 'docs')), secretBox(identity.seed()))
    const downloader = new Downloader({
      store: blobs(),
      clock,
      dial: (addr, call) => endpoint.dial(addr.id, BLOBS_ALPN, { ...call, addr }),
    })
    const docs = new core.Docs({
      endpoint: {
        id: endpoint.id,
        dial: (peer, alpn, options) => endpoint.dial(peer, alpn, options),
        learn: (addr, source) => endpoint.learn(addr, source),
        // The node answers the protocol from its start; who comes before documents are open waits for them.
        handle: (_alpn, handler) => {
          this.#handler = async (connection) => handler(connection)
          return () => {
            this.#handler = undefined
          }
        },
      },
      gossip,
      store,
      contents: core.blobContents(blobs(), downloader, config.docs.maxContent),
      limits: { frameBytes: config.docs.maxFrame },
      clock,
      log: this.#log,
    })
    try {
      await docs.start()
      const client = new K2DocsClient(docs)
      const open: OpenDocs = {
        docs,
        client,
        contacts: await ContactBook.open(client, clock),
        profile: await ProfileBook.open(client),
      }
      for (const work of this.#whenOpen) {
        await work(open).catch((err: unknown) =>
          this.#log.warn({ ev: 'docs-on-open', err }, 'work that follows the opening of documents failed'),
        )
      }
      this.#open = open
      return open
    } catch (error) {
      await docs.stop()
      throw error
    }
  }
}
