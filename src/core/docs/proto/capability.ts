import { type Signer, signerOfSeed } from '../../keys/ed25519.ts'
import type { WireReader } from '../../wire/reader.ts'
import type { WireWriter } from '../../wire/writer.ts'
import { docsError } from '../errors.ts'
import { docIdBytes, type NamespaceId, namespaceIdOf } from '../ids.ts'

/** What one may do with a document (docs 4). The seed of a write capability is its namespace secret. */
export type Capability =
  | { readonly kind: 'write'; readonly id: NamespaceId; readonly seed: Uint8Array }
  | { readonly kind: 'read'; readonly id: NamespaceId }

/** Numbers in the store; tickets count otherwise. */
const STORED = { write: 1, read: 2 } as const

/** Throws `KEY_BAD_SEED`. */
export function writeCapability(seed: Uint8Array): Capability & { kind: 'write' } {
  return { kind: 'write', id: namespaceIdOf(signerOfSeed(seed).publicKey), seed: seed.slice() }
}

export const readCapability = (id: NamespaceId): Capability => ({ kind: 'read', id })

/** Signs for the document. Throws `DOC_READ_ONLY`. */
export function namespaceSigner(capability: Capability): Signer {
  if (capability.kind === 'read')
    throw docsError('DOC_READ_ONLY', 'denied', 'this document can only be read here: import a ticket that allows writing')
  return signerOfSeed(capability.seed)
}

/** The stronger of two for the same document: writing wins (docs 4). */
export function mergeCapabilities(
  known: Capability,
  added: Capability,
): { readonly capability: Capability; readonly outcome: 'upgraded' | 'unchanged' } {
  if (known.id !== added.id) throw docsError('DOC_BAD_ID', 'input', 'the two capabilities are for different documents')
  return known.kind === 'read' && added.kind === 'write'
    ? { capability: added, outcome: 'upgraded' }
    : { capability: known, outcome: 'unchanged' }
}

/** As in tickets: 0 and the length-prefixed secret, or 1 and the id. */
export function writeCapabilityTo(writer: WireWriter, capability: Capability): void {
  if (capability.kind === 'write') writer.variant(0).bytes(capability.seed)
  else writer.variant(1).fixed(docIdBytes(capability.id))
}

/** Throws `WIRE_*` or `KEY_BAD_SEED`. */
export function readCapabilityFrom(reader: WireReader): Capability {
  return reader.variant(2) === 0 ? writeCapability(reader.bytes(32)) : readCapability(namespaceIdOf(reader.fixed(32)))
}

/** As in the store: 1 and the secret, or 2 and the id; 33 bytes. */
export function encodeStoredCapability(capability: Capability): Uint8Array {
  const out = new Uint8Array(33)
  out[0] = STORED[capability.kind]
  out.set(capability.kind === 'write' ? capability.seed : docIdBytes(capability.id), 1)
  return out
}

/** Throws `DOC_BAD_MESSAGE` or `KEY_BAD_SEED`. */
export function decodeStoredCapability(bytes: Uint8Array): Capability {
  const body = bytes.subarray(1)
  if (body.length === 32 && bytes[0] === STORED.write) return writeCapability(body)
  if (body.length === 32 && bytes[0] === STORED.read) return readCapability(namespaceIdOf(body))
  throw docsError('DOC_BAD_MESSAGE', 'storage', 'a stored capability is damaged')
}
