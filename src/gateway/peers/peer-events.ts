import type { PeerUpdate } from '../../bridges/p2p/index.ts'
import type { K2Event } from '../../core/index.ts'

/** Undefined for what the bridge does not show. */
export function toPeerEvent(event: K2Event): PeerUpdate | undefined {
  if (event.type === 'verified') return { kind: 'verified', messageId: event.messageId }
  if (event.type !== 'message') return undefined
  const { message } = event
  if (message.type === 'unknown') return undefined
  const { senderClass, sentAt, messageId, hostId } = message
  const common = { senderClass, sentAt, messageId, ...(hostId !== undefined && { hostId }) }
  if (message.type === 'chat') {
    const { senderId: peerId, text, senderName, mark, topic } = message
    return {
      kind: 'chat',
      message: {
        ...common,
        peerId,
        text,
        ...(topic.contact === undefined && { topic: topic.name }),
        ...(topic.as !== undefined && { forPerson: topic.as.person }),
        ...(senderName !== undefined && { senderName }),
        ...(mark !== undefined && { via: mark.via, ...(mark.origin !== undefined && { origin: mark.origin }) }),
      },
    }
  }
  const { kind, topic, senderId, targetId, forPerson, form, intentKey } = message
  return {
    kind: 'market',
    message: {
      ...common,
      kind,
      topic: topic.name,
      senderId,
      form,
      intentKey,
      ...(targetId !== undefined && { targetId }),
      ...(forPerson !== undefined && { forPerson }),
      ...(form.sender_name !== undefined && { senderName: form.sender_name }),
    },
  }
}
