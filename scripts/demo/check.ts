// The demo without a person: every hop must happen, each within its time.

import { withDeadline } from '../../src/base/async.ts'
import type { InboundMessage } from '../../src/core/index.ts'
import { CONTACT_ROOM, type Stage, TOPIC_ROOM } from './stage.ts'
import { WebPerson } from './web-person.ts'

/** All hops together must be done within this, ms. */
export const CHECK_MS = 60_000
const HOP_MS = 25_000

export interface CheckReport {
  readonly ok: boolean
  /** ms each hop took, from its cause to where a person sees it. */
  readonly latencyMs: Readonly<Record<string, number>>
  /** Hops that did not happen, with the reason. */
  readonly failed: Readonly<Record<string, string>>
}

export async function checkHops(stage: Stage): Promise<CheckReport> {
  const latencyMs: Record<string, number> = {}
  const failed: Record<string, string> = {}
  const hop = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    const begun = performance.now()
    try {
      await work()
      latencyMs[name] = Math.round((performance.now() - begun) * 10) / 10
    } catch (error) {
      failed[name] = error instanceof Error ? error.message : String(error)
    }
  }
  const sellerHears = hears(stage.seller.heard)
  const contactHears = hears(stage.contact.heard)
  const inTopic = await WebPerson.enter(stage.gateway.url, 'Demo', TOPIC_ROOM)
  const inDirect = await WebPerson.enter(stage.gateway.url, 'Demo', CONTACT_ROOM)
  try {
    await hop('peer offer → card in the web chat', () =>
      inTopic.sees('the offer card', HOP_MS, (m) => m.card?.includes('ThinkPad X1 Carbon') ?? false),
    )
    await hop('peer offer → interest of another peer', () => sellerHears('interest: Notebook for travelling'))
    await hop('web → topic → peer', () => {
      inTopic.say(TOPIC_ROOM, 'Is this a notebook?')
      return sellerHears('Is this a notebook?')
    })
    await hop('peer → topic → web', () =>
      inTopic.sees('the answer on the topic', HOP_MS, (m) => m.text.includes('The notebook is still there')),
    )
    await hop('web → direct message → peer', () => {
      inDirect.say(CONTACT_ROOM, 'Hello Anna')
      return contactHears('Hello Anna')
    })
    await hop('peer → direct message → web', () =>
      inDirect.sees('the direct answer', HOP_MS, (m) => m.text.includes('Anna here')),
    )
  } finally {
    inTopic.leave()
    inDirect.leave()
  }
  return { ok: Object.keys(failed).length === 0, latencyMs, failed }
}

/** Waits for a chat line with exactly this text, or for `<kind>: <title>`, at a node, past or future. */
function hears(heard: Stage['seller']['heard']): (text: string) => Promise<void> {
  const texts: string[] = []
  const waiting = new Set<() => void>()
  heard((message: InboundMessage) => {
    if (message.type === 'chat') texts.push(message.text)
    if (message.type === 'market') texts.push(`${message.kind}: ${String(message.form.title)}`)
    for (const wake of waiting) wake()
    waiting.clear()
  })
  const find = async (text: string): Promise<void> => {
    while (!texts.includes(text)) await new Promise<void>((wake) => waiting.add(wake))
  }
  return (text) => withDeadline(find(text), { ms: HOP_MS, what: `the line “${text}” at the peer` })
}
