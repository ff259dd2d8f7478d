import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { K2Error } from '../../base/errors.ts'
import type { SecretBox } from '../../core/docs/index.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Seals the secrets of documents and authors at rest: AES-256-GCM under a key derived from the node's seed (HKDF-SHA256), as nonce,
 * ciphertext, tag. Opening throws `DOC_STORE_FAILED` for anything else, also for what another node sealed.
 */
export function secretBox(seed: Uint8Array): SecretBox {
  const key = Buffer.from(hkdfSync('sha256', seed, '', 'k2gw document secrets v1', 32))
  return {
    seal(secret) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      return Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed) {
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES))
        decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
        return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
      } catch (cause) {
        const message = 'the documents belong to another identity, or are damaged: put back the key file they were written with'
        throw new K2Error({ code: 'DOC_STORE_FAILED', kind: 'storage', message, cause })
      }
    },
  }
}
