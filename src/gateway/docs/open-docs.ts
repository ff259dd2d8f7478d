import type { Docs } from '../../core/docs/index.ts'
import type { ContactBook } from '../../core/k2/contact-book.ts'
import type { K2DocsClient } from '../../core/k2/docs-client.ts'
import type { ProfileBook } from '../../core/k2/profile.ts'

/** The documents of the node, open. */
export interface OpenDocs {
  readonly docs: Docs
  readonly client: K2DocsClient
  readonly contacts: ContactBook
  readonly profile: ProfileBook
}
