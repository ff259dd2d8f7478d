import { errorMessage, K2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { endpointAddr, type K2Node, type PeerId, parsePeer } from '../../core/index.ts'
import type { BookContact } from '../../core/k2/contact-book.ts'
import type { OpenDocs } from './open-docs.ts'

/** Contacts of the book whose direct messages are listened for: the newest. Each is one topic of the node. */
const MAX_FOLLOWED = 500

export interface ContactRow {
  readonly name: string
  readonly id: PeerId
  readonly online: boolean
  /** `config`: named in the configuration, and changed there. */
  readonly source: 'book' | 'config'
  readonly notes?: string
  /** Seconds since 1970. */
  readonly addedAt?: number
}

export interface ContactsParts {
  readonly node: () => K2Node
  readonly open: () => Promise<OpenDocs>
  /** Ids of the contacts in the configuration. */
  readonly configured: ReadonlySet<PeerId>
  readonly log: Logger
}

/**
 * The contacts of the gateway: those of the configuration and those of K2's contact book. The node knows both: it listens for
 * their messages, and commands and direct messages can name them.
 */
export class Contacts {
  readonly #parts: ContactsParts

  constructor(parts: ContactsParts) {
    this.#parts = parts
  }

  /** Makes the contacts of the book known to the node; called when documents have been opened. */
  async follow({ contacts }: OpenDocs): Promise<void> {
    const newest = [...(await contacts.list())].sort((a, b) => b.addedAt - a.addedAt)
    for (const contact of newest.slice(0, MAX_FOLLOWED)) this.#tell(contact)
    if (newest.length > MAX_FOLLOWED) {
      const { log } = this.#parts
      log.warn({ ev: 'contacts-many', contacts: newest.length }, `only the newest ${MAX_FOLLOWED} contacts are listened to`)
    }
  }

  /** By name; those of the configuration alone while the book cannot be read (`fault`). */
  async list(): Promise<{ readonly rows: readonly ContactRow[]; readonly fault?: string }> {
    const { configured } = this.#parts
    const node = this.#parts.node()
    const online = new Set(
      node.topics().flatMap(({ contact, neighbors }) => (contact && neighbors.includes(contact) ? contact : [])),
    )
    const rows = node
      .contacts()
      .filter(({ addr }) => configured.has(addr.id))
      .map(
        ({ name, addr: { id } }): ContactRow => ({ name: name ?? id.slice(0, 8), id, online: online.has(id), source: 'config' }),
      )
    try {
      const { contacts } = await this.#parts.open()
      for (const { id, nickname: name, addedAt, notes } of await contacts.list()) {
        if (configured.has(id)) continue
        rows.push({ name, id, online: online.has(id), source: 'book', addedAt, ...(notes !== undefined && { notes }) })
      }
      return { rows: sorted(rows) }
    } catch (error) {
      return { rows: sorted(rows), fault: errorMessage(error) }
    }
  }

  /**
   * Adds a contact by node id, endpoint ticket or `id@ip:port`; one that is there gets the new name and notes. Rejects
   * `CONTACT_CONFIGURED`, `CONTACT_NAME_TAKEN`, `CONTACT_SELF`, and as `ContactBook.add` and `parsePeer`.
   */
  async add(peer: string, name: string, notes: string | undefined): Promise<BookContact> {
    const addr = parsePeer(peer.trim())
    if (addr.id === this.#parts.node().id) throw fault('CONTACT_SELF', 'that is this gateway’s own id')
    this.#checkChangeable(addr.id)
    const { contacts } = await this.#parts.open()
    await this.#checkName(name, addr.id)
    const contact = await contacts.add(addr.id, name, notes)
    this.#tell(contact, addr)
    return contact
  }

  /** Rejects `CONTACT_UNKNOWN`, `CONTACT_CONFIGURED` or `CONTACT_NAME_TAKEN`. */
  async rename(who: string, name: string): Promise<BookContact> {
    const { contacts } = await this.#parts.open()
    const known = await this.#inBook(who)
    await this.#checkName(name, known.id)
    await contacts.rename(known.id, name)
    const renamed = (await contacts.get(known.id)) ?? known
    this.#tell(renamed)
    return renamed
  }

  /** Removes a contact and stops listening for its messages. Rejects `CONTACT_UNKNOWN` or `CONTACT_CONFIGURED`. */
  async remove(who: string): Promise<BookContact> {
    const { contacts } = await this.#parts.open()
    const known = await this.#inBook(who)
    await contacts.remove(known.id)
    await this.#parts.node().removeContact(known.id)
    return known
  }

  /** Takes the contacts of a `contacts.json` of older K2 programs; those that are here stay. Rejects `K2_MALFORMED`. */
  async importLegacy(text: string): Promise<number> {
    const open = await this.#parts.open()
    const added = await open.contacts.importLegacy(text)
    await this.follow(open)
    return added
  }

  async #inBook(who: string): Promise<BookContact> {
    const wanted = who.trim().toLowerCase()
    const { contacts } = await this.#parts.open()
    const all = await contacts.list()
    const found = all.filter((c) => c.nickname.toLowerCase() === wanted)
    if (found.length > 1) throw fault('CONTACT_AMBIGUOUS', `several contacts are called "${who.slice(0, 64)}": use the node id`)
    const contact = found[0] ?? all.find((c) => c.id === wanted)
    if (contact !== undefined) return contact
    const inConfig = this.#parts
      .node()
      .contacts()
      .find(({ name, addr }) => addr.id === wanted || name?.toLowerCase() === wanted)
    if (inConfig !== undefined) this.#checkChangeable(inConfig.addr.id)
    throw fault('CONTACT_UNKNOWN', `there is no contact "${who.slice(0, 64)}": contact list shows them`)
  }

  #checkChangeable(id: PeerId): void {
    if (this.#parts.configured.has(id))
      throw fault('CONTACT_CONFIGURED', 'this contact is in the configuration file: change it there', 'conflict')
  }

  async #checkName(name: string, id: PeerId): Promise<void> {
    const wanted = name.trim().toLowerCase()
    const { rows } = await this.list()
    if (rows.some((row) => row.id !== id && row.name.toLowerCase() === wanted))
      throw fault('CONTACT_NAME_TAKEN', `another contact is called "${name.trim().slice(0, 64)}" already`, 'conflict')
  }

  /** The name of the configuration stays what operators chose. */
  #tell({ id, nickname }: BookContact, addr = endpointAddr(id)): void {
    const { node, configured, log } = this.#parts
    if (configured.has(id)) return
    try {
      node().addContact({ addr, name: nickname })
    } catch (err) {
      log.warn({ ev: 'contact-not-followed', peer: id, err }, 'messages of a contact cannot be listened for')
    }
  }
}

const sorted = (rows: readonly ContactRow[]): readonly ContactRow[] =>
  [...rows].sort((a, b) => a.name.localeCompare(b.name) || (a.id < b.id ? -1 : 1))

const fault = (code: string, message: string, kind: 'input' | 'conflict' = 'input'): K2Error =>
  new K2Error({ code, kind, message })
