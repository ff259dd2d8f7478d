import { toHex } from '../../base/bytes.ts'
import type { NamespaceId } from '../docs/index.ts'
import { type Hash, parseHash } from '../ids.ts'
import { type K2DocsClient, PROFILE_MARKER } from './docs-client.ts'
import { k2Error } from './errors.ts'

const MAX_TEXT = 10_000
const HASH = /^[0-9a-f]{64}$/

/** Names of the profile's images on the wire; `logo` is the dark one. */
export const PROFILE_IMAGES = {
  avatar: 'profile:avatar',
  'logo-dark': 'profile:logo',
  'logo-light': 'profile:logo_light',
} as const
export type ProfileImage = keyof typeof PROFILE_IMAGES

const TEXTS = { name: 'profile:name', intro: 'profile:intro', description: 'profile:description' } as const
export type ProfileText = keyof typeof TEXTS

/** How the owner of a node presents it (k2-application 5.4). K2 sends it to nobody. */
export interface Profile {
  readonly texts: Readonly<Partial<Record<ProfileText, string>>>
  readonly images: Readonly<Partial<Record<ProfileImage, Hash>>>
}

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
    for (const field of Object.keys(TEXTS) as ProfileText[]) {
      const value = await this.#client.get(this.#id, TEXTS[field])
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
    if (text === '') await this.#client.delete(this.#id, TEXTS[field])
    else await this.#client.put(this.#id, TEXTS[field], text)
  }

  /** `hash`: a blob in the node's store; undefined clears. Writing one logo leaves the other (5.2). */
  async setImage(field: ProfileImage, hash: Hash | Uint8Array | undefined): Promise<void> {
    const key = PROFILE_IMAGES[field]
    if (hash === undefined) await this.#client.delete(this.#id, key)
    else await this.#client.put(this.#id, key, typeof hash === 'string' ? hash : toHex(hash))
  }
}
