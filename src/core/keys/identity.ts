import type { Rng } from '../../base/random.ts'
import type { PeerId } from '../ids.ts'
import { SEED_BYTES, signerOfSeed } from './ed25519.ts'
import { endpointIdOf } from './endpoint-id.ts'

/** The key of this node. The seed stays behind a method so that printing or serialising the object never shows it. */
export interface Identity {
  readonly id: PeerId
  readonly publicKey: Uint8Array
  sign(message: Uint8Array): Uint8Array
  /** A copy of the 32 secret bytes, for the transport and the key file only. */
  seed(): Uint8Array
}

/** Throws `KEY_BAD_SEED`. */
export function identityOfSeed(seed: Uint8Array): Identity {
  const secret = Uint8Array.from(seed)
  const signer = signerOfSeed(secret)
  return {
    id: endpointIdOf(signer.publicKey),
    publicKey: signer.publicKey,
    sign: (message) => signer.sign(message),
    seed: () => Uint8Array.from(secret),
  }
}

/** A new random identity. `rng` must be cryptographic outside tests. */
export const newIdentity = (rng: Rng): Identity => identityOfSeed(rng.bytes(SEED_BYTES))
