import type { PeerEvent } from '../bridges/p2p/index.ts'
import type { K2Node } from '../core/index.ts'
import { toPeerEvent } from './peers/index.ts'

/** Messages kept for one listener that reads slowly; further ones are skipped for it alone. */
const LISTENER_BUFFER = 500

/** Messages of one topic or contact from now on, until the signal fires. */
export async function* followNode(
  node: K2Node,
  filter: { readonly topic: string } | { readonly contact: string },
  signal: AbortSignal,
): AsyncGenerator<PeerEvent, void, undefined> {
  const stream = node.subscribe({ capacity: LISTENER_BUFFER, overflow: 'drop' })
  const stop = (): void => stream.close()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  try {
    for await (const event of stream) {
      if (event.type !== 'message') continue
      const { topic } = event.message
      const wanted = 'topic' in filter ? topic.name === filter.topic : topic.contact === filter.contact
      const peerEvent = wanted ? toPeerEvent(event) : undefined
      if (peerEvent !== undefined && peerEvent.kind !== 'verified') yield peerEvent
    }
  } finally {
    signal.removeEventListener('abort', stop)
    stream.close()
  }
}
