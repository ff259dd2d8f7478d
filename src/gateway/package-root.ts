import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Folder of this package: the nearest one above with a `package.json`, since builds stand at several depths. */
export const PACKAGE_ROOT: string = rootAbove(dirname(fileURLToPath(import.meta.url)))

function rootAbove(dir: string): string {
  for (let at = dir; ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json')) || at === dirname(at)) return at
  }
}
