import { concatBytes, utf8 } from '../../base/bytes.ts'
import { idBytes, type PeerId, type TopicId } from '../ids.ts'
import type { Verify } from '../keys/ed25519.ts'
import { isJsonObject, type JsonObject, member, objectMember, stringMember } from './json-reader.ts'
import { canonicalBytes } from './json-writer.ts'

/** Part of what is signed, so that the signature means nothing elsewhere. */
const PURPOSE = utf8('k2gw/signed/1\n')
const ENVELOPE = 'x_gateway'
const SIGNATURE = 's'
/** Differs between attempts to send one line, which all carry the same signature. */
const ATTEMPT = 'n'
/** 64 bytes in base64url. */
const SIGNATURE_TEXT = /^[A-Za-z0-9_-]{86}$/

/** A message as its sender signed it. */
export interface Proof {
  readonly signature: Uint8Array
  readonly content: Uint8Array
}

/** Adds the sender's signature to a message for one topic. K2 applications ignore it, and forwarding does not wear it off. */
export type Seal = (topic: TopicId, object: JsonObject) => JsonObject

export function createSeal(sign: (message: Uint8Array) => Uint8Array): Seal {
  return (topic, object) => {
    const signature = Buffer.from(sign(signedBytes(topic, signedPart(object)))).toString('base64url')
    return { ...object, [ENVELOPE]: { ...objectMember(object, ENVELOPE), [SIGNATURE]: signature } }
  }
}

/** What a message says in proof of its sender; undefined when it carries no signature. */
export function proofOf(object: JsonObject): Proof | undefined {
  const envelope = objectMember(object, ENVELOPE)
  const text = envelope && stringMember(envelope, SIGNATURE)
  if (text === undefined || !SIGNATURE_TEXT.test(text)) return undefined
  return { signature: new Uint8Array(Buffer.from(text, 'base64url')), content: signedPart(object) }
}

/** Whether `sender` signed this message for this topic. */
export function proves(proof: Proof, topic: TopicId, sender: PeerId, verify: Verify): boolean {
  return verify(idBytes(sender), signedBytes(topic, proof.content), proof.signature)
}

/** Everything but the signature itself and the number of the attempt. */
function signedPart(object: JsonObject): Uint8Array {
  const { [ENVELOPE]: _, ...rest } = object
  const envelope = member(object, ENVELOPE)
  if (!isJsonObject(envelope)) return canonicalBytes(rest)
  const { [SIGNATURE]: _s, [ATTEMPT]: _n, ...kept } = envelope
  return canonicalBytes({ ...rest, ...(Object.keys(kept).length > 0 && { [ENVELOPE]: kept }) })
}

/** Bound to the topic: what is said in one place is not proven to be said in another. */
const signedBytes = (topic: TopicId, content: Uint8Array): Uint8Array => concatBytes([PURPOSE, idBytes(topic), content])
