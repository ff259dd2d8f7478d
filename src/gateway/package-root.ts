import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folder of this package: the nearest one above that holds the command, since builds stand at several depths. */
export const PACKAGE_ROOT: string = rootAbove(dirname(fileURLToPath(import.meta.url)))

function rootAbove(dir: string): string {
  for (let at = dir; ; at = dirname(at)) {
    if (existsSync(join(at, 'bin', 'k2gw.mjs')) || at === dirname(at)) return at
  }
}
