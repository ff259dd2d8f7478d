import { fromHex, toHex } from '../../base/bytes.ts'
import { pointFault } from '../keys/curve-point.ts'
import { docsError } from './errors.ts'

declare const brand: unique symbol
type Branded<B extends string> = string & { readonly [brand]: B }

/** A document: 32-byte ed25519 public key as 64 lower-case hex digits (docs 2). */
export type NamespaceId = Branded<'NamespaceId'>
/** Who writes entries: 32-byte ed25519 public key as 64 lower-case hex digits. */
export type AuthorId = Branded<'AuthorId'>

const HEX32 = /^[0-9a-f]{64}$/i

function parse(what: string, text: string): string {
  if (!HEX32.test(text)) throw docsError('DOC_BAD_ID', 'input', `a ${what} is 64 hexadecimal digits`)
  if (pointFault(fromHex(text)) !== undefined) throw docsError('DOC_BAD_ID', 'input', `this ${what} is no public key`)
  return text.toLowerCase()
}

/** Reads an id as people write it; the bytes must be a usable public key. Throws `DOC_BAD_ID`. */
export const parseNamespaceId = (text: string): NamespaceId => parse('document id', text) as NamespaceId
export const parseAuthorId = (text: string): AuthorId => parse('author id', text) as AuthorId

/** Ids inside binary messages are not checked to be points: signatures decide (docs 2). */
export const namespaceIdOf = (bytes: Uint8Array): NamespaceId => toHex(bytes) as NamespaceId
export const authorIdOf = (bytes: Uint8Array): AuthorId => toHex(bytes) as AuthorId

export const docIdBytes = (id: NamespaceId | AuthorId): Uint8Array => fromHex(id)
