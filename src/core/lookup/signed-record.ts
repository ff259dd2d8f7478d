import { concatBytes, utf8 } from '../../base/bytes.ts'
import { idBytes, type PeerId } from '../ids.ts'
import type { Verify } from '../keys/ed25519.ts'
import type { Identity } from '../keys/identity.ts'
import type { PeerAddr } from '../net/transport.ts'
import { decodeEndpointRecord, encodeEndpointRecord } from './endpoint-record.ts'
import { lookupError } from './errors.ts'

const SIGNATURE_BYTES = 64
const STAMP_BYTES = 8
/** pkarr's limit for the DNS part. */
const MAX_DNS_BYTES = 1000
const MAX_SIGNED_BYTES = SIGNATURE_BYTES + STAMP_BYTES + MAX_DNS_BYTES

/** An endpoint record that its owner has signed, as pkarr relays and the DHT hold it (discovery 10.1, 11). */
export interface SignedRecord {
  readonly id: PeerId
  /** µs since the epoch by the owner's clock; the greater one counts. */
  readonly stamp: bigint
  /** 64 bytes. */
  readonly signature: Uint8Array
  /** DNS message, at most 1000 bytes. */
  readonly dns: Uint8Array
}

/** What is signed: the same bytes for pkarr and for BEP-44 without a salt. */
function signedBytes(stamp: bigint, dns: Uint8Array): Uint8Array {
  return concatBytes([utf8(`3:seqi${stamp}e1:v${dns.length}:`), dns])
}

/** Throws `LOOKUP_TOO_LONG` when there is no address that fits. */
export function signRecord(identity: Pick<Identity, 'id' | 'sign'>, addr: Omit<PeerAddr, 'id'>, stamp: bigint): SignedRecord {
  const dns = encodeEndpointRecord({ ...addr, id: identity.id })
  return { id: identity.id, stamp, dns, signature: identity.sign(signedBytes(stamp, dns)) }
}

/** The body pkarr relays take and give: signature, time, DNS message. */
export function encodeSignedRecord({ stamp, signature, dns }: SignedRecord): Uint8Array {
  const time = new Uint8Array(STAMP_BYTES)
  new DataView(time.buffer).setBigUint64(0, stamp)
  return concatBytes([signature, time, dns])
}

/** Reads a body and checks whose it is. Throws `LOOKUP_BAD_DNS` or `LOOKUP_BAD_SIGNATURE`. */
export function decodeSignedRecord(id: PeerId, body: Uint8Array, verify: Verify): SignedRecord {
  const head = SIGNATURE_BYTES + STAMP_BYTES
  if (body.length < head || body.length > MAX_SIGNED_BYTES) {
    throw lookupError('LOOKUP_BAD_DNS', 'a signed record has an impossible length', { size: body.length })
  }
  const bytes = Uint8Array.from(body)
  const stamp = new DataView(bytes.buffer).getBigUint64(SIGNATURE_BYTES)
  return checkSignedRecord({ id, stamp, signature: bytes.subarray(0, SIGNATURE_BYTES), dns: bytes.subarray(head) }, verify)
}

/** The record itself when its owner signed it. Throws `LOOKUP_BAD_SIGNATURE`. */
export function checkSignedRecord(record: SignedRecord, verify: Verify): SignedRecord {
  const genuine = verify(idBytes(record.id), signedBytes(record.stamp, record.dns), record.signature)
  if (!genuine) throw lookupError('LOOKUP_BAD_SIGNATURE', 'a record was not signed by the node it speaks of')
  return record
}

/** The addresses in it. Throws `LOOKUP_BAD_DNS` or `LOOKUP_BAD_RECORD`. */
export const addrOfRecord = (record: SignedRecord): PeerAddr => decodeEndpointRecord(record.id, record.dns)
