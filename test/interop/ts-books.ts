import { z } from 'zod'
import { systemClock } from '../../src/base/clock.ts'
import { K2Error } from '../../src/base/errors.ts'
import { type Docs, parseNamespaceId } from '../../src/core/docs/index.ts'
import { parseHash } from '../../src/core/ids.ts'
import { ContactBook } from '../../src/core/k2/contact-book.ts'
import { CONTACTS_MARKER, K2DocsClient, PROFILE_MARKER, SYNC_MARKER } from '../../src/core/k2/docs-client.ts'
import { ProfileBook } from '../../src/core/k2/profile.ts'
import { PROFILE_IMAGES, PROFILE_TEXTS } from '../../src/core/k2/profile-fields.ts'
import { parseEndpointId } from '../../src/core/keys/endpoint-id.ts'
import { SyncBook } from '../../src/core/sync/index.ts'

const doc = z.string().transform(parseNamespaceId)
const KINDS = { contacts: CONTACTS_MARKER, profile: PROFILE_MARKER, sync: SYNC_MARKER } as const
const names = <T extends object>(table: T) => z.enum(Object.keys(table) as [keyof T & string, ...(keyof T & string)[]])
/** `doc`: one imported from another device, which becomes ours by our own marker. */
const Open = z.strictObject({ kind: names(KINDS), doc: doc.optional() })
const List = z.strictObject({ doc, prefix: z.string() })
const Contact = z.strictObject({ node: z.string(), name: z.string(), notes: z.string().optional() })
const Legacy = z.strictObject({ json: z.string() })
const Text = z.strictObject({ field: names(PROFILE_TEXTS), text: z.string() })
const Image = z.strictObject({ field: names(PROFILE_IMAGES), hash: z.string().transform(parseHash) })
const Folder = z.strictObject({ doc, name: z.string(), path: z.string(), peer: z.string().transform(parseEndpointId) })
const Device = z.strictObject({ id: z.string(), name: z.string(), node: z.string().transform(parseEndpointId) })
const Settings = z.strictObject({ name: z.string() })

/** K2's documents of contacts, profile and folders behind the commands of the lab. */
export class LabBooks {
  readonly #client: K2DocsClient
  #contacts: ContactBook | undefined
  #profile: ProfileBook | undefined
  #sync: SyncBook | undefined

  constructor(docs: Docs) {
    this.#client = new K2DocsClient(docs)
  }

  readonly commands: Readonly<Record<string, (args: unknown) => Promise<object>>> = {
    'books.open': async (args) => {
      const { kind, doc: imported } = Open.parse(args)
      if (imported !== undefined) await this.#client.put(imported, KINDS[kind].key, KINDS[kind].value)
      if (kind === 'contacts') this.#contacts = await ContactBook.open(this.#client, systemClock)
      else if (kind === 'profile') this.#profile = await ProfileBook.open(this.#client)
      else this.#sync = await SyncBook.open(this.#client)
      return { doc: await this.#client.findOrCreate(KINDS[kind]) }
    },
    'books.list': async (args) => {
      const { doc: id, prefix } = List.parse(args)
      return { entries: await this.#client.list(id, prefix) }
    },
    'books.add_contact': async (args) => {
      const { node, name, notes } = Contact.parse(args)
      return { ...(await opened(this.#contacts).add(node, name, notes)) }
    },
    'books.contacts': async () => ({ contacts: await opened(this.#contacts).list() }),
    'books.import_legacy': async (args) => ({ added: await opened(this.#contacts).importLegacy(Legacy.parse(args).json) }),
    'books.set_text': async (args) => {
      const { field, text } = Text.parse(args)
      await opened(this.#profile).setText(field, text)
      return {}
    },
    'books.set_image': async (args) => {
      const { field, hash } = Image.parse(args)
      await opened(this.#profile).setImage(field, hash)
      return {}
    },
    'books.profile': async () => ({ ...(await opened(this.#profile).read()) }),
    'books.put_folder': async (args) => {
      const { doc: id, name, path, peer } = Folder.parse(args)
      const linkedDevices = { [peer]: 'Accepted' as const }
      await opened(this.#sync).putFolder({
        id,
        name,
        path,
        syncInterval: 60,
        syncMode: 'passive',
        syncEnabled: true,
        linkedDevices,
      })
      return {}
    },
    'books.put_device': async (args) => {
      const { id, name, node } = Device.parse(args)
      await opened(this.#sync).putDevice({ id, name, deviceType: 'Desktop', nodeId: node })
      return {}
    },
    'books.update_settings': async (args) => ({
      ...(await opened(this.#sync).updateSettings({ displayName: Settings.parse(args).name })),
    }),
    'books.sync': async () => {
      const book = opened(this.#sync)
      return { folders: await book.folders(), devices: await book.devices(), settings: await book.settings() }
    },
  }
}

function opened<T>(book: T | undefined): T {
  if (book === undefined) throw new K2Error({ code: 'NOT_OPEN', kind: 'input', message: 'open the book first' })
  return book
}
