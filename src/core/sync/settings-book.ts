import { z } from 'zod'
import { Mutex } from '../../base/async.ts'
import { type NamespaceId, parseNamespaceId } from '../docs/ids.ts'
import type { PeerId } from '../ids.ts'
import { type K2DocsClient, SYNC_MARKER } from '../k2/docs-client.ts'
import { k2Error } from '../k2/errors.ts'
import { parseEndpointId } from '../keys/endpoint-id.ts'
import type { LinkState } from './link-state.ts'
import { DEVICE_TYPES, type SyncMode } from './words.ts'

const FOLDER = 'folder:'
const DEVICE = 'device:'
const LEFT = 'left_folder:'
const SETTINGS = 'settings'
const MAX_FOLDERS = 1_000
const MAX_DEVICES = 1_000
const MAX_NAME = 200
const MAX_LOGO = 512 * 1024
/** Shortest interval, minutes: the reference spins at 0. */
const MIN_INTERVAL = 1
const MAX_INTERVAL = 7 * 24 * 60

/** A synchronised folder of this machine (k2-application 5.6). */
export interface FolderConfig {
  readonly id: NamespaceId
  readonly name: string
  /** Absolute path here. */
  readonly path: string
  /** Minutes between two rounds. */
  readonly syncInterval: number
  readonly syncMode: SyncMode
  /** False: paused. */
  readonly syncEnabled: boolean
  readonly linkedDevices: Readonly<Record<string, LinkState>>
}

export interface SyncDevice {
  readonly id: string
  readonly name: string
  readonly deviceType: (typeof DEVICE_TYPES)[number]
  readonly nodeId: PeerId
}

export interface SyncSettings {
  /** A data URL. */
  readonly localLogo: string | null
  readonly displayName: string | null
}

const Folder = z.object({
  id: z.string(),
  name: z.string(),
  path: z.string(),
  syncInterval: z.number(),
  syncMode: z.string(),
  syncEnabled: z.boolean(),
  linkedDevices: z.record(z.string(), z.string()),
})
const Device = z.object({ id: z.string(), name: z.string(), deviceType: z.enum(DEVICE_TYPES), nodeId: z.string() })
const Settings = z.object({ localLogo: z.string().nullish(), displayName: z.string().nullish() })

/**
 * K2's document of folders, devices and settings. Devices and settings may come from any device of the owner; folders only from
 * our own author, because they name paths of this machine. Changes happen one after the other.
 */
export class SyncBook {
  readonly id: NamespaceId
  readonly #client: K2DocsClient
  readonly #turn = new Mutex()

  private constructor(client: K2DocsClient, id: NamespaceId) {
    this.#client = client
    this.id = id
  }

  static async open(client: K2DocsClient): Promise<SyncBook> {
    return new SyncBook(client, await client.findOrCreate(SYNC_MARKER))
  }

  /** By name. Entries that are no folders are left out. */
  async folders(): Promise<readonly FolderConfig[]> {
    const entries = await this.#client.listOwn(this.id, FOLDER)
    const folders = entries.flatMap(({ key, value }) => {
      const folder = folderOf(parsed(value))
      return folder === undefined || key !== FOLDER + folder.id ? [] : [folder]
    })
    return folders.sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1))
  }

  async folder(id: string): Promise<FolderConfig | undefined> {
    const value = await this.#client.get(this.id, FOLDER + id)
    const folder = value === undefined ? undefined : folderOf(parsed(value))
    return folder?.id === id ? folder : undefined
  }

  /** Adds or replaces; clears the mark of having left it. Throws `K2_BAD_FORM` or `K2_TOO_LARGE`. */
  putFolder(folder: FolderConfig): Promise<void> {
    return this.#turn.run(() => this.#writeFolder(folder))
  }

  /** Changes what is there now; undefined when there is no such folder. */
  updateFolder(id: string, change: (folder: FolderConfig) => FolderConfig): Promise<FolderConfig | undefined> {
    return this.#turn.run(async () => {
      const folder = await this.folder(id)
      if (folder === undefined) return undefined
      const changed = change(folder)
      await this.#writeFolder(changed)
      return changed
    })
  }

  /** Forgets the folder and marks it as left. False when there was none. */
  leaveFolder(id: NamespaceId): Promise<boolean> {
    return this.#turn.run(async () => {
      await this.#client.put(this.id, LEFT + id, '1')
      return this.#client.delete(this.id, FOLDER + id)
    })
  }

  async hasLeft(id: string): Promise<boolean> {
    return (await this.#client.get(this.id, LEFT + id)) !== undefined
  }

  async devices(): Promise<readonly SyncDevice[]> {
    const entries = await this.#client.list(this.id, DEVICE)
    const devices = entries.flatMap(({ key, value }) => {
      const device = deviceOf(parsed(value))
      return device === undefined || key !== DEVICE + device.id ? [] : [device]
    })
    return devices.sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1))
  }

  /** Adds or replaces. Throws `K2_BAD_FORM` or `K2_TOO_LARGE`. */
  putDevice(device: SyncDevice): Promise<void> {
    return this.#turn.run(async () => {
      const { id, deviceType, nodeId } = device
      if (!/^[A-Za-z0-9_-]{1,100}$/.test(id)) throw k2Error('K2_BAD_FORM', 'this is no id of a device', { member: 'id' })
      const known = await this.devices()
      if (known.length >= MAX_DEVICES && !known.some((other) => other.id === id))
        throw k2Error('K2_TOO_LARGE', `there are ${MAX_DEVICES} devices already`)
      await this.#client.put(this.id, DEVICE + id, JSON.stringify({ id, name: named(device.name), deviceType, nodeId }))
    })
  }

  /** False when there was none of our own. */
  removeDevice(id: string): Promise<boolean> {
    return this.#turn.run(() => this.#client.delete(this.id, DEVICE + id))
  }

  async settings(): Promise<SyncSettings> {
    const entries = await this.#client.list(this.id, SETTINGS)
    const entry = entries.find(({ key }) => key === SETTINGS)
    const read = Settings.safeParse(parsed(entry?.value ?? '')).data
    return { localLogo: read?.localLogo ?? null, displayName: read?.displayName ?? null }
  }

  /** What is not named stays as it is. Throws `K2_TOO_LARGE`. */
  updateSettings(change: Partial<SyncSettings>): Promise<SyncSettings> {
    return this.#turn.run(async () => {
      const { localLogo, displayName } = { ...(await this.settings()), ...change }
      if ((displayName?.length ?? 0) > MAX_NAME) throw k2Error('K2_TOO_LARGE', `a name has at most ${MAX_NAME} characters`)
      if ((localLogo?.length ?? 0) > MAX_LOGO) throw k2Error('K2_TOO_LARGE', `a logo has at most ${MAX_LOGO} characters`)
      await this.#client.put(this.id, SETTINGS, JSON.stringify({ localLogo, displayName }))
      return { localLogo, displayName }
    })
  }

  async #writeFolder(folder: FolderConfig): Promise<void> {
    const { id, path, syncInterval, syncMode, syncEnabled, linkedDevices } = folder
    const interval = Math.round(syncInterval)
    if (!(interval >= MIN_INTERVAL && interval <= MAX_INTERVAL))
      throw k2Error('K2_BAD_FORM', `an interval is ${MIN_INTERVAL} to ${MAX_INTERVAL} minutes`, { member: 'syncInterval' })
    if (!(await this.folder(id)) && (await this.folders()).length >= MAX_FOLDERS)
      throw k2Error('K2_TOO_LARGE', `there are ${MAX_FOLDERS} folders already`)
    // Members in the reference's order.
    const value = { id, name: named(folder.name), path, syncInterval: interval, syncMode, syncEnabled, linkedDevices }
    await this.#client.put(this.id, FOLDER + id, JSON.stringify(value))
    await this.#client.delete(this.id, LEFT + id)
  }
}

function named(text: string): string {
  const name = text.trim()
  if (name === '') throw k2Error('K2_BAD_FORM', 'a name is missing', { member: 'name' })
  if (name.length > MAX_NAME) throw k2Error('K2_TOO_LARGE', `a name has at most ${MAX_NAME} characters`)
  return name
}

function folderOf(value: unknown): FolderConfig | undefined {
  const read = Folder.safeParse(value).data
  if (read === undefined) return undefined
  try {
    const id = parseNamespaceId(read.id)
    const links = Object.entries(read.linkedDevices).flatMap(([peer, state]) => linkOf(peer, state))
    return {
      id,
      name: read.name,
      path: read.path,
      syncInterval: Math.min(MAX_INTERVAL, Math.max(MIN_INTERVAL, Math.round(read.syncInterval))),
      // Anything else behaves as passive at the reference, too.
      syncMode: read.syncMode === 'proactive' ? 'proactive' : 'passive',
      syncEnabled: read.syncEnabled,
      linkedDevices: Object.fromEntries(links),
    }
  } catch {
    // The reference's page makes folders with temporary ids: those are no documents yet.
    return undefined
  }
}

function linkOf(peer: string, state: string): [PeerId, LinkState][] {
  try {
    return [[parseEndpointId(peer), state === 'Accepted' || state === 'Invited' ? state : 'NotSent']]
  } catch {
    // Device keys at the reference may be empty or "undefined".
    return []
  }
}

function deviceOf(value: unknown): SyncDevice | undefined {
  const read = Device.safeParse(value).data
  if (read === undefined) return undefined
  try {
    return { ...read, nodeId: parseEndpointId(read.nodeId) }
  } catch {
    // As with contacts, nothing at the reference checks ids.
    return undefined
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
