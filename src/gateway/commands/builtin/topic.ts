import { z } from 'zod'
import { K2Error } from '../../../base/errors.ts'
import { canonicalTopic, checkTopicName } from '../../../core/index.ts'
import { type CommandContext, type CommandDefinition, defineCommand } from '../definition.ts'
import { answer, bold, line, lines } from '../notices.ts'
import type { BuiltinParts } from './parts.ts'

const topicName = z.object({ topic: z.string().min(1).max(200) })

export function topicCommands({ node, topics, routes, clock }: BuiltinParts): CommandDefinition[] {
  const joined = () => node.topics().filter((t) => t.contact === undefined)
  /** The name as K2 spells it. */
  const exact = (text: string): string => (joined().some((t) => t.name === text) ? text : (canonicalTopic(text) ?? text.trim()))
  const suggest = async (_context: CommandContext, typed: string) =>
    joined()
      .map((t) => t.name)
      .filter((name) => name.toLowerCase().includes(typed.toLowerCase()))
      .map((name) => ({ name: name.slice(0, 100), value: name.slice(0, 100) }))
  return [
    defineCommand({
      path: ['topic', 'list'],
      telegram: 'k2_topics',
      http: { method: 'GET', path: '/topics' },
      summary: 'the K2 topics this gateway listens to',
      role: 'everyone',
      arguments: z.object({}),
      argumentHelp: {},
      run: async () => {
        const rows = joined().map((t) => ({ name: t.name, neighbors: t.neighbors.length }))
        const shown = rows.map((t) => line(bold(t.name), `: ${t.neighbors} ${t.neighbors === 1 ? 'neighbour' : 'neighbours'}`))
        return answer(rows.length === 0 ? 'No topic is joined.' : lines(...shown), rows, { title: 'Topics' })
      },
    }),
    defineCommand({
      path: ['topic', 'join'],
      http: { method: 'PUT', path: '/topics/:topic' },
      summary: 'listen to one more K2 topic, also after a restart',
      role: 'admin',
      arguments: topicName,
      argumentHelp: { topic: { summary: 'its exact name', rest: true } },
      run: async (_context, { topic }) => {
        const name = exact(topic)
        checkTopicName(name)
        node.joinTopic(name)
        await topics.save(name, true, clock.now())
        return answer(`Joined “${name}”.`, { name, joined: true })
      },
    }),
    defineCommand({
      path: ['topic', 'leave'],
      http: { method: 'DELETE', path: '/topics/:topic' },
      summary: 'stop listening to a K2 topic, also after a restart',
      role: 'admin',
      confirm: ({ topic }) => `“${topic}” is left: what is said there is not heard any more.`,
      arguments: topicName,
      argumentHelp: { topic: { summary: 'its name', rest: true, suggest } },
      run: async (_context, { topic }) => {
        const name = exact(topic)
        const using = routes().filter((r) => r.members.some((m) => m.place.network === 'p2p' && m.place.channel === name))
        if (using.length > 0) {
          const message = `route ${using.map((r) => r.id).join(', ')} bridges this topic: take it out of the configuration first`
          throw new K2Error({ code: 'TOPIC_IN_USE', kind: 'conflict', message })
        }
        if (!(await node.leaveTopic(name))) {
          throw new K2Error({ code: 'K2_UNKNOWN_TOPIC', kind: 'input', message: `"${name.slice(0, 80)}" is not joined` })
        }
        await topics.save(name, false, clock.now())
        return answer(`Left “${name}”.`, { name, joined: false })
      },
    }),
  ]
}

/** Applies what people chose in earlier runs, after the node has started. */
export async function applyTopicChoices({
  node,
  topics,
  routes,
}: Pick<BuiltinParts, 'node' | 'topics' | 'routes'>): Promise<void> {
  const routed = new Set(routes().flatMap((r) => r.members.filter((m) => m.place.network === 'p2p').map((m) => m.place.channel)))
  for (const { name, joined } of await topics.list()) {
    if (joined) node.joinTopic(name)
    else if (!routed.has(name)) await node.leaveTopic(name)
  }
}
