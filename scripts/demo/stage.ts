// The demo's gateway and nodes, started and stopped together.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '../../src/base/logger.ts'
import { startGateway } from '../../src/gateway/compose.ts'
import { parseConfig } from '../../src/gateway/config/load.ts'
import type { Gateway } from '../../src/gateway/gateway.ts'
import { type Actor, CONTACT_NAME, contactOf, startBuyer, startContact, startSeller, TOPIC } from './actors.ts'

export const TOPIC_ROOM = TOPIC
export const CONTACT_ROOM = CONTACT_NAME

export interface Stage {
  readonly gateway: Gateway
  readonly seller: Actor
  readonly buyer: Actor
  readonly contact: Actor
  stop(): Promise<void>
}

/** Everything on this machine's loopback and in a temporary folder that `stop` removes. */
export async function openStage(options: { log: Logger; port: number; signal: AbortSignal }): Promise<Stage> {
  const dataDir = await mkdtemp(join(tmpdir(), 'k2gw-demo-'))
  const started: (() => Promise<unknown>)[] = [() => rm(dataDir, { recursive: true, force: true })]
  const stop = async (): Promise<void> => {
    for (const end of started.splice(0).reverse()) await end()
  }
  try {
    const seller = await startSeller()
    started.push(() => seller.stop())
    const buyer = await startBuyer([seller.node.ticket()])
    started.push(() => buyer.stop())
    const contact = await startContact()
    started.push(() => contact.stop())
    const config = {
      dataDir,
      instance: 'demo',
      http: { port: options.port },
      node: {
        mode: 'loopback',
        topics: ['Digital Assets', TOPIC, 'Freelance Job'],
        peers: [seller.node.ticket(), buyer.node.ticket()],
        contacts: [{ name: CONTACT_NAME, id: contact.node.id, addresses: contact.node.addr().direct }],
      },
    }
    const gateway = await startGateway(
      // JSON is YAML: the demo goes through the same loader as any configuration file.
      { config: parseConfig(JSON.stringify(config), { file: 'demo configuration', env: {} }), log: options.log },
      options.signal,
    )
    started.push(() => gateway.stop())
    contact.node.addContact(contactOf(gateway.node))
    return { gateway, seller, buyer, contact, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
