import { z } from 'zod'
import { MAX_QR_BYTES, qrPng, qrSvg, qrTerminal } from '../../blobs/qr.ts'
import type { StatusReport } from '../../http/control.ts'
import { type CommandDefinition, defineCommand } from '../definition.ts'
import { answer, bold, code, fileOf, line, lines } from '../notices.ts'
import type { BuiltinParts } from './parts.ts'

const none = z.object({})

export function nodeCommands({ control, node }: BuiltinParts): CommandDefinition[] {
  return [
    defineCommand({
      path: ['node', 'status'],
      telegram: 'k2_status',
      http: { method: 'GET', path: '/node' },
      summary: 'what this gateway is connected to, and whether all is well',
      role: 'everyone',
      arguments: none,
      argumentHelp: {},
      run: async (context) => {
        const status = await control.status()
        return answer(describe(status, context.role === 'admin'), context.role === 'admin' ? status : publicStatus(status), {
          title: 'Gateway',
        })
      },
    }),
    defineCommand({
      path: ['node', 'id'],
      telegram: 'k2_id',
      http: { method: 'GET', path: '/node/id' },
      summary: 'the K2 id of this gateway, with a QR code, for others to reach it',
      role: 'everyone',
      arguments: none,
      argumentHelp: {},
      run: async () => {
        const png = await qrPng(node.id)
        return answer(
          lines('Whoever has this id can add the gateway as a contact in K2:', code(node.id)),
          { id: node.id, ticket: node.ticket() },
          { title: 'K2 id', files: [fileOf('k2-id.png', 'image/png', png)] },
        )
      },
    }),
    defineCommand({
      path: ['qr'],
      telegram: 'k2_qr',
      http: { method: 'POST', path: '/qr' },
      summary: 'make a QR code of a text, such as a ticket or an id',
      role: 'everyone',
      arguments: z.object({
        format: z.enum(['png', 'svg', 'text']).default('png'),
        text: z.string().min(1).max(MAX_QR_BYTES),
      }),
      argumentHelp: {
        format: { summary: 'png, svg, or characters for a terminal' },
        text: { summary: 'what the code says', rest: true },
      },
      run: async (_context, { text, format }) => {
        if (format === 'text') {
          const drawn = await qrTerminal(text)
          return answer(code(drawn), { text, format, drawn })
        }
        const isPng = format === 'png'
        const [bytes, mime] = isPng ? [await qrPng(text), 'image/png'] : [Buffer.from(await qrSvg(text)), 'image/svg+xml']
        const data = { text, format, mime, base64: Buffer.from(bytes).toString('base64') }
        return answer('Scan this with a phone:', data, { files: [fileOf(`qr.${format}`, mime, bytes)] })
      },
    }),
  ]
}

/** Addresses and the health of parts are for administrators. */
function publicStatus({ instance, version, uptimeMs, node }: StatusReport): object {
  return { instance, version, uptimeMs, node: { id: node.id, topics: node.topics, contacts: node.contacts } }
}

function describe({ node, parts, uptimeMs, version, instance }: StatusReport, isAdmin: boolean) {
  const troubles = parts.flatMap((p) => (p.health.status === 'ok' ? [] : [{ name: p.name, ...p.health }]))
  return lines(
    line(bold(instance), `, version ${version}, up ${duration(uptimeMs)}`),
    line('Id: ', code(node.id)),
    '',
    bold('Topics'),
    ...node.topics.map((t) => `• ${t.name}: ${t.neighbors} ${t.neighbors === 1 ? 'neighbour' : 'neighbours'}`),
    node.topics.length === 0 ? 'none' : undefined,
    '',
    line(bold('Contacts'), `: ${node.contacts.filter((c) => c.online).length} of ${node.contacts.length} online`),
    troubles.length === 0 ? 'Everything is well.' : undefined,
    ...troubles.map((t) => (isAdmin ? `⚠️ ${t.name}: ${t.reason}` : `⚠️ ${t.name} is not well`)),
  )
}

export function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return `${Math.floor(ms / 1000)} s`
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`
}
