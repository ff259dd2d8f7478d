import { createHash } from 'node:crypto'
import type { Notice } from '../../bridges/interaction.ts'
import type { RichText } from '../../bridges/model/rich-text.ts'
import { humanSize } from '../blobs/errors.ts'
import type { ActionIds } from '../commands/action-ids.ts'
import { bold, code, line, lines, notice } from '../commands/notices.ts'
import type { FolderInfo } from './folder-info.ts'
import type { Invitation } from './store.ts'

const BAR = 12
/** Held and refused names shown at once. */
const SHOWN = 8

/** Names an invitation in a button: the folder, and the moment, so that an old button does not answer a newer invitation. */
export const invitationRef = ({ folder, at, peer }: Invitation): string =>
  createHash('sha256').update(`${folder} ${peer} ${at}`).digest('hex').slice(0, 32)

export function invitationNotice(invitation: Invitation, ids: ActionIds): Notice {
  const { name, peer, folder } = invitation
  const ref = invitationRef(invitation)
  return notice(
    lines(
      line(code(peer.slice(0, 10)), ' wants to share the folder ', bold(name), ' with this gateway.'),
      line('Whoever takes part may change and delete its files. Folder ', code(folder.slice(0, 10))),
    ),
    {
      title: 'Invitation to a folder',
      actions: [
        [
          { id: ids.id('sync-accept', ref), label: 'Accept', style: 'success' },
          { id: ids.id('sync-reject', ref), label: 'Reject', style: 'danger' },
        ],
      ],
    },
  )
}

/** `▓▓▓░░░ 50 %` */
export function bar(done: number, total: number): string {
  const part = total === 0 ? 1 : Math.min(1, done / total)
  const full = Math.floor(part * BAR)
  return `${'▓'.repeat(full)}${'░'.repeat(BAR - full)} ${Math.floor(part * 100)} %`
}

const STATUS_TEXT: Readonly<Record<FolderInfo['status'], string>> = {
  paused: '⏸ paused',
  error: '⚠️ error',
  scanning: '🔍 looks at files',
  publishing: '⬆️ publishes',
  fetching: '⬇️ fetches',
  applying: '⬇️ writes files',
  pending: '⏳ changes wait',
  idle: '✅ in step',
}

export function folderLine(folder: FolderInfo): RichText {
  const { name, id, status, files, bytes, toPublish, toTake, toRemove, progress, error, held, syncMode } = folder
  const waits = [
    toPublish > 0 ? `${toPublish} to publish` : '',
    toTake > 0 ? `${toTake} to fetch` : '',
    toRemove > 0 ? `${toRemove} to remove` : '',
    held.length > 0 ? `${held.length} held back` : '',
  ].filter((text) => text !== '')
  const isBusy = progress.total > 0 && status !== 'idle' && status !== 'paused' && status !== 'pending' && status !== 'error'
  return line(
    bold(name),
    ' ',
    code(id.slice(0, 10)),
    ` ${STATUS_TEXT[status]}${error === undefined ? '' : `: ${error.message}`}${isBusy ? ` ${bar(progress.done, progress.total)}` : ''}`,
    `, ${files} files, ${humanSize(bytes)}${syncMode === 'passive' ? ', passive' : ''}${waits.length > 0 ? `, ${waits.join(', ')}` : ''}`,
  )
}

export function folderDetails(folder: FolderInfo): RichText {
  const links = Object.entries(folder.linkedDevices).map(([peer, state]) => `${peer.slice(0, 10)} ${state}`)
  const shown = (title: string, list: FolderInfo['held']): string | undefined =>
    list.length === 0
      ? undefined
      : `${title}: ${list
          .slice(0, SHOWN)
          .map(({ path, reason }) => `${path} (${reason})`)
          .join(', ')}${list.length > SHOWN ? ` and ${list.length - SHOWN} more` : ''}`
  return lines(
    folderLine(folder),
    line('at ', code(folder.path), `, every ${folder.syncInterval} min`),
    links.length === 0 ? 'no linked devices' : `linked: ${links.join(', ')}`,
    shown('held back', folder.held),
    shown('not synchronised', folder.refused),
  )
}
