import { derivedKey, openSealed, sealBytes } from '../../base/sealed.ts'
import type { Sealer } from './repos/webhooks.ts'

/** Seals texts under a key of the node's own seed, as base64url; what cannot be opened is undefined, and the caller decides. */
export function createSealer(seed: Uint8Array): Sealer {
  const key = derivedKey(seed, 'k2gw database secrets v1')
  return {
    seal: (text) => sealBytes(key, Buffer.from(text, 'utf8')).toString('base64url'),
    open: (sealed) => openSealed(key, Buffer.from(sealed, 'base64url'))?.toString('utf8'),
  }
}
