import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { K2Error } from '../../base/errors.ts'
import { KEY_FILE } from '../config/paths.ts'

/** The new key until everything is sealed under it; while it is there, the gateway does not start. */
export const NEXT_KEY = `${KEY_FILE}.next`

/** Throws `KEY_ROTATION_UNFINISHED`: some secrets may be sealed under the new key already, and the old one opens the rest. */
export function refuseUnfinishedRotation(dataDir: string): void {
  if (!existsSync(join(dataDir, NEXT_KEY))) return
  throw new K2Error({
    code: 'KEY_ROTATION_UNFINISHED',
    kind: 'config',
    message: 'a change of the key was interrupted: run "k2gw identity rotate --yes" again, which goes on where it stopped',
  })
}
