import { z } from 'zod'
import { SYNC_MODES } from '../../core/sync/words.ts'
import { type CommandContext, type CommandDefinition, defineCommand } from '../commands/definition.ts'
import { answer, bold, code, line, lines } from '../commands/notices.ts'
import { peersOf } from './commands-devices.ts'
import { folderDetails, folderLine } from './notices.ts'
import { type OverviewParts, showFolders, shownInvitation } from './overview.ts'

/** Folders shown in a chat. */
const SHOWN = 20

export const folderText = z.string().min(1).max(200)
const name = z.string().min(1).max(200)
const path = z.string().min(1).max(4000)
const mode = z.enum(SYNC_MODES)
const interval = z
  .int()
  .min(1)
  .max(7 * 24 * 60)
const devices = z.string().min(1).max(2000)

const isOperator = ({ origin }: CommandContext): boolean => origin.surface !== 'chat'

/** Commands for folders (k2-application 4.2, rows 26 to 28, 35 and 36). */
export function syncCommands(parts: OverviewParts): CommandDefinition[] {
  const { service } = parts
  const folderHelp = {
    summary: 'name or id of the folder',
    async suggest(_context: CommandContext, typed: string) {
      const folders = await (await service()).folders()
      return folders
        .filter((folder) => folder.name.toLowerCase().includes(typed.toLowerCase()) || folder.id.startsWith(typed))
        .map((folder) => ({ name: `${folder.name} (${folder.status})`.slice(0, 100), value: folder.id }))
    },
  }
  const invitationHelp = {
    summary: 'name or id of the folder',
    async suggest(_context: CommandContext, typed: string) {
      const invitations = await (await service()).invitations()
      return invitations
        .filter((one) => one.name.toLowerCase().includes(typed.toLowerCase()) || one.folder.startsWith(typed))
        .map((one) => ({ name: `${one.name} from ${one.peer.slice(0, 10)}`.slice(0, 100), value: one.folder }))
    },
  }
  return [
    defineCommand({
      path: ['sync', 'folders'],
      telegram: 'k2_folders',
      http: { method: 'GET', path: '/sync/folders' },
      summary: 'synchronised folders, how far they are, and invitations that wait',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      async run(context) {
        return showFolders(context, parts)
      },
    }),
    defineCommand({
      path: ['sync', 'folder'],
      telegram: 'k2_folder',
      http: { method: 'GET', path: '/sync/folders/:folder' },
      summary: 'one folder: its state, what is held back and why',
      role: 'admin',
      arguments: z.object({ folder: folderText }),
      argumentHelp: { folder: { ...folderHelp, rest: true } },
      async run(_context, { folder }) {
        const info = await (await service()).folder(folder)
        return answer(folderDetails(info), info)
      },
    }),
    defineCommand({
      path: ['sync', 'add'],
      notOn: ['telegram'],
      http: { method: 'POST', path: '/sync/folders' },
      summary: 'share a folder with devices',
      help: 'Without a path the folder is made in the place for synchronised files. Operators may name any absolute path.',
      role: 'admin',
      arguments: z.object({
        name,
        path: path.optional(),
        mode: mode.default('proactive'),
        interval: interval.default(60),
        devices: devices.optional(),
      }),
      argumentHelp: {
        name: { summary: 'what others see' },
        path: { summary: 'where it lies here' },
        mode: { summary: 'passive: only when told to' },
        interval: { summary: 'minutes between complete looks' },
        devices: { summary: 'whom to invite: names or node ids, with commas' },
      },
      async run(context, args) {
        const sync = await service()
        const { name: label, path: place, mode: how, interval: every } = args
        const invited = await peersOf(sync, args.devices)
        const info = await sync.add(
          { name: label, path: place, mode: how, interval: every, devices: invited },
          isOperator(context),
        )
        return answer(folderDetails(info), info)
      },
    }),
    defineCommand({
      path: ['sync', 'edit'],
      notOn: ['telegram'],
      http: { method: 'PATCH', path: '/sync/folders/:folder' },
      summary: 'rename, pause or resume a folder, or change how it is synchronised',
      role: 'admin',
      arguments: z.object({
        folder: folderText,
        name: name.optional(),
        mode: mode.optional(),
        interval: interval.optional(),
        enabled: z.boolean().optional(),
      }),
      argumentHelp: {
        folder: folderHelp,
        name: { summary: 'new name' },
        mode: { summary: 'passive: only when told to' },
        interval: { summary: 'minutes between complete looks' },
        enabled: { summary: 'no: paused, in both directions' },
      },
      async run(_context, { folder, ...change }) {
        const info = await (await service()).edit(folder, change)
        return answer(folderDetails(info), info)
      },
    }),
    defineCommand({
      path: ['sync', 'invite'],
      notOn: ['telegram'],
      http: { method: 'POST', path: '/sync/folders/:folder/invite' },
      summary: 'invite devices to a folder',
      role: 'admin',
      arguments: z.object({ folder: folderText, devices }),
      argumentHelp: { folder: folderHelp, devices: { summary: 'names or node ids, with commas', rest: true } },
      async run(_context, args) {
        const sync = await service()
        const info = await sync.invite(args.folder, await peersOf(sync, args.devices))
        return answer(folderDetails(info), info)
      },
    }),
    defineCommand({
      path: ['sync', 'leave'],
      telegram: 'k2_sync_leave',
      http: { method: 'DELETE', path: '/sync/folders/:folder' },
      summary: 'stop synchronising a folder; its files stay',
      role: 'admin',
      confirm: ({ folder }) => `Stop synchronising ${folder}? Its files stay where they are.`,
      arguments: z.object({ folder: folderText, drop: z.boolean().default(false) }),
      argumentHelp: { folder: folderHelp, drop: { summary: 'also delete its document here' } },
      async run(_context, { folder, drop }) {
        await (await service()).leave(folder, drop)
        return answer('The folder is not synchronised any more. Its files are where they were.', { left: true })
      },
    }),
    defineCommand({
      path: ['sync', 'now'],
      telegram: 'k2_sync_now',
      http: { method: 'POST', path: '/jobs/sync' },
      summary: 'look at a folder and synchronise it now',
      help: 'With confirm, files that vanished here are deleted everywhere even when they are many, and what was held back comes.',
      role: 'admin',
      arguments: z.object({ folder: folderText, confirm: z.boolean().default(false) }),
      argumentHelp: { folder: folderHelp, confirm: { summary: 'agree to what is held back' } },
      async run(_context, { folder, confirm }) {
        const info = await (await service()).syncNow(folder, confirm)
        return answer(line('🔄 ', folderLine(info)), info)
      },
    }),
    defineCommand({
      path: ['sync', 'accept'],
      telegram: 'k2_sync_accept',
      http: { method: 'POST', path: '/sync/invitations/:folder/accept' },
      summary: 'accept an invitation to a folder',
      help: 'Without a path a new folder is made in the place for synchronised files.',
      role: 'admin',
      arguments: z.object({ folder: folderText, path: path.optional() }),
      argumentHelp: { folder: invitationHelp, path: { summary: 'where it is to lie here' } },
      async run(context, args) {
        const info = await (await service()).accept(args.folder, args.path, isOperator(context))
        return answer(folderDetails(info), info)
      },
    }),
    defineCommand({
      path: ['sync', 'reject'],
      telegram: 'k2_sync_reject',
      http: { method: 'POST', path: '/sync/invitations/:folder/reject' },
      summary: 'reject an invitation to a folder',
      role: 'admin',
      arguments: z.object({ folder: folderText }),
      argumentHelp: { folder: { ...invitationHelp, rest: true } },
      async run(_context, { folder }) {
        const invitation = await (await service()).reject(folder)
        return answer(line('Rejected: ', bold(invitation.name)), shownInvitation(invitation))
      },
    }),
    defineCommand({
      path: ['sync', 'invitations'],
      telegram: 'k2_invitations',
      http: { method: 'GET', path: '/sync/invitations' },
      summary: 'invitations that wait for an answer',
      role: 'admin',
      arguments: z.object({}),
      argumentHelp: {},
      async run() {
        const invitations = (await (await service()).invitations()).map(shownInvitation)
        const shown = invitations.slice(0, SHOWN).map((one) => line(bold(one.name), ' ', code(one.id), ` from ${one.peer}`))
        return answer(shown.length === 0 ? 'No invitations.' : lines(...shown), invitations, { title: 'Invitations' })
      },
    }),
  ]
}
