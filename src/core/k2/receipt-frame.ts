import { idBytes, type TopicId, topicIdOf } from '../ids.ts'
import { WireReader } from '../wire/reader.ts'
import { WireWriter } from '../wire/writer.ts'

/**
 * Our own protocol between gateways, unknown to K2 applications: whoever has stored a chat line of another gateway tells that
 * gateway so, on a connection of its own. A dialler opens one unidirectional stream and writes length-prefixed frames.
 */
export const RECEIPT_ALPN = 'k2gw/receipts/1'

/** Largest frame body: 32 bytes of topic and at most 32 keys of 64 bytes. */
export const RECEIPT_FRAME_BYTES = 4096
export const RECEIPT_KEYS = 32
const MAX_KEY_BYTES = 64

export interface Receipt {
  readonly topic: TopicId
  /** Keys of the lines, as their gateway marks carry them; at most 32. */
  readonly keys: readonly string[]
}

export function encodeReceipt(receipt: Receipt): Uint8Array {
  const writer = new WireWriter().fixed(idBytes(receipt.topic))
  writer.seq(receipt.keys, (key) => writer.string(key))
  return writer.finish()
}

/** Throws `WIRE_*`. */
export function decodeReceipt(body: Uint8Array): Receipt {
  const reader = new WireReader(body)
  const topic = topicIdOf(reader.fixed(32))
  return { topic, keys: reader.seq(() => reader.string(MAX_KEY_BYTES), { max: RECEIPT_KEYS }) }
}
