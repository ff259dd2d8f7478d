import { ClientMessage, type ErrorCode, MAX_FRAME } from './protocol.ts'

/** What pages are told when something is refused. */
export const REFUSALS: Readonly<Record<ErrorCode, string>> = {
  'bad-message': 'the message is not understood',
  'unknown-room': 'there is no such room',
  'not-in-room': 'join the room first',
  'rate-limited': 'slow down a little',
  busy: 'too much is going on, try again in a moment',
  'not-stored': 'the message could not be stored, trying again',
  'not-found': 'the message is not there any more',
  'not-yours': 'only your own messages can be changed',
  empty: 'there is nothing to send',
  'no-upload': 'a file is not there any more: choose it again',
  stopping: 'the gateway is stopping',
}

/** A message of a page; undefined when it is none. */
export function parsePageMessage(text: string): ClientMessage | undefined {
  if (text.length > MAX_FRAME) return undefined
  try {
    return ClientMessage.safeParse(JSON.parse(text)).data
  } catch {
    // Not JSON: the same to us as JSON of another shape.
    return undefined
  }
}
