import type { Rng } from '../../base/random.ts'
import { type Signer, signerOfSeed } from '../keys/ed25519.ts'
import { docsError } from './errors.ts'
import { type AuthorId, authorIdOf } from './ids.ts'
import type { DocStore } from './store.ts'

/** The authors whose secrets are here, one of them the default (docs 12). */
export class AuthorBook {
  readonly #store: DocStore
  readonly #rng: Rng
  readonly #signers = new Map<AuthorId, Signer>()
  #default: AuthorId | undefined

  constructor(store: DocStore, rng: Rng) {
    this.#store = store
    this.#rng = rng
  }

  /** Reads them from the store; makes the default one when there is none. Rejects `DOC_STORE_FAILED`. */
  async load(): Promise<void> {
    for (const seed of await this.#store.authors()) this.#keep(seed)
    const stored = await this.#store.defaultAuthor()
    if (stored !== undefined && !this.#signers.has(stored)) {
      const message = 'the secret of the default author is gone: restore the documents from a backup'
      throw docsError('DOC_STORE_FAILED', 'storage', message)
    }
    this.#default = stored ?? (await this.create())
    if (stored === undefined) await this.#store.setDefaultAuthor(this.#default)
  }

  /** Throws `DOC_CLOSED` before they are loaded. */
  get default(): AuthorId {
    if (this.#default === undefined) throw docsError('DOC_CLOSED', 'closed', 'the documents are not open')
    return this.#default
  }

  all(): readonly AuthorId[] {
    return [...this.#signers.keys()]
  }

  create(): Promise<AuthorId> {
    return this.import(this.#rng.bytes(32))
  }

  /** Stored before anything is signed with it. Rejects `KEY_BAD_SEED`. */
  async import(seed: Uint8Array): Promise<AuthorId> {
    await this.#store.putAuthor(authorIdOf(signerOfSeed(seed).publicKey), seed)
    return this.#keep(seed)
  }

  /** Rejects `DOC_UNKNOWN_AUTHOR` for the default author, who stays. */
  async delete(id: AuthorId): Promise<void> {
    if (id === this.#default) throw docsError('DOC_UNKNOWN_AUTHOR', 'conflict', 'the default author cannot be deleted')
    this.#signers.delete(id)
    await this.#store.deleteAuthor(id)
  }

  /** The default author when none is named. Throws `DOC_UNKNOWN_AUTHOR`. */
  signer(author: AuthorId = this.default): Signer {
    const signer = this.#signers.get(author)
    if (signer === undefined) throw docsError('DOC_UNKNOWN_AUTHOR', 'input', 'the secret of this author is not here')
    return signer
  }

  #keep(seed: Uint8Array): AuthorId {
    const signer = signerOfSeed(seed)
    const id = authorIdOf(signer.publicKey)
    this.#signers.set(id, signer)
    return id
  }
}
