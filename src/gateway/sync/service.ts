import { lstat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { safeFileName } from '../../core/blobs/index.ts'
import { type Docs, decodeDocTicket, type NamespaceId } from '../../core/docs/index.ts'
import type { PeerId } from '../../core/index.ts'
import {
  type FolderConfig,
  type LinkState,
  newLink,
  type SyncBook,
  type SyncDevice,
  type SyncMode,
  type SyncSettings,
} from '../../core/sync/index.ts'
import type { SyncEngine } from './engine.ts'
import { noSuchFolder, noSuchInvitation, syncError } from './errors.ts'
import type { FolderInfo } from './folder-info.ts'
import type { LinkDesk } from './links.ts'
import { folderPlace } from './paths.ts'
import type { Invitation, SyncStore } from './store.ts'

const DEFAULT_INTERVAL_MIN = 60
/** Folders of one name tried for a free place. */
const MAX_NAMESAKES = 100

const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  )

export interface ServiceParts {
  readonly docs: Docs
  readonly book: SyncBook
  readonly store: SyncStore
  readonly engine: SyncEngine
  readonly links: LinkDesk
  /** Has the linked devices of a folder invited soon. Never rejects. */
  readonly invite: (folder: NamespaceId) => Promise<void>
  readonly root: string
  readonly dataDir: string
  readonly clock: Clock
}

export interface NewFolder {
  readonly name: string
  /** Default: its name below the configured root. */
  readonly path?: string | undefined
  readonly mode?: SyncMode | undefined
  /** Minutes. */
  readonly interval?: number | undefined
  readonly devices?: readonly PeerId[] | undefined
}

export interface FolderChange {
  readonly name?: string | undefined
  readonly mode?: SyncMode | undefined
  readonly interval?: number | undefined
  readonly enabled?: boolean | undefined
}

export interface DeviceInfo extends SyncDevice {
  readonly status: 'online' | 'offline' | 'unknown'
}

/** What people may do with synchronised folders (k2-application 4.1, rows 26 to 36). */
export class SyncService {
  readonly #parts: ServiceParts
  readonly #online = new Map<PeerId, boolean>()

  constructor(parts: ServiceParts) {
    this.#parts = parts
  }

  folders(): Promise<readonly FolderInfo[]> {
    return this.#parts.engine.list()
  }

  /** By id, the start of one, or name. Rejects `SYNC_UNKNOWN_FOLDER`. */
  async folder(text: string): Promise<FolderInfo> {
    const info = await this.#parts.engine.info(await this.#idOf(text))
    if (info === undefined) throw noSuchFolder()
    return info
  }

  /** Makes a document for a folder and invites the devices. `isOperator` may choose any place. Rejects `SYNC_BAD_PATH`, `K2_*`. */
  async add(folder: NewFolder, isOperator: boolean): Promise<FolderInfo> {
    const { docs, book } = this.#parts
    const path = await this.#placeFor(folder.path, folder.name, isOperator)
    const config: FolderConfig = {
      id: await docs.create(),
      name: folder.name,
      path,
      syncInterval: folder.interval ?? DEFAULT_INTERVAL_MIN,
      syncMode: folder.mode ?? 'proactive',
      syncEnabled: true,
      linkedDevices: Object.fromEntries((folder.devices ?? []).map((peer) => [peer, 'NotSent' satisfies LinkState])),
    }
    await book.putFolder(config)
    return this.#opened(config)
  }

  async edit(text: string, change: FolderChange): Promise<FolderInfo> {
    const { book, engine } = this.#parts
    const id = await this.#idOf(text)
    const config = await book.updateFolder(id, (folder) => ({
      ...folder,
      name: change.name ?? folder.name,
      syncMode: change.mode ?? folder.syncMode,
      syncInterval: change.interval ?? folder.syncInterval,
      syncEnabled: change.enabled ?? folder.syncEnabled,
    }))
    if (config === undefined) throw noSuchFolder()
    await engine.update(config)
    return this.folder(id)
  }

  /** Links devices to a folder; they are invited at once, and again until they answer. */
  async invite(text: string, peers: readonly PeerId[]): Promise<FolderInfo> {
    const { book, engine, store, clock } = this.#parts
    const id = await this.#idOf(text)
    const config = await book.updateFolder(id, (folder) => ({
      ...folder,
      linkedDevices: { ...folder.linkedDevices, ...Object.fromEntries(peers.map((peer) => [peer, 'NotSent' as const])) },
    }))
    if (config === undefined) throw noSuchFolder()
    for (const peer of peers) await store.putLink(id, peer, newLink(clock.now()))
    await engine.update(config)
    await this.#parts.invite(id)
    return this.folder(id)
  }

  /** Stops synchronising; the files stay where they are. `drop`: the document is deleted here, too. */
  async leave(text: string, drop: boolean): Promise<void> {
    const { book, engine, docs, store } = this.#parts
    const id = await this.#idOf(text)
    const config = await book.folder(id)
    engine.close(id)
    await docs.leave(id)
    await book.leaveFolder(id)
    await store.forget(id)
    for (const peer of Object.keys(config?.linkedDevices ?? {})) await store.dropLink(id, peer)
    if (drop) await docs.drop(id)
  }

  async syncNow(text: string, confirmed: boolean): Promise<FolderInfo> {
    const id = await this.#idOf(text)
    await this.#parts.engine.syncNow(id, confirmed)
    await this.#parts.invite(id)
    return this.folder(id)
  }

  /** With the state of the last test. */
  async devices(): Promise<readonly DeviceInfo[]> {
    const devices = await this.#parts.book.devices()
    return devices.map((device) => {
      const online = this.#online.get(device.nodeId)
      return { ...device, status: online === undefined ? 'unknown' : online ? 'online' : 'offline' }
    })
  }

  async addDevice(device: Omit<SyncDevice, 'id'>): Promise<SyncDevice> {
    const { book, clock } = this.#parts
    const known = (await book.devices()).find(({ nodeId }) => nodeId === device.nodeId)
    const added = { ...device, id: known?.id ?? `dev-${clock.now()}` }
    await book.putDevice(added)
    return added
  }

  /** Also unlinks it from folders. Rejects `SYNC_UNKNOWN_DEVICE`. */
  async removeDevice(text: string): Promise<SyncDevice> {
    const { book, engine, store } = this.#parts
    const device = await this.device(text)
    await book.removeDevice(device.id)
    for (const folder of await book.folders()) {
      if (folder.linkedDevices[device.nodeId] === undefined) continue
      const config = await book.updateFolder(folder.id, (now) => {
        const { [device.nodeId]: _, ...linkedDevices } = now.linkedDevices
        return { ...now, linkedDevices }
      })
      await store.dropLink(folder.id, device.nodeId)
      if (config !== undefined) await engine.update(config)
    }
    return device
  }

  /** By id, name or node id. Rejects `SYNC_UNKNOWN_DEVICE`. */
  async device(text: string): Promise<SyncDevice> {
    const wanted = text.trim()
    const device = (await this.#parts.book.devices()).find(
      ({ id, name, nodeId }) => id === wanted || name === wanted || nodeId === wanted.toLowerCase(),
    )
    if (device === undefined) throw syncError('SYNC_UNKNOWN_DEVICE', 'input', 'there is no such device')
    return device
  }

  async test(peer: PeerId): Promise<boolean> {
    const online = await this.#parts.links.test(peer)
    this.#online.set(peer, online)
    return online
  }

  settings(): Promise<SyncSettings> {
    return this.#parts.book.settings()
  }

  updateSettings(change: Partial<SyncSettings>): Promise<SyncSettings> {
    return this.#parts.book.updateSettings(change)
  }

  invitations(): Promise<readonly Invitation[]> {
    return this.#parts.store.invitations()
  }

  /** Begins to synchronise the folder of an invitation. Rejects `SYNC_UNKNOWN_INVITATION`, `SYNC_BAD_PATH`. */
  async accept(text: string, path: string | undefined, isOperator: boolean): Promise<FolderInfo> {
    const { docs, book, store, clock } = this.#parts
    const { folder, name, peer, ticket } = await this.#invitation(text)
    if (ticket === undefined) throw syncError('SYNC_BAD_INVITATION', 'storage', 'the ticket of this invitation cannot be read')
    const { capability, nodes } = decodeDocTicket(ticket)
    const place = await this.#placeFor(path, name, isOperator)
    await docs.importCapability(capability)
    const config: FolderConfig = {
      id: capability.id,
      name,
      path: place,
      syncInterval: DEFAULT_INTERVAL_MIN,
      syncMode: 'proactive',
      syncEnabled: true,
      linkedDevices: { [peer]: 'Accepted' },
    }
    await book.putFolder(config)
    await store.putLink(folder, peer, newLink(clock.now(), 'Accepted'))
    await store.endInvitation(folder, 'accepted')
    const info = await this.#opened(config)
    // The ticket knows addresses that nobody else may.
    await docs.startSync(capability.id, nodes)
    return info
  }

  async reject(text: string): Promise<Invitation> {
    const invitation = await this.#invitation(text)
    await this.#parts.store.endInvitation(invitation.folder, 'rejected')
    return invitation
  }

  async #opened(config: FolderConfig): Promise<FolderInfo> {
    const { engine } = this.#parts
    await engine.open(config, true)
    if (Object.keys(config.linkedDevices).length > 0) await this.#parts.invite(config.id)
    return this.folder(config.id)
  }

  /** The place somebody named, or one of this name that does not exist yet: what lies somewhere is not shared by accident. */
  async #placeFor(text: string | undefined, name: string, isOperator: boolean): Promise<string> {
    const { root, dataDir, book } = this.#parts
    const taken = (await book.folders()).map(({ path }) => path)
    const policy = { root: resolve(root), dataDir: resolve(dataDir), taken }
    if (text !== undefined) return folderPlace(text, isOperator, policy)
    const stem = safeFileName(name)
    for (let n = 1; n <= MAX_NAMESAKES; n++) {
      const label = n === 1 ? stem : `${stem} ${n}`
      if (taken.includes(resolve(policy.root, label)) || (await exists(resolve(policy.root, label)))) continue
      return folderPlace(label, isOperator, policy)
    }
    throw syncError('SYNC_BAD_PATH', 'input', 'there are too many folders of this name: name a place')
  }

  async #idOf(text: string): Promise<NamespaceId> {
    const wanted = text.trim()
    const folders = await this.#parts.book.folders()
    const found =
      folders.find(({ id }) => id === wanted.toLowerCase()) ??
      folders.find(({ name }) => name === wanted) ??
      (wanted.length >= 6 ? folders.find(({ id }) => id.startsWith(wanted.toLowerCase())) : undefined)
    if (found === undefined) throw noSuchFolder()
    return found.id
  }

  async #invitation(text: string): Promise<Invitation> {
    const wanted = text.trim()
    const pending = await this.invitations()
    const found =
      pending.find(({ folder }) => folder === wanted.toLowerCase()) ??
      pending.find(({ name }) => name === wanted) ??
      (wanted.length >= 6 ? pending.find(({ folder }) => folder.startsWith(wanted.toLowerCase())) : undefined)
    if (found === undefined) throw noSuchInvitation()
    return found
  }
}
