import { sleep } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import type { Action, Meter, Notice } from '../../bridges/interaction.ts'
import type { ActionIds } from '../commands/action-ids.ts'
import type { CommandContext, CommandResult } from '../commands/definition.ts'
import { code, line, lines, notice } from '../commands/notices.ts'
import type { FolderInfo } from './folder-info.ts'
import { folderLine, invitationRef } from './notices.ts'
import type { SyncService } from './service.ts'
import type { Invitation } from './store.ts'

/** Folders, and invitations, shown at once. */
const SHOWN = 20
/** Invitations with buttons: a row each, and one for looking again. */
const ANSWERABLE = 4
/** Longest name in a button. */
const LABEL = 40
/** An answer in a chat follows what is under way at most this long, ms, and looks this often. */
const FOLLOW_MS = 45_000
const LOOK_MS = 2_000

export interface OverviewParts {
  readonly service: () => Promise<SyncService>
  readonly ids: ActionIds
  readonly clock: Clock
}

/** All folders with pictures of how far they are, and the invitations that wait, to be answered here. */
export function overviewNotice(folders: readonly FolderInfo[], invitations: readonly Invitation[], ids: ActionIds): Notice {
  const rows: Action[][] = invitations.slice(0, ANSWERABLE).map((invitation) => {
    const ref = invitationRef(invitation)
    const name = invitation.name.slice(0, LABEL)
    return [
      { id: ids.id('sync-accept', ref), label: `Accept ${name}`, style: 'success' },
      { id: ids.id('sync-reject', ref), label: `Reject ${name}`, style: 'danger' },
    ]
  })
  const waiting = invitations
    .slice(0, SHOWN)
    .map(({ name, folder, peer }) =>
      line('📨 ', name, ' ', code(folder.slice(0, 10)), ` from ${peer.slice(0, 10)}: accept or reject it`),
    )
  const text = lines(...folders.slice(0, SHOWN).map(folderLine), ...waiting)
  return notice(text.text === '' ? 'No folders.' : text, {
    title: 'Folders',
    meters: folders.slice(0, SHOWN).map(meterOf),
    actions: [...rows, [{ id: ids.id('sync-show', 'all'), label: 'Look again' }]],
  })
}

/** Something is being done, or will be as soon as it can. */
export const isBusy = ({ status, syncMode }: FolderInfo): boolean =>
  status !== 'idle' && status !== 'paused' && status !== 'error' && (status !== 'pending' || syncMode === 'proactive')

/** The files that are as everybody has them, of all there are. */
export function meterOf({ name, status, files, toPublish, toTake, toRemove, progress }: FolderInfo): Meter {
  // Before the first look nothing is known but how far that has come.
  if (status === 'scanning' && progress.total > 0 && progress.done < progress.total)
    return {
      label: name,
      done: progress.done,
      total: progress.total,
      text: `looked at ${progress.done} of ${progress.total} files`,
    }
  const waits = toPublish + toTake + toRemove
  const total = Math.max(files + toTake, waits)
  return { label: name, done: total - waits, total, text: `${total - waits} of ${total} files in step` }
}

/** Without its ticket, which is a secret. */
export function shownInvitation({ folder: id, peer, name, at, state }: Invitation) {
  return { id, name, peer, at, state }
}

/** The overview. In a chat it is shown again and again while something is under way, so that it can be watched. */
export async function showFolders(
  context: CommandContext,
  { service, ids, clock }: OverviewParts,
  replace = false,
): Promise<CommandResult> {
  const sync = await service()
  const end = clock.monotonic() + FOLLOW_MS
  for (;;) {
    const [folders, invitations] = [await sync.folders(), await sync.invitations()]
    const shown = overviewNotice(folders, invitations, ids)
    const isWatched = context.origin.surface === 'chat' && folders.some(isBusy)
    if (!isWatched || clock.monotonic() >= end)
      return { kind: 'answer', notice: shown, data: { folders, invitations: invitations.map(shownInvitation) }, replace }
    await context.progress(shown)
    await sleep(LOOK_MS, context.signal)
  }
}
