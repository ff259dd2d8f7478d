// Three scripted K2 nodes on loopback QUIC, as people of the network would run them: each is a node of its own.
import { randomUUID } from 'node:crypto'
import { nullLogger } from '../../src/base/logger.ts'
import { cryptoRng } from '../../src/base/random.ts'
import { type Contact, type InboundMessage, K2Node, type NodeConfig, newIdentity } from '../../src/core/index.ts'

export const TOPIC = 'Goods'
export const CONTACT_NAME = 'anna'
const LISTENER_BUFFER = 1000

export interface Actor {
  readonly node: K2Node
  /** Every message the node accepted, past ones first. */
  readonly heard: (listener: (message: InboundMessage) => void) => void
  stop(): Promise<void>
}

async function startActor(config: NodeConfig, answer: (node: K2Node, message: InboundMessage) => Promise<void>): Promise<Actor> {
  const node = new K2Node({ identity: newIdentity(cryptoRng), config: { ...config, mode: 'loopback' }, log: nullLogger })
  const stream = node.subscribe({ capacity: LISTENER_BUFFER, overflow: 'wait' })
  const past: InboundMessage[] = []
  const listeners: ((message: InboundMessage) => void)[] = []
  await node.start()
  const reading = (async () => {
    for await (const event of stream) {
      if (event.type !== 'message') continue
      if (event.message.type === 'chat') node.confirm(event.message)
      past.push(event.message)
      if (past.length > LISTENER_BUFFER) past.shift()
      for (const listener of listeners) listener(event.message)
      // Nobody may be there to hear the answer: a scripted person shrugs.
      await answer(node, event.message).catch(() => {})
    }
  })()
  return {
    node,
    heard(listener) {
      past.forEach(listener)
      listeners.push(listener)
    },
    async stop() {
      await node.stop()
      await reading
    },
  }
}

const line = (text: string, senderName: string) => ({ text, senderName, key: `demo-${randomUUID()}` })

/** Sells a notebook: repeats its offer as the reference does, and answers lines on the topic. */
export async function startSeller(): Promise<Actor> {
  const actor = await startActor({ topics: [TOPIC] }, async (node, message) => {
    if (message.type === 'chat' && message.topic.name === TOPIC && !message.text.startsWith('You said')) {
      await node.sendText(TOPIC, line(`You said “${message.text.slice(0, 200)}”. The notebook is still there.`, 'Sam (seller)'))
    }
  })
  actor.node.publish({
    kind: 'offer',
    topic: TOPIC,
    form: {
      action: 'sell',
      brand: 'Lenovo',
      condition: 'used',
      description: 'X1 Carbon Gen 9, 16 GB, new battery',
      location: 'Hà Nội',
      priceRange: { currency: 'USD', max: 700, min: 650 },
      selection: { subtopic: 'Electronics & Devices' },
      sender_name: 'Sam (seller)',
      title: 'ThinkPad X1 Carbon',
      topic: TOPIC,
    },
  })
  return actor
}

/** Looks for a notebook: answers each seller's first offer with an interest, once. */
export async function startBuyer(peers: readonly string[]): Promise<Actor> {
  const answered = new Set<string>()
  return startActor({ topics: [TOPIC], peers }, async (node, message) => {
    if (message.type !== 'market' || message.kind !== 'offer' || answered.has(message.senderId)) return
    answered.add(message.senderId)
    await node.sendInterest({
      topic: TOPIC,
      targetId: message.senderId,
      form: {
        action: 'buy',
        condition: 'any',
        description: '',
        location: '',
        priceRange: { currency: 'USD', max: 700, min: 400 },
        selection: { subtopic: 'Electronics & Devices' },
        sender_name: 'Bea (buyer)',
        title: 'Notebook for travelling',
        topic: TOPIC,
      },
    })
  })
}

/** A contact who answers direct messages. */
export function startContact(): Promise<Actor> {
  return startActor({ topics: [] }, async (node, message) => {
    if (message.type === 'chat' && message.topic.contact !== undefined) {
      await node.sendDirect(message.topic.contact, line(`Anna here. I read: “${message.text.slice(0, 200)}”`, 'Anna'))
    }
  })
}

/** How the gateway's own node is entered into an actor's contact book. */
export function contactOf(node: K2Node): Contact {
  return { addr: node.addr(), name: 'gateway' }
}
