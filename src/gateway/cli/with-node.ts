import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { withDeadline } from '../../base/async.ts'
import { systemClock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import type { PeerEvent } from '../../bridges/p2p/index.ts'
import { K2Node, type PeerId } from '../../core/index.ts'
import { contactId } from '../config/routes.ts'
import type { Config } from '../config/schema.ts'
import { exactTopic } from '../control.ts'
import { acquireDirLock } from '../db/dir-lock.ts'
import { nodeConfigOf } from '../node-config.ts'
import { followNode } from '../node-follow.ts'
import { loadOrCreateNodeKey } from '../node-key.ts'
import { createLogger } from '../observe/logger.ts'
import { ControlClient } from './client.ts'
import { type CliContext, type GlobalOptions, loadFor } from './context.ts'
import { readControlFile } from './control-file.ts'

/** How long a node started for one command waits until somebody hears it, ms. */
const MEET_MS = 20_000
/** A node started for one command stays this long after sending, so that its neighbours have time to take the line, ms. */
const LINGER_MS = 1_500
const POLL_MS = 100

export interface NodeCommands {
  sendToTopic(topic: string, text: string, name: string): Promise<{ messageIds: readonly string[] }>
  sendDirect(contact: string, text: string, name: string): Promise<{ messageIds: readonly string[] }>
  follow(filter: { topic: string } | { contact: string }, signal: AbortSignal): AsyncIterable<PeerEvent>
}

type Wanted = { readonly topic: string } | { readonly contact: string }

/** Gives `work` the running gateway's node, or when none runs, one of its own under the same identity for the while. */
export async function withNode(
  context: CliContext,
  options: GlobalOptions,
  wanted: Wanted,
  work: (node: NodeCommands) => Promise<void>,
): Promise<void> {
  const { config } = loadFor(context, options)
  const running = await readControlFile(config.dataDir)
  if (running) return work(new ControlClient(running))

  await mkdir(config.dataDir, { recursive: true, mode: 0o700 })
  const lock = await acquireDirLock(join(config.dataDir, 'gateway.lock'))
  try {
    const { identity } = await loadOrCreateNodeKey(config.dataDir)
    const topics = 'topic' in wanted ? [exactTopic(wanted.topic, config)] : []
    const level = config.log.level === 'info' ? 'warn' : config.log.level
    const log = createLogger({ level, pretty: config.log.pretty, instance: config.instance })
    const node = new K2Node({ identity, config: { ...nodeConfigOf(config), topics }, log })
    await node.start()
    try {
      await work(commandsOf(node, config, context))
    } finally {
      await node.stop()
    }
  } finally {
    await lock.release()
  }
}

function commandsOf(node: K2Node, config: Config, context: CliContext): NodeCommands {
  const line = (text: string, senderName: string) => ({ text, senderName, key: `cli-${randomUUID()}`, signal: context.signal })
  return {
    async sendToTopic(topic, text, name) {
      const exact = exactTopic(topic, config)
      await meet(node, (t) => t.name === exact && t.heard, `nobody else is on ${exact}`, context)
      const messageIds = await node.sendText(exact, line(text, name))
      await linger()
      return { messageIds }
    },
    async sendDirect(contact, text, name) {
      const id = contactId(contact, config) as PeerId
      node.addContact(node.contacts().find((c) => c.addr.id === id) ?? { addr: { id, relays: [], direct: [] } })
      await meet(node, (t) => t.contact === id && t.heard, `${contact} is not online`, context)
      const messageIds = await node.sendDirect(id, line(text, name))
      await linger()
      return { messageIds }
    },
    follow(filter, signal) {
      if ('topic' in filter) return followNode(node, { topic: exactTopic(filter.topic, config) }, signal)
      return followNode(node, { contact: contactId(filter.contact, config) }, signal)
    },
  }
}

const linger = (): Promise<void> => new Promise((done) => setTimeout(done, LINGER_MS))

/** Waits until a topic has somebody to talk to. Rejects `K2_NO_NEIGHBOR`. */
async function meet(
  node: K2Node,
  ready: (topic: ReturnType<K2Node['topics']>[number]) => boolean,
  why: string,
  context: CliContext,
): Promise<void> {
  let over = false
  const met = (async () => {
    while (!over && !node.topics().some(ready)) await new Promise<void>((go) => systemClock.after(POLL_MS, go))
  })()
  try {
    await withDeadline(met, { ms: MEET_MS, what: 'meeting a peer', signal: context.signal })
  } catch (cause) {
    throw new K2Error({
      code: 'K2_NO_NEIGHBOR',
      kind: 'network',
      retry: 'later',
      message: `${why} (waited ${MEET_MS / 1000} s): check node.peers and node.mode`,
      cause,
    })
  } finally {
    over = true
  }
}
