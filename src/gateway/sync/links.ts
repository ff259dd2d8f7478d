import { Mutex, Semaphore } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Docs, NamespaceId } from '../../core/docs/index.ts'
import type { EndpointAddr, K2Node, PeerId } from '../../core/index.ts'
import { encodeInviteRequest, INVITE_ALPN, queryInvitation, sendInvitation } from '../../core/k2/sync-invite.ts'
import { endpointAddr } from '../../core/keys/address.ts'
import {
  cutBytes,
  type FolderConfig,
  type Link,
  type LinkEvent,
  type LinkState,
  newLink,
  nextLink,
  type SyncBook,
} from '../../core/sync/index.ts'
import { linkKey, type SyncStore } from './store.ts'

const CONNECT_MS = 30_000
const TEST_MS = 10_000
/** Devices asked at once. */
const AT_ONCE = 4
/** Longest name of a folder in an invitation (k2-application 5.7). */
const MAX_NAME_BYTES = 200

export interface LinkParts {
  readonly node: Pick<K2Node, 'id' | 'addr' | 'endpoint' | 'ping'>
  readonly docs: Pick<Docs, 'share'>
  readonly book: SyncBook
  readonly store: SyncStore
  /** A folder's linked devices have changed; `accepted` is ready to be synchronised with. */
  readonly changed: (folder: FolderConfig) => Promise<void>
  readonly clock: Clock
  readonly log: Logger
}

/** Invites linked devices and asks what became of it, each at its own time (k2-application 5.7). */
export class LinkDesk {
  readonly #parts: LinkParts
  readonly #slots = new Semaphore(AT_ONCE)
  readonly #turns = new Map<string, { readonly lock: Mutex; waiting: number }>()

  constructor(parts: LinkParts) {
    this.#parts = parts
  }

  /** Whether the device answers, as the reference tests it. */
  async test(peer: PeerId): Promise<boolean> {
    return (await this.#parts.node.ping(peer, { alpn: INVITE_ALPN, deadlineMs: TEST_MS })).online
  }

  /** Everybody who is due; devices of the folders in `now` at once. Rejects only for the database. */
  async round(now: ReadonlySet<string> = new Set(), signal?: AbortSignal): Promise<void> {
    const asked: Promise<void>[] = []
    for (const { id, linkedDevices } of await this.#parts.book.folders()) {
      for (const peer of Object.keys(linkedDevices)) {
        asked.push(this.#inTurn(linkKey(id, peer), () => this.#once(id, peer as PeerId, now.has(id), signal)))
      }
    }
    await Promise.all(asked)
  }

  /** One conversation with a device about a folder at a time; whoever comes second sees what the first has heard. */
  async #inTurn(key: string, work: () => Promise<void>): Promise<void> {
    const turn = this.#turns.get(key) ?? { lock: new Mutex(), waiting: 0 }
    this.#turns.set(key, turn)
    turn.waiting++
    try {
      await turn.lock.run(work)
    } finally {
      if (--turn.waiting === 0) this.#turns.delete(key)
    }
  }

  async #once(folderId: NamespaceId, peer: PeerId, isAskedNow: boolean, signal: AbortSignal | undefined): Promise<void> {
    const { book, store, clock } = this.#parts
    const folder = await book.folder(folderId)
    const state = folder?.linkedDevices[peer]
    if (folder === undefined || state === undefined || signal?.aborted) return
    const known = (await store.links()).get(linkKey(folderId, peer))
    const link: Link = known === undefined ? newLink(clock.now(), state) : { ...known, state }
    if (link.dueAt > clock.now() && !(isAskedNow && state !== 'Accepted')) {
      if (known === undefined) await store.putLink(folderId, peer, link)
      return
    }
    const event = await this.#slots.run(() => this.#ask(folder, peer, state, signal))
    if (!signal?.aborted) await this.#follow(folder, peer, link, event)
  }

  async #ask(folder: FolderConfig, peer: PeerId, state: LinkState, signal: AbortSignal | undefined): Promise<LinkEvent> {
    const { node, log } = this.#parts
    try {
      const connection = await node.endpoint.dial(peer, INVITE_ALPN, {
        deadlineMs: CONNECT_MS,
        exclusive: true,
        ...(signal && { signal }),
      })
      if (state !== 'NotSent') return { kind: 'status', status: await queryInvitation(connection, folder.id) }
      return { kind: 'invited', stored: await sendInvitation(connection, await this.#invitation(folder)) }
    } catch (error) {
      log.debug({ ev: 'sync-link', peer, code: errorCode(error), reason: errorMessage(error) }, 'a device did not answer')
      return { kind: 'silent' }
    }
  }

  /** With our addresses where they fit: a peer without lookup services cannot find us by our id alone. */
  async #invitation(folder: FolderConfig): Promise<{ kind: 'invitation'; folderId: string; folderName: string; ticket: string }> {
    const { docs, node } = this.#parts
    const made = async (addr: EndpointAddr) => ({
      kind: 'invitation' as const,
      folderId: folder.id,
      folderName: cutBytes(folder.name, MAX_NAME_BYTES),
      ticket: await docs.share(folder.id, 'write', addr),
    })
    const full = await made(node.addr())
    try {
      encodeInviteRequest(full)
      return full
    } catch {
      // Longer than the reference reads: the id alone, as the reference does it.
      return made(endpointAddr(node.id))
    }
  }

  async #follow(folder: FolderConfig, peer: PeerId, link: Link, event: LinkEvent): Promise<void> {
    const { book, store, clock, log, changed } = this.#parts
    const outcome = nextLink(link, event, clock.now())
    if (outcome.kind === 'stay') await store.putLink(folder.id, peer, outcome.link)
    else await store.dropLink(folder.id, peer)
    const next = outcome.kind === 'stay' ? outcome.link.state : undefined
    if (next === link.state) return
    const updated = await book.updateFolder(folder.id, (now) => {
      const { [peer]: before, ...others } = now.linkedDevices
      // Somebody may have unlinked it meanwhile.
      if (before === undefined) return now
      return { ...now, linkedDevices: next === undefined ? others : { ...others, [peer]: next } }
    })
    log.info({ ev: 'sync-link', peer, folder: folder.id.slice(0, 10), state: next ?? 'removed' }, 'a linked device has changed')
    if (updated !== undefined) await changed(updated)
  }
}
