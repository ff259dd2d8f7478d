import { blake3 } from '@noble/hashes/blake3.js'
import { utf8 } from '../../../src/base/bytes.ts'
import { EMPTY_HASH, entryId, type SignedEntry, signingPreimage } from '../../../src/core/docs/proto/entry.ts'
import { encodeSyncFrame, type SyncMessage } from '../../../src/core/docs/proto/message.ts'
import { answer, openingMessage, type ReplyPart, type StepResult } from '../../../src/core/docs/reconcile.ts'
import type { Replica } from '../../../src/core/docs/replica.ts'
import { createVerifier, type Signer, signerOfSeed, type Verify } from '../../../src/core/keys/ed25519.ts'

/** The keys of the specification's examples. */
export const NAMESPACE = signerOfSeed(new Uint8Array(32).fill(1))
export const AUTHOR = signerOfSeed(new Uint8Array(32).fill(2))
/** µs. */
export const T = 1_700_000_000_000_000n

export function sign(
  record: { key: Uint8Array; len: bigint; hash: Uint8Array; timestamp: bigint },
  namespace: Signer,
  author: Signer,
): SignedEntry {
  const { key, len, hash, timestamp } = record
  const id = entryId(namespace.publicKey, author.publicKey, key)
  const preimage = signingPreimage(id, { len, hash, timestamp })
  return {
    authorSignature: author.sign(preimage),
    namespaceSignature: namespace.sign(preimage),
    id,
    len,
    hash,
    timestamp,
  }
}

export function entryOf(key: string, content: string, timestamp: bigint, namespace = NAMESPACE, author = AUTHOR): SignedEntry {
  const bytes = utf8(content)
  return sign({ key: utf8(key), len: BigInt(bytes.length), hash: blake3(bytes), timestamp }, namespace, author)
}

export const tombstone = (key: string, timestamp: bigint, namespace = NAMESPACE, author = AUTHOR): SignedEntry =>
  sign({ key: utf8(key), len: 0n, hash: EMPTY_HASH, timestamp }, namespace, author)

/** For properties of the rules: signatures are their own tests. */
export const trusting: Verify = () => true
export const strict = createVerifier()

export function complete(reply: readonly ReplyPart[]): SyncMessage {
  return reply.map((part) =>
    part.kind === 'fingerprint'
      ? part
      : {
          kind: 'items',
          range: part.range,
          values: part.rows.map(({ entry }) => ({ entry, status: 'complete' as const })),
          haveLocal: part.haveLocal,
        },
  )
}

/** One step without pauses. */
export function step(replica: Replica, message: SyncMessage, verify: Verify = strict, now = T + 1_000_000n): StepResult {
  const work = answer(replica, message, { now, verify })
  for (;;) {
    const { done, value } = work.next()
    if (done) return value
  }
}

/** A whole session in memory; answers the frames, the opening first. */
export function frames(alice: Replica, bob: Replica, verify: Verify = strict, maxMessages = 200): Uint8Array[] {
  let message: SyncMessage = openingMessage(alice)
  const sent = [encodeSyncFrame({ kind: 'sync', message })]
  for (let turn = bob; ; turn = turn === bob ? alice : bob) {
    const { reply } = step(turn, message, verify)
    if (reply === undefined) return sent
    message = complete(reply)
    sent.push(encodeSyncFrame({ kind: 'sync', message }))
    if (sent.length > maxMessages) throw new Error('the session does not end')
  }
}
