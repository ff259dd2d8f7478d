import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { backupError } from './errors.ts'

/** Folder of the data directory in which backups are put together. */
export const STAGING = 'backup.partial'

/** Folder of the data directory in which a restore is put together; while it is there, the gateway does not start. */
export const RESTORING = 'restore.partial'

/** Throws `BACKUP_UNFINISHED` where a restore was interrupted: half of it would be a gateway that has forgotten the rest. */
export function refuseUnfinishedRestore(dataDir: string): void {
  if (!existsSync(join(dataDir, RESTORING))) return
  const message = `a restore into ${dataDir} was interrupted: empty the folder and restore again`
  throw backupError('BACKUP_UNFINISHED', message)
}
