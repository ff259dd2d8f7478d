import { decodeJsonMessage, type ReadContext } from './json-messages.ts'
import type { K2Message } from './messages.ts'
import { decodePostcard, looksLikePostcard, messageOfPostcard } from './postcard-messages.ts'

/** Reads gossip content of either form. Throws only `K2Error`s: `K2_TOO_LARGE`, `K2_MALFORMED` or `WIRE_*`. */
export function decodeContent(content: Uint8Array, context: ReadContext): K2Message {
  return looksLikePostcard(content)
    ? messageOfPostcard(decodePostcard(content), context.idOf)
    : decodeJsonMessage(content, context)
}
