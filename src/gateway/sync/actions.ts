import type { ActionDefinition } from '../commands/definition.ts'
import { answer, bold, line } from '../commands/notices.ts'
import { noSuchInvitation } from './errors.ts'
import { folderLine, invitationRef } from './notices.ts'
import { type OverviewParts, showFolders } from './overview.ts'
import type { SyncService } from './service.ts'

/** The buttons under an invitation (k2-application 4.2, row 36) and under the overview of folders. */
export function syncActions(parts: OverviewParts): ActionDefinition[] {
  const { service } = parts
  const find = async (sync: SyncService, ref: string): Promise<string> => {
    const invitation = (await sync.invitations()).find((one) => invitationRef(one) === ref)
    if (invitation === undefined) throw noSuchInvitation()
    return invitation.folder
  }
  return [
    {
      name: 'sync-accept',
      role: 'admin',
      async run(_context, ref) {
        const sync = await service()
        const folder = await sync.accept(await find(sync, ref), undefined, false)
        return answer(line('Accepted: ', folderLine(folder)), folder, { replace: true })
      },
    },
    { name: 'sync-show', role: 'admin', run: (context) => showFolders(context, parts, true) },
    {
      name: 'sync-reject',
      role: 'admin',
      async run(_context, ref) {
        const sync = await service()
        const { folder, name } = await sync.reject(await find(sync, ref))
        return answer(line('Rejected: ', bold(name)), { folder, rejected: true }, { replace: true })
      },
    },
  ]
}
