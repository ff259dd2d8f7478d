import { concatBytes } from '../../base/bytes.ts'
import { K2Error } from '../../base/errors.ts'
import { type BlobStore, readBlob } from '../../core/blobs/index.ts'
import type { Hash } from '../../core/index.ts'
import { PROFILE_IMAGES, type Profile, type ProfileImage, type ProfileText } from '../../core/k2/profile-fields.ts'
import { HEAD_BYTES, sniff } from '../media/sniff.ts'
import type { OpenDocs } from './open-docs.ts'

/** Largest image, bytes. */
export const MAX_IMAGE_BYTES = 4 * 1024 * 1024
const IMAGE_TYPES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])

export const IMAGE_FIELDS = Object.keys(PROFILE_IMAGES) as [ProfileImage, ...ProfileImage[]]

export interface ProfilePicture {
  readonly hash: Hash
  readonly mime: string
  readonly extension: string
  readonly bytes: Uint8Array
}

export interface ProfileParts {
  readonly open: () => Promise<OpenDocs>
  readonly store: () => BlobStore
}

/** The profile of the gateway's node: texts in the document, images as blobs that a tag keeps (k2-application 5.4). */
export class ProfileDesk {
  readonly #parts: ProfileParts

  constructor(parts: ProfileParts) {
    this.#parts = parts
  }

  async read(): Promise<Profile> {
    return (await this.#parts.open()).profile.read()
  }

  /** Empty texts clear their fields; those not named stay. Rejects `K2_TOO_LARGE`. */
  async setTexts(texts: Readonly<{ [F in ProfileText]?: string | undefined }>): Promise<Profile> {
    const { profile } = await this.#parts.open()
    for (const [field, text] of Object.entries(texts)) {
      if (text !== undefined) await profile.setText(field as ProfileText, text.trim())
    }
    return profile.read()
  }

  /** Undefined when none is set or its content is not here. Rejects `PROFILE_BAD_IMAGE` for what another program put there. */
  async image(field: ProfileImage): Promise<ProfilePicture | undefined> {
    const hash = (await this.read()).images[field]
    if (hash === undefined) return undefined
    const status = await this.#parts.store().status(hash)
    if (status.kind !== 'complete') return undefined
    if (status.size > MAX_IMAGE_BYTES) throw badImage(`it has ${status.size} bytes`)
    const bytes = await readBlob(this.#parts.store(), hash, MAX_IMAGE_BYTES)
    return { hash, bytes, ...(await typeOf(bytes)) }
  }

  /** Rejects `PROFILE_BAD_IMAGE`, `BLOB_STORE_*`. */
  async setImage(field: ProfileImage, bytes: Uint8Array): Promise<ProfilePicture> {
    if (bytes.length > MAX_IMAGE_BYTES) throw badImage(`it has more than ${MAX_IMAGE_BYTES} bytes`)
    const type = await typeOf(bytes)
    const { profile } = await this.#parts.open()
    const { hash } = await this.#parts.store().importBytes(bytes, { tag: tagOf(field) })
    await profile.setImage(field, hash)
    return { hash, bytes, ...type }
  }

  /** False when there was none. */
  async clearImage(field: ProfileImage): Promise<boolean> {
    const { profile } = await this.#parts.open()
    const was = (await profile.read()).images[field]
    await profile.setImage(field, undefined)
    await this.#parts.store().deleteTag(tagOf(field))
    return was !== undefined
  }
}

/** Takes an image together, and no more of it than is needed to refuse it. */
export async function imageBytes(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of source) {
    pieces.push(piece.slice())
    size += piece.length
    if (size > MAX_IMAGE_BYTES) throw badImage(`it has more than ${MAX_IMAGE_BYTES} bytes`)
  }
  return concatBytes(pieces)
}

const tagOf = (field: ProfileImage): string => `profile/${field}`

async function typeOf(bytes: Uint8Array): Promise<{ readonly mime: string; readonly extension: string }> {
  const { mime, extension } = await sniff(bytes.subarray(0, HEAD_BYTES))
  if (!IMAGE_TYPES.has(mime) || extension === undefined) throw badImage('it is none of PNG, JPEG, GIF and WebP')
  return { mime, extension }
}

const badImage = (why: string): K2Error =>
  new K2Error({ code: 'PROFILE_BAD_IMAGE', kind: 'input', message: `this cannot be an image of the profile: ${why}` })
