import type { Health } from '../../src/base/lifecycle.ts'
import type { PeerEvent } from '../../src/bridges/p2p/port.ts'
import type { Control } from '../../src/gateway/http/control.ts'

export interface ScriptedControl extends Control {
  /** The next call that sends fails with this. */
  fail(error: unknown): void
  setHealth(health: Health): void
}

const line = (text: string): PeerEvent => ({
  kind: 'chat',
  message: { peerId: 'a'.repeat(64), topic: 'Goods', senderClass: 'verified', text, sentAt: 0, messageId: text },
})

/** A control surface with fixed answers, for tests of the HTTP layer alone. */
export function scriptedControl(): ScriptedControl {
  let failure: unknown
  let health: Health = { status: 'ok' }
  const send = async (): Promise<{ messageIds: string[] }> => {
    if (failure === undefined) return { messageIds: ['m1'] }
    const error = failure
    failure = undefined
    throw error
  }
  return {
    fail(error) {
      failure = error
    },
    setHealth(next) {
      health = next
    },
    status: async () => ({
      instance: 'test',
      version: '0',
      uptimeMs: 1,
      node: { id: 'a'.repeat(64), ticket: '', addresses: [], relay: null, topics: [], contacts: [] },
      parts: [],
      counters: {},
    }),
    health: () => [{ name: 'part', health }],
    metrics: async () => '# empty\n',
    sendToTopic: send,
    sendDirect: send,
    async *follow() {
      yield line('one')
      yield line('two')
    },
    lanes: async () => [],
    deadLetters: async () => [],
    replayDeadLetter: async () => {},
    discardDeadLetter: async () => {},
    why: async () => undefined,
  }
}
