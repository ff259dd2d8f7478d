import { toHex } from '../../base/bytes.ts'
import type { NamespaceId } from '../docs/index.ts'
import { type Hash, parseHash } from '../ids.ts'
import { type K2DocsClient, PROFILE_MARKER } from './docs-client.ts'
import { k2Error } from './errors.ts'
import { PROFILE_IMAGES, PROFILE_TEXTS, type Profile, type ProfileImage, type ProfileText } from './profile-fields.ts'

const MAX_TEXT = 10_000
const HASH = /^[0-9a-f]{64}$/

/** K2's profile document. */
export class ProfileBook {
  readonly #client: K2DocsClient
  readonly #id: NamespaceId

  private constructor(client: K2DocsClient, id: NamespaceId) {
    this.#client = client
    this.#id = id
  }

  static async open(client: K2DocsClient): Promise<ProfileBook> {
    return new ProfileBook(client, await client.findOrCreate(PROFILE_MARKER))
  }

  async read(): Promise<Profile> {
    const texts: Partial<Record<ProfileText, string>> = {}
    for (const field of Object.keys(PROFILE_TEXTS) as ProfileText[]) {
      const value = await this.#client.get(this.#id, PROFILE_TEXTS[field])
      if (value !== undefined) texts[field] = value
    }
    const images: Partial<Record<ProfileImage, Hash>> = {}
    for (const field of Object.keys(PROFILE_IMAGES) as ProfileImage[]) {
      const value = await this.#client.get(this.#id, PROFILE_IMAGES[field])
      if (value !== undefined && HASH.test(value)) images[field] = parseHash(value)
    }
    return { texts, images }
  }

  /** An empty text clears the field. Throws `K2_TOO_LARGE`. */
  async setText(field: ProfileText, text: string): Promise<void> {
    if (text.length > MAX_TEXT) throw k2Error('K2_TOO_LARGE', `a text of the profile has at most ${MAX_TEXT} characters`)
    if (text === '') await this.#client.delete(this.#id, PROFILE_TEXTS[field])
    else await this.#client.put(this.#id, PROFILE_TEXTS[field], text)
  }

  /** `hash`: a blob in the node's store; undefined clears. Writing one logo leaves the other (5.2). */
  async setImage(field: ProfileImage, hash: Hash | Uint8Array | undefined): Promise<void> {
    const key = PROFILE_IMAGES[field]
    if (hash === undefined) await this.#client.delete(this.#id, key)
    else await this.#client.put(this.#id, key, typeof hash === 'string' ? hash : toHex(hash))
  }
}
