import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import type { NamespaceId } from '../docs/index.ts'
import type { PeerId } from '../ids.ts'
import { parseEndpointId } from '../keys/endpoint-id.ts'
import { CONTACTS_MARKER, type K2DocsClient, type TextEntry } from './docs-client.ts'
import { k2Error } from './errors.ts'

const PREFIX = 'contact:'
const MAX_CONTACTS = 10_000
const MAX_NICKNAME = 200
const MAX_NOTES = 4_000

/** Somebody whose messages and files are expected (k2-application 5.3). */
export interface BookContact {
  readonly id: PeerId
  readonly nickname: string
  /** Seconds since 1970. */
  readonly addedAt: number
  readonly notes: string | undefined
}

const Stored = z.object({
  node_id: z.string(),
  nickname: z.string(),
  added_at: z.number().int().min(0),
  notes: z.string().nullish(),
})
const Legacy = z.object({ contacts: z.record(z.string(), Stored) })

/** K2's contact book: one document, a contact per key. */
export class ContactBook {
  readonly #client: K2DocsClient
  readonly #id: NamespaceId
  readonly #clock: Clock

  private constructor(client: K2DocsClient, id: NamespaceId, clock: Clock) {
    this.#client = client
    this.#id = id
    this.#clock = clock
  }

  static async open(client: K2DocsClient, clock: Clock): Promise<ContactBook> {
    return new ContactBook(client, await client.findOrCreate(CONTACTS_MARKER), clock)
  }

  /** By nickname. Entries that are no contacts are left out. */
  async list(): Promise<readonly BookContact[]> {
    const contacts = this.#contacts(await this.#client.list(this.#id, PREFIX))
    return contacts.sort((a, b) => a.nickname.localeCompare(b.nickname) || (a.id < b.id ? -1 : 1))
  }

  async get(id: PeerId): Promise<BookContact | undefined> {
    return this.#contacts(await this.#client.list(this.#id, PREFIX + id)).find((contact) => contact.id === id)
  }

  /** Adds or replaces. Throws `KEY_BAD_ID`, `K2_BAD_FORM` or `K2_TOO_LARGE`. */
  async add(nodeId: string, nickname: string, notes?: string): Promise<BookContact> {
    const id = parseEndpointId(nodeId)
    const known = await this.get(id)
    if (known === undefined && (await this.list()).length >= MAX_CONTACTS)
      throw k2Error('K2_TOO_LARGE', `a contact book holds ${MAX_CONTACTS} contacts`)
    const contact = checked({ id, nickname, notes, addedAt: known?.addedAt ?? Math.floor(this.#clock.now() / 1000) })
    await this.#write(contact)
    return contact
  }

  /** False when there is no such contact. */
  async rename(id: PeerId, nickname: string): Promise<boolean> {
    const known = await this.get(id)
    if (known === undefined) return false
    await this.#write(checked({ ...known, nickname }))
    return true
  }

  /** Also when another device of ours wrote the contact. False when there is no such contact. */
  async remove(id: PeerId): Promise<boolean> {
    if ((await this.get(id)) === undefined) return false
    await this.#client.erase(this.#id, PREFIX + id)
    return true
  }

  /** Takes contacts of a legacy `contacts.json`; those that are here stay as they are. Throws `K2_MALFORMED`. Answers how many. */
  async importLegacy(text: string): Promise<number> {
    const file = Legacy.safeParse(parsed(text))
    if (!file.success) throw k2Error('K2_MALFORMED', 'this is no contacts.json of K2')
    const known = new Set((await this.list()).map((contact) => contact.id))
    let added = 0
    for (const stored of Object.values(file.data.contacts)) {
      const contact = contactOf(stored)
      if (contact === undefined || known.has(contact.id)) continue
      await this.#write(contact)
      added++
    }
    return added
  }

  #contacts(entries: readonly TextEntry[]): BookContact[] {
    return entries.flatMap(({ key, value }) => {
      const contact = contactOf(parsed(value))
      return contact === undefined || key !== PREFIX + contact.id ? [] : [contact]
    })
  }

  #write({ id, nickname, addedAt, notes }: BookContact): Promise<void> {
    const value = JSON.stringify({ node_id: id, nickname, added_at: addedAt, notes: notes ?? null })
    return this.#client.put(this.#id, PREFIX + id, value)
  }
}

function checked(contact: BookContact): BookContact {
  const nickname = contact.nickname.trim()
  if (nickname === '') throw k2Error('K2_BAD_FORM', 'a contact needs a name', { member: 'nickname' })
  if (nickname.length > MAX_NICKNAME) throw k2Error('K2_TOO_LARGE', `a name has at most ${MAX_NICKNAME} characters`)
  if ((contact.notes?.length ?? 0) > MAX_NOTES) throw k2Error('K2_TOO_LARGE', `notes have at most ${MAX_NOTES} characters`)
  return { ...contact, nickname }
}

function contactOf(value: unknown): BookContact | undefined {
  const stored = Stored.safeParse(value).data
  if (stored === undefined) return undefined
  try {
    const { nickname, added_at: addedAt, notes } = stored
    return { id: parseEndpointId(stored.node_id), nickname, addedAt, notes: notes ?? undefined }
  } catch {
    // Nothing at the reference checks ids: what is none cannot be a contact here.
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
