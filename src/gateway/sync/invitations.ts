import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import { decodeDocTicket } from '../../core/docs/index.ts'
import type { Connection, PeerId } from '../../core/index.ts'
import type { ContactBook } from '../../core/k2/contact-book.ts'
import { type InviteRequest, type InviteStatus, serveInvite } from '../../core/k2/sync-invite.ts'
import { cutBytes, type SyncBook } from '../../core/sync/index.ts'
import type { SyncConfig } from '../config/sync.ts'
import type { Invitation, SyncStore } from './store.ts'

/** Connections of one peer served at once (k2-application 5.7). */
const MAX_PER_PEER = 4
const MAX_SERVED = 64
/** Invitations of one peer: at most this many at once, then one per 12 minutes. */
const BURST = 5
const PER_SECOND = 5 / 3600
const MAX_PENDING = 100
const MAX_PEERS = 4_096
const MAX_NAME_BYTES = 200

export interface InvitationParts {
  readonly policy: SyncConfig['invitations']
  readonly store: SyncStore
  readonly book: SyncBook
  readonly contacts: Pick<ContactBook, 'get'>
  /** A new one waits for an answer; must not reject. */
  readonly arrived: (invitation: Invitation) => Promise<void>
  readonly clock: Clock
  readonly log: Logger
}

type Asked = Extract<InviteRequest, { kind: 'invitation' }>

/** Takes invitations to folders and questions about them, as `k2/sync-invite/1` brings them. */
export class InvitationDesk {
  readonly #parts: InvitationParts
  readonly #running = new Map<PeerId, number>()
  readonly #rates = new BoundedMap<PeerId, TokenBucket>({ max: MAX_PEERS })
  #served = 0

  constructor(parts: InvitationParts) {
    this.#parts = parts
  }

  /** Serves one connection; never rejects. */
  async serve(connection: Connection): Promise<void> {
    const { peer } = connection
    const running = this.#running.get(peer) ?? 0
    if (running >= MAX_PER_PEER || this.#served >= MAX_SERVED) return connection.close(0n, '')
    this.#running.set(peer, running + 1)
    this.#served++
    try {
      await serveInvite(
        connection,
        { invited: (from, invitation) => this.#invited(from, invitation), asked: (from, folder) => this.#asked(from, folder) },
        this.#parts.clock,
      )
    } catch (error) {
      const { log } = this.#parts
      log.debug(
        { ev: 'sync-invite', peer, code: errorCode(error), reason: errorMessage(error) },
        'a request about a folder failed',
      )
    } finally {
      this.#served--
      const left = (this.#running.get(peer) ?? 1) - 1
      if (left > 0) this.#running.set(peer, left)
      else this.#running.delete(peer)
    }
  }

  /** True: it is kept and shown to somebody, or was accepted before. */
  async #invited(from: PeerId, { folderId, folderName, ticket }: Asked): Promise<boolean> {
    const { store, book, clock, log } = this.#parts
    const { capability, nodes } = decodeDocTicket(ticket)
    // The ticket decides what is opened: a name that says something else, or somebody else's ticket, is a trick.
    if (capability.id !== folderId || capability.kind !== 'write' || !nodes.some(({ id }) => id === from)) return false
    if (!(await this.#isWelcome(from)) || !this.#hasRoom(from)) return false
    if ((await book.folder(folderId)) !== undefined) return true
    const pending = await store.invitations()
    const known = pending.find((one) => one.folder === capability.id)
    if (known === undefined && pending.length >= MAX_PENDING) return false
    const name = cutBytes(visible(folderName), MAX_NAME_BYTES) || `Folder ${folderId.slice(0, 6)}`
    const invitation = { folder: capability.id, peer: from, name, ticket, at: clock.now() }
    await store.putInvitation(invitation)
    log.info({ ev: 'sync-invited', peer: from, folder: folderId.slice(0, 10) }, 'an invitation to a folder waits for an answer')
    if (known === undefined || known.peer !== from) await this.#parts.arrived({ ...invitation, state: 'pending' })
    return true
  }

  /** Strangers hear nothing about folders (k2-application 5.7). */
  async #asked(from: PeerId, folderId: string): Promise<InviteStatus> {
    const { store, book } = this.#parts
    const invitation = await store.invitation(folderId)
    const isInviter = invitation?.peer === from
    const folder = await book.folder(folderId)
    if (folder !== undefined) return isInviter || folder.linkedDevices[from] !== undefined ? 'accepted' : 'unknown'
    if (!isInviter) return 'unknown'
    if (invitation.state === 'pending') return 'pending'
    return (await book.hasLeft(folderId)) ? 'left' : 'unknown'
  }

  async #isWelcome(from: PeerId): Promise<boolean> {
    const { policy, book, contacts } = this.#parts
    if (policy !== 'known') return policy === 'open'
    if ((await contacts.get(from)) !== undefined) return true
    return (await book.devices()).some(({ nodeId }) => nodeId === from)
  }

  #hasRoom(from: PeerId): boolean {
    const now = this.#parts.clock.monotonic()
    const bucket = this.#rates.get(from, now) ?? new TokenBucket(PER_SECOND, BURST, now)
    this.#rates.set(from, bucket, now)
    return bucket.take(now)
  }
}

/** One line without anything invisible. */
function visible(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}
