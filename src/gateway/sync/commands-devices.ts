import { z } from 'zod'
import { isK2Error } from '../../base/errors.ts'
import { type PeerId, parseEndpointId } from '../../core/index.ts'
import { DEVICE_TYPES } from '../../core/sync/words.ts'
import { type CommandContext, type CommandDefinition, defineCommand } from '../commands/definition.ts'
import { answer, bold, code, line, lines } from '../commands/notices.ts'
import type { SyncService } from './service.ts'

const deviceText = z.string().min(1).max(200)
const MAX_DEVICES_AT_ONCE = 50

/** Node ids of a list of device names, ids and node ids. Rejects `SYNC_UNKNOWN_DEVICE`. */
export async function peersOf(sync: SyncService, text: string | undefined): Promise<PeerId[]> {
  const peers: PeerId[] = []
  const names = (text ?? '').split(',').map((part) => part.trim())
  for (const name of names.filter((part) => part !== '').slice(0, MAX_DEVICES_AT_ONCE)) peers.push(await peerOf(sync, name))
  return [...new Set(peers)]
}

/** Of a device by name, or of a node that is no device. */
async function peerOf(sync: SyncService, text: string): Promise<PeerId> {
  try {
    return (await sync.device(text)).nodeId
  } catch (error) {
    if (!isK2Error(error) || error.code !== 'SYNC_UNKNOWN_DEVICE' || !/^[0-9a-zA-Z]{52,64}$/.test(text)) throw error
    return parseEndpointId(text)
  }
}

/** Commands for devices and settings (k2-application 4.2, rows 29 to 34). */
export function deviceCommands(service: () => Promise<SyncService>): CommandDefinition[] {
  const deviceHelp = {
    summary: 'name, id or node id of the device',
    async suggest(_context: CommandContext, typed: string) {
      const devices = await (await service()).devices()
      return devices
        .filter(({ name }) => name.toLowerCase().includes(typed.toLowerCase()))
        .map(({ id, name }) => ({ name: name.slice(0, 100), value: id }))
    },
  }
  return [
    defineCommand({
      path: ['sync', 'devices'],
      telegram: 'k2_devices',
      cli: 'sync device list',
      http: { method: 'GET', path: '/sync/devices' },
      summary: 'devices that folders can be shared with',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      async run() {
        const devices = await (await service()).devices()
        const shown = devices.map(({ name, nodeId, status }) => line(bold(name), ' ', code(nodeId), ` ${status}`))
        return answer(shown.length === 0 ? 'No devices.' : lines(...shown), devices, { title: 'Devices' })
      },
    }),
    defineCommand({
      path: ['sync', 'device-add'],
      notOn: ['telegram'],
      cli: 'sync device add',
      http: { method: 'POST', path: '/sync/devices' },
      summary: 'add a device by its node id',
      role: 'admin',
      arguments: z.object({
        node: z.string().min(52).max(64),
        name: z.string().min(1).max(200),
        type: z.enum(DEVICE_TYPES).default('Desktop'),
      }),
      argumentHelp: {
        node: { summary: 'its node id' },
        name: { summary: 'what you call it' },
        type: { summary: 'what it is' },
      },
      async run(_context, { node, name, type }) {
        const device = await (await service()).addDevice({ nodeId: parseEndpointId(node), name, deviceType: type })
        return answer(line(bold(device.name), ' ', code(device.nodeId), ' added'), device)
      },
    }),
    defineCommand({
      path: ['sync', 'device-remove'],
      notOn: ['telegram'],
      cli: 'sync device remove',
      http: { method: 'DELETE', path: '/sync/devices/:device' },
      summary: 'remove a device, also from folders',
      role: 'admin',
      arguments: z.object({ device: deviceText }),
      argumentHelp: { device: { ...deviceHelp, rest: true } },
      async run(_context, { device }) {
        const removed = await (await service()).removeDevice(device)
        return answer(line(bold(removed.name), ' removed'), removed)
      },
    }),
    defineCommand({
      path: ['sync', 'test'],
      notOn: ['telegram'],
      http: { method: 'POST', path: '/sync/devices/:device/test' },
      summary: 'see whether a device answers',
      role: 'admin',
      arguments: z.object({ device: deviceText }),
      argumentHelp: { device: { ...deviceHelp, rest: true } },
      async run(_context, { device }) {
        const sync = await service()
        const peer = await peerOf(sync, device.trim())
        const online = await sync.test(peer)
        return answer(online ? 'It answers.' : 'It does not answer.', { node: peer, online })
      },
    }),
    defineCommand({
      path: ['sync', 'settings'],
      notOn: ['telegram'],
      cli: 'sync settings show',
      http: { method: 'GET', path: '/sync/settings' },
      summary: 'how this gateway presents itself to devices',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      async run() {
        const settings = await (await service()).settings()
        return answer(line('name: ', bold(settings.displayName ?? 'none'), settings.localLogo ? ', with a logo' : ''), settings)
      },
    }),
    defineCommand({
      path: ['sync', 'settings-set'],
      notOn: ['telegram'],
      cli: 'sync settings set',
      http: { method: 'PATCH', path: '/sync/settings' },
      summary: 'change how this gateway presents itself to devices',
      role: 'admin',
      arguments: z.object({ name: z.string().max(200).optional(), logo: z.string().max(500_000).optional() }),
      argumentHelp: {
        name: { summary: 'display name; "-" for none' },
        logo: { summary: 'a data URL; "-" for none' },
      },
      async run(_context, { name, logo }) {
        const cleared = (text: string): string | null => (text === '' || text === '-' ? null : text)
        const settings = await (await service()).updateSettings({
          ...(name !== undefined && { displayName: cleared(name) }),
          ...(logo !== undefined && { localLogo: cleared(logo) }),
        })
        return answer(line('name: ', bold(settings.displayName ?? 'none'), settings.localLogo ? ', with a logo' : ''), settings)
      },
    }),
  ]
}
