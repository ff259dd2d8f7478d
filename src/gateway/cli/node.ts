import type { StatusReport } from '../http/control.ts'
import { loadOrCreateNodeKey } from '../node-key.ts'
import { type CliContext, EXIT, type GlobalOptions, loadFor, print } from './context.ts'
import { runningGateway } from './queue.ts'

export async function nodeId(context: CliContext, options: GlobalOptions): Promise<number> {
  const { config } = loadFor(context, options)
  const { identity, created } = await loadOrCreateNodeKey(config.dataDir, context.keyring)
  print(context, options, { id: identity.id, created }, () => identity.id)
  return EXIT.ok
}

export async function nodeStatus(context: CliContext, options: GlobalOptions): Promise<number> {
  const status = await (await runningGateway(context, options)).status()
  print(context, options, status, () => describe(status))
  return EXIT.ok
}

function describe({ node, parts, uptimeMs, version }: StatusReport): string {
  const contacts = node.contacts.map((c) => `${c.name} ${c.online ? 'online' : 'offline'}`)
  const troubles = parts.flatMap((p) =>
    p.health.status === 'ok' ? [] : [`  ${p.health.status.padEnd(9)} ${p.name}: ${p.health.reason}`],
  )
  return [
    `node id    ${node.id}`,
    `ticket     ${node.ticket}`,
    `addresses  ${node.addresses.join(', ') || 'none known yet'}`,
    `relay      ${node.relay ?? 'none'}`,
    `topics     ${node.topics.map((t) => `${t.name} (${t.neighbors} ${t.neighbors === 1 ? 'neighbour' : 'neighbours'})`).join(', ')}`,
    `contacts   ${contacts.join(', ') || 'none'}`,
    `version    ${version}, up ${Math.round(uptimeMs / 1000)} s`,
    troubles.length === 0 ? 'all parts are ok' : troubles.join('\n'),
  ].join('\n')
}
