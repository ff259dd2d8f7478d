import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { nullLogger } from '../../src/base/logger.ts'
import { cryptoRng } from '../../src/base/random.ts'
import { parseEndpointId } from '../../src/core/keys/endpoint-id.ts'
import { newIdentity } from '../../src/core/keys/identity.ts'
import { K2Node } from '../../src/core/node.ts'

const id = z.string().transform(parseEndpointId)
const Start = z.strictObject({ topics: z.array(z.string()), peers: z.array(z.string()) })
const form = z.record(z.string(), z.json())
const person = z.string()
const Offer = z.strictObject({ topic: z.string(), form, person })
const Interest = z.strictObject({ topic: z.string(), target: id, form, person })
const Write = z.strictObject({ to: id, text: z.string(), person })
const Person = z.strictObject({ person })

/** A whole node whose people have ids of their own, beside the bare endpoint of other scenarios. */
export class LabK2Node {
  readonly #emit: (event: object) => void
  #node: K2Node | undefined

  constructor(emit: (event: object) => void) {
    this.#emit = emit
  }

  readonly commands: Readonly<Record<string, (args: unknown) => object | Promise<object>>> = {
    'whole.start': (args) => this.#start(Start.parse(args)),
    'whole.id_of': (args) => ({ id: this.#running().hostedIdOf(Person.parse(args).person) }),
    'whole.offer': (args) => ({ listing: this.#running().publish({ kind: 'offer', ...Offer.parse(args) }) }),
    'whole.interest': async (args) => {
      const { target, ...interest } = Interest.parse(args)
      await this.#running().sendInterest({ ...interest, targetId: target })
      return {}
    },
    'whole.listen': (args) => {
      const { peer, person } = z.strictObject({ peer: id, person: z.string() }).parse(args)
      return { topic: this.#running().listenTo(peer, person).id }
    },
    'whole.write': async (args) => {
      const { to, text, person } = Write.parse(args)
      await this.#running().sendDirect(to, { text, person, senderName: person, key: randomUUID() })
      return {}
    },
    'whole.stats': () => ({ dropped: this.#running().stats().dropped }),
  }

  async close(): Promise<void> {
    await this.#node?.stop()
    this.#node = undefined
  }

  async #start({ topics, peers }: z.infer<typeof Start>): Promise<object> {
    await this.close()
    const node = new K2Node({
      identity: newIdentity(cryptoRng),
      config: { mode: 'loopback', identities: 'hosted', topics, peers },
      log: nullLogger,
    })
    this.#node = node
    void this.#report(node)
    await node.start()
    return { id: node.id, addrs: node.addr().direct.filter((addr) => !addr.startsWith('[')) }
  }

  async #report(node: K2Node): Promise<void> {
    for await (const event of node.subscribe({ capacity: 4096, overflow: 'wait' })) {
      if (event.type === 'neighborUp') this.#emit({ event: 'whole.neighbor_up', topic: event.topic.id, peer: event.peer })
      if (event.type !== 'message') continue
      const { message } = event
      if (message.type === 'chat') {
        node.confirm(message)
        const { senderId, senderClass, text, topic } = message
        this.#emit({ event: 'whole.chat', sender: senderId, class: senderClass, text, person: topic.as?.person ?? null })
      }
      if (message.type === 'market') {
        const { kind, senderId, senderClass, form, forPerson } = message
        this.#emit({
          event: 'whole.market',
          kind,
          sender: senderId,
          class: senderClass,
          title: form.title,
          person: forPerson ?? null,
        })
      }
    }
  }

  #running(): K2Node {
    if (this.#node === undefined) throw new Error('start a whole node first')
    return this.#node
  }
}
