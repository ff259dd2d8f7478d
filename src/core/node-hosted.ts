import type { Clock } from '../base/clock.ts'
import { errorCode } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { PeerId } from './ids.ts'
import { HostBook } from './k2/host-book.ts'
import { HostedTalks } from './k2/hosted-talks.ts'
import type { InboundMessage } from './k2/inbound.ts'
import type { JoinedTopic } from './k2/joined-topic.ts'
import type { PeerRoster } from './k2/peer-roster.ts'
import { directTopicName } from './k2/topics.ts'
import { HostedIdentities } from './keys/hosted-identities.ts'
import type { Identity } from './keys/identity.ts'
import type { NodeTopics } from './node-topics.ts'

export interface NodeHostedOptions {
  readonly identity: Identity
  /** Whether people of this node have ids of their own. */
  readonly enabled: boolean
  readonly roster: PeerRoster
  /** Undefined while the node is not running. */
  readonly topics: () => NodeTopics | undefined
  readonly leave: (topic: string) => void
  readonly clock: Clock
  readonly log: Logger
}

/** People with ids of their own (k2-application 2.7): ours, those of other gateways, and the direct topics of both. */
export class NodeHosted {
  readonly #options: NodeHostedOptions
  readonly #hosts = new HostBook()
  readonly #ids: HostedIdentities | undefined
  readonly #talks: HostedTalks

  constructor(options: NodeHostedOptions) {
    const { identity, enabled, clock } = options
    this.#options = options
    this.#ids = enabled ? new HostedIdentities(identity) : undefined
    this.#talks = new HostedTalks({ clock, leave: (topic) => this.#leave(topic) })
  }

  /** The id a person of ours is known by; undefined where all people speak in the node's name. */
  readonly idOf = (person: string): PeerId | undefined => this.#ids?.idOf(person)

  readonly personOf = (id: string): string | undefined => this.#ids?.personOf(id)

  /** Gateways sign who they speak for; whoever the operator knows is a node. */
  readonly hostOf = (id: string): PeerId | undefined =>
    this.#options.roster.isTrusted(id as PeerId) ? undefined : this.#hosts.hostOf(id)

  /** `host` has signed a message in the name of `id`. */
  note(id: string, host: PeerId): void {
    this.#hosts.note(id, host)
  }

  /** A message came straight from `id`. */
  proved(id: PeerId): void {
    this.#hosts.proved(id)
  }

  /** Joins the direct topic of a contact with the node, or with a person of ours. */
  join(topics: NodeTopics, contact: PeerId, person: string | undefined): JoinedTopic {
    const id = person === undefined ? undefined : this.idOf(person)
    const topic = topics.joinDirect(contact, person === undefined || id === undefined ? undefined : { id, person })
    if (topic.isHosted) this.#talks.used(topic.info.name)
    return topic
  }

  /** Keeps conversations that are used; an interest in what one of ours offers begins one, since its sender may write to them. */
  heard(message: InboundMessage): void {
    if (message.type === 'chat') this.#talks.heard(message.topic.name)
    const topics = this.#options.topics()
    if (message.type !== 'market' || message.forPerson === undefined || !message.routable || topics === undefined) return
    const { forPerson, senderClass } = message
    const [id, peer] = [this.idOf(forPerson), message.senderId as PeerId]
    const isSure = senderClass === 'verified' || this.hostOf(peer) !== undefined
    if (id === undefined || (!isSure && !this.#talks.mayBegin(directTopicName(id, peer)))) return
    try {
      this.join(topics, peer, forPerson)
    } catch (error) {
      this.#options.log.debug({ ev: 'talk-not-begun', code: errorCode(error) }, 'a direct conversation could not begin')
    }
  }

  stop(): void {
    this.#talks.stop()
  }

  /** Topics of contacts stay. */
  #leave(name: string): void {
    const { topics, roster, leave } = this.#options
    const info = topics()?.find(name)?.info
    if (info?.contact === undefined || (info.as === undefined && roster.isContact(info.contact))) return
    leave(name)
  }
}
