import type { Operation } from './commit-queue.ts'
import type { WebChatBody, WebChatRecord } from './store.ts'

/** The gateway as author of its own notices. */
const GATEWAY = { key: 'web:gateway', name: 'K2 gateway', network: 'web' } as const

/** A notice of the gateway as a change of its room; nothing is told to the pipeline, because it concerns this network alone. */
export function noticeOperation(init: {
  readonly room: string
  readonly id: string
  readonly body: WebChatBody
  readonly isNew: boolean
  readonly now: number
}): Operation['prepare'] {
  const { room, id, body, isNew, now } = init
  return async (find) => {
    const old = isNew ? undefined : await find(id)
    if (!isNew && (old === undefined || old.deletedAt !== undefined || old.author.key !== GATEWAY.key)) {
      return { kind: 'refused', code: 'not-found' }
    }
    const record: WebChatRecord = { room, id, author: GATEWAY, body, at: old?.at ?? now }
    return { kind: 'change', record }
  }
}

export function removal(id: string, now: number): Operation['prepare'] {
  return async (find) => {
    const old = await find(id)
    if (old === undefined || old.author.key !== GATEWAY.key) return { kind: 'refused', code: 'not-found' }
    return { kind: 'change', record: { ...old, body: { rich: { text: '', spans: [] } }, deletedAt: old.deletedAt ?? now } }
  }
}
