import type { PeerEvent } from '../../bridges/p2p/port.ts'
import type { CliContext, GlobalOptions } from './context.ts'

/** Prints messages as they arrive until the stream ends or the person stops. */
export async function printEvents(context: CliContext, options: GlobalOptions, events: AsyncIterable<PeerEvent>): Promise<void> {
  for await (const event of events) context.out.write(`${options.json ? JSON.stringify(event) : line(event)}\n`)
}

/** Terminal control characters of strangers are shown, not obeyed. */
function visible(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g, '\ufffd')
}

function line(event: PeerEvent): string {
  const { message } = event
  const time = new Date(message.sentAt).toISOString().slice(11, 19)
  const id = event.kind === 'market' ? event.message.senderId : event.message.peerId
  const mark = message.senderClass === 'verified' ? '' : ` (${message.senderClass} ${id.slice(0, 8)})`
  const who = `${visible(message.senderName ?? id.slice(0, 8))}${mark}`
  if (event.kind === 'chat') return `${time} ${who}: ${visible(event.message.text)}`
  const title = event.message.form.title
  return `${time} ${who} ${event.message.kind}: ${visible(typeof title === 'string' ? title : '(no title)')}`
}
