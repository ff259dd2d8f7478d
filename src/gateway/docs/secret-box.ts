import { K2Error } from '../../base/errors.ts'
import { derivedKey, openSealed, sealBytes } from '../../base/sealed.ts'
import type { SecretBox } from '../../core/docs/index.ts'

/** The key of this purpose. */
export const documentKey = (seed: Uint8Array): Uint8Array => derivedKey(seed, 'k2gw document secrets v1')

/**
 * Seals the secrets of documents and authors at rest, under a key of the node's own seed. Opening throws `DOC_STORE_FAILED` for
 * anything else, also for what another node sealed.
 */
export function secretBox(seed: Uint8Array): SecretBox {
  const key = documentKey(seed)
  return {
    seal: (secret) => sealBytes(key, secret),
    open(sealed) {
      const secret = openSealed(key, sealed)
      if (secret !== undefined) return secret
      const message = 'the documents belong to another identity, or are damaged: put back the key file they were written with'
      throw new K2Error({ code: 'DOC_STORE_FAILED', kind: 'storage', message })
    },
  }
}
