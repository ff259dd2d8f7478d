import { fromUtf8, utf8 } from '../../base/bytes.ts'
import { errorCode } from '../../base/errors.ts'
import { authorOf, type Docs, keyOf, type NamespaceId, type SignedEntry } from '../docs/index.ts'

/** Longest value read as text: contacts, settings and tickets are far below it. Bytes. */
const MAX_TEXT_BYTES = 1024 * 1024

/** A document of K2, recognised by an entry of our own author (k2-application 5.2). */
export interface Marker {
  readonly key: string
  readonly value: string
}

export const CONTACTS_MARKER: Marker = { key: '__k2_contacts_marker__', value: 'k2-contacts-v1' }
export const PROFILE_MARKER: Marker = { key: '__k2_profile_marker__', value: 'k2-profile-v1' }
export const SYNC_MARKER: Marker = { key: '__k2_sync_settings_marker__', value: 'k2-sync-v1' }

export interface TextEntry {
  readonly key: string
  readonly value: string
  /** Written by us. */
  readonly own: boolean
}

/**
 * Documents as K2 uses them: text keys, one author who writes, values small enough to read at once. Unlike the reference a write
 * never loses other keys of ours that begin with the same bytes: they are written again (5.2, 5.4).
 */
export class K2DocsClient {
  readonly docs: Docs

  constructor(docs: Docs) {
    this.docs = docs
  }

  /** The first document, by id, with this marker of ours; made when there is none. */
  async findOrCreate(marker: Marker): Promise<NamespaceId> {
    for (const { id } of this.docs.list()) if ((await this.get(id, marker.key)) === marker.value) return id
    const id = await this.docs.create()
    await this.put(id, marker.key, marker.value)
    return id
  }

  /** An empty value is ignored, as at the reference. A value that is there already is not written again. */
  async put(id: NamespaceId, key: string, value: string): Promise<void> {
    if (value === '' || (await this.get(id, key)) === value) return
    await this.#keepingExtensions(id, key, () => this.docs.setBytes(id, utf8(key), utf8(value)))
  }

  /** As `put`, for a content that need not be here. */
  async setHash(id: NamespaceId, key: string, hash: Uint8Array, len: number): Promise<void> {
    await this.#keepingExtensions(id, key, () => this.docs.setHash(id, utf8(key), { hash, len }))
  }

  /** Our own value; undefined when there is none, or when its content is not here or no text. */
  async get(id: NamespaceId, key: string): Promise<string | undefined> {
    const entry = await this.docs.getExact(id, this.docs.defaultAuthor, utf8(key))
    return entry === undefined ? undefined : this.#text(entry)
  }

  /** Of all authors the newest value of each key below a prefix, by key; those that cannot be read are left out. */
  async list(id: NamespaceId, prefix: string): Promise<readonly TextEntry[]> {
    return this.#texts(await this.docs.query(id, { kind: 'latest-per-key', key: { prefix: utf8(prefix) } }))
  }

  /** As `list`, of our own entries alone: for what others must not be able to say for us. */
  async listOwn(id: NamespaceId, prefix: string): Promise<readonly TextEntry[]> {
    return this.#texts(await this.docs.query(id, { author: this.docs.defaultAuthor, key: { prefix: utf8(prefix) } }))
  }

  /** Removes our entry of exactly this key; false when there was none. */
  async delete(id: NamespaceId, key: string): Promise<boolean> {
    if ((await this.docs.getExact(id, this.docs.defaultAuthor, utf8(key))) === undefined) return false
    await this.erase(id, key)
    return true
  }

  /** Marks a key as deleted, whoever wrote it: where the newest author counts, it has no value any more. */
  async erase(id: NamespaceId, key: string): Promise<void> {
    await this.#keepingExtensions(id, key, () => this.docs.delete(id, utf8(key)))
  }

  /** Our entries whose keys extend `key` are pruned by a newer entry for it; they come back in ascending order. */
  async #keepingExtensions(id: NamespaceId, key: string, write: () => Promise<unknown>): Promise<void> {
    const own = await this.docs.query(id, { author: this.docs.defaultAuthor, key: { prefix: utf8(key) } })
    await write()
    for (const entry of own) {
      if (fromUtf8(keyOf(entry.id)) === key) continue
      await this.docs.setHash(id, keyOf(entry.id), { hash: entry.hash, len: Number(entry.len) })
    }
  }

  async #texts(entries: readonly SignedEntry[]): Promise<readonly TextEntry[]> {
    const found: TextEntry[] = []
    for (const entry of entries) {
      const key = fromUtf8(keyOf(entry.id))
      const value = await this.#text(entry)
      if (key !== undefined && value !== undefined)
        found.push({ key, value, own: authorOf(entry.id) === this.docs.defaultAuthor })
    }
    return found
  }

  async #text(entry: SignedEntry): Promise<string | undefined> {
    try {
      const bytes = await this.docs.read(entry, MAX_TEXT_BYTES)
      return bytes === undefined ? undefined : fromUtf8(bytes)
    } catch (error) {
      if (errorCode(error) === 'DOC_TOO_LARGE') return undefined
      throw error
    }
  }
}
