import { concatBytes, utf8 } from '../../base/bytes.ts'
import { idBytes, type PeerId, type TopicId } from '../ids.ts'
import type { Verify } from '../keys/ed25519.ts'
import { isJsonObject, type JsonObject, member, objectMember, stringMember } from './json-reader.ts'
import { canonicalBytes } from './json-writer.ts'

/** Part of what is signed, so that the signature means nothing elsewhere. */
const PURPOSE = utf8('k2gw/signed/1\n')
const ENVELOPE = 'x_gateway'
const SIGNATURE = 's'
/** Node id of the gateway that speaks for the sender, and signs instead of it. */
const HOST = 'h'
/** Differs between attempts to send one line, which all carry the same signature. */
const ATTEMPT = 'n'
/** 64 bytes in base64url. */
const NODE_ID = /^[0-9a-f]{64}$/
const SIGNATURE_TEXT = /^[A-Za-z0-9_-]{86}$/

/** A message as its sender signed it, or its host. */
export interface Proof {
  readonly signature: Uint8Array
  readonly content: Uint8Array
  /** Who says that it speaks for the sender, where that is another node. */
  readonly host?: PeerId
}

/** Adds the sender's signature to a message for one topic. K2 applications ignore it, and forwarding does not wear it off. */
export type Seal = (topic: TopicId, object: JsonObject) => JsonObject

/** `me` signs: its own messages as their sender, those of others as their host. */
export function createSeal(sign: (message: Uint8Array) => Uint8Array, me?: PeerId): Seal {
  return (topic, message) => {
    const object = me === undefined || message.sender_node_id === me ? message : withHost(message, me)
    const signature = Buffer.from(sign(signedBytes(topic, signedPart(object)))).toString('base64url')
    return { ...object, [ENVELOPE]: { ...objectMember(object, ENVELOPE), [SIGNATURE]: signature } }
  }
}

const withHost = (object: JsonObject, host: PeerId): JsonObject => ({
  ...object,
  [ENVELOPE]: { ...objectMember(object, ENVELOPE), [HOST]: host },
})

/** What a message says in proof of its sender; undefined when it carries no signature. */
export function proofOf(object: JsonObject): Proof | undefined {
  const envelope = objectMember(object, ENVELOPE)
  const text = envelope && stringMember(envelope, SIGNATURE)
  if (envelope === undefined || text === undefined || !SIGNATURE_TEXT.test(text)) return undefined
  const host = stringMember(envelope, HOST)
  return {
    signature: new Uint8Array(Buffer.from(text, 'base64url')),
    content: signedPart(object),
    ...(host !== undefined && NODE_ID.test(host) && host !== stringMember(object, 'sender_node_id') && { host: host as PeerId }),
  }
}

/** Whether `signer`, the sender or its host, signed this message for this topic. */
export function proves(proof: Proof, topic: TopicId, signer: PeerId, verify: Verify): boolean {
  return verify(idBytes(signer), signedBytes(topic, proof.content), proof.signature)
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
