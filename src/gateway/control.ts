import { randomUUID } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { K2Error } from '../base/errors.ts'
import type { Lifecycle } from '../base/lifecycle.ts'
import type { PeerEvent, PeerPort } from '../bridges/p2p/index.ts'
import { nodeTag } from '../bridges/p2p/port.ts'
import { canonicalTopic, type K2Node } from '../core/index.ts'
import { contactId } from './config/routes.ts'
import type { Config } from './config/schema.ts'
import type { Control, PartHealth, StatusReport } from './http/control.ts'
import { followNode } from './node-follow.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Pipeline } from './pipeline/index.ts'
import { VERSION } from './version.ts'

export interface ControlParts {
  /** As it is at the moment. */
  readonly config: () => Config
  readonly node: K2Node
  readonly port: PeerPort
  readonly pipeline: Pipeline
  readonly metrics: () => Metrics
  readonly parts: () => readonly Lifecycle[]
  readonly clock: Clock
}

/** What operators may ask of the running gateway, on top of its parts. */
export function createControl(parts: ControlParts): Control {
  const { config, node, port, pipeline, clock } = parts
  const startedAt = clock.monotonic()
  const health = (): PartHealth[] =>
    parts.parts().flatMap((part) => (part.health ? [{ name: part.name, health: part.health() }] : []))
  return {
    status: async () => ({
      ...statusOf(node, config()),
      uptimeMs: Math.round(clock.monotonic() - startedAt),
      parts: health(),
      counters: totals(pipeline),
    }),
    health,
    metrics: () => parts.metrics().text(),
    sendToTopic: (topic, text, senderName) =>
      port.sendTopicText(exactTopic(topic, config()), {
        text,
        senderName,
        messageKey: `cli-${randomUUID()}`,
        via: [nodeTag(node.id)],
      }),
    sendDirect: (contact, text, senderName, author) =>
      port.sendDirectText(contactId(contact, config()), {
        text,
        senderName,
        ...(author !== undefined && { author }),
        messageKey: `cli-${randomUUID()}`,
        via: [nodeTag(node.id)],
      }),
    follow: (filter, signal): AsyncIterable<PeerEvent> =>
      followNode(
        node,
        'topic' in filter ? { topic: exactTopic(filter.topic, config()) } : { contact: contactId(filter.contact, config()) },
        signal,
      ),
    lanes: () => pipeline.admin.lanes(),
    deadLetters: (limit) => pipeline.admin.deadLetters(limit),
    replayDeadLetter: (id) => pipeline.admin.replay(id),
    discardDeadLetter: (id) => pipeline.admin.discard(id),
    why: (eventId) => pipeline.admin.why(eventId),
  }
}

/** The topic as configured, also when a person wrote it in another way. Throws `K2_UNKNOWN_TOPIC`. */
export function exactTopic(text: string, config: Config): string {
  const { topics } = config.node
  if (topics.includes(text)) return text
  const canonical = canonicalTopic(text)
  if (canonical !== undefined && topics.includes(canonical)) return canonical
  throw new K2Error({
    code: 'K2_UNKNOWN_TOPIC',
    kind: 'input',
    message: `the node does not join a topic called "${text.slice(0, 80)}"; it joins: ${topics.join(', ')}`,
  })
}

export function statusOf(node: K2Node, config: Config): Pick<StatusReport, 'instance' | 'version' | 'node'> {
  const topics = node.topics()
  const { direct, relays } = node.addr()
  return {
    instance: config.instance,
    version: VERSION,
    node: {
      id: node.id,
      ticket: node.ticket(),
      addresses: direct,
      relay: relays.at(0) ?? null,
      topics: topics.filter((t) => t.contact === undefined).map((t) => ({ name: t.name, neighbors: t.neighbors.length })),
      contacts: node.contacts().map((contact) => ({
        name: contact.name ?? contact.addr.id.slice(0, 8),
        id: contact.addr.id,
        online: topics.some((t) => t.contact === contact.addr.id && t.neighbors.includes(contact.addr.id)),
      })),
    },
  }
}

function totals(pipeline: Pipeline): Record<string, number> {
  const out: Record<string, number> = {}
  for (const { name, value } of pipeline.stats().counters) out[name] = (out[name] ?? 0) + value
  return out
}
