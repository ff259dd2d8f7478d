import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import envPaths from 'env-paths'

/** Name of the config file looked for in the working folder and in the data directory. */
export const CONFIG_FILE = 'k2gw.yaml'

/** Name of the node's key in a data directory. */
export const KEY_FILE = 'identity.json'

/** `K2_DATA_DIR`, else `k2gw` in the user's data folder. */
export function defaultDataDir(env: NodeJS.ProcessEnv): string {
  return env.K2_DATA_DIR ? resolve(env.K2_DATA_DIR) : envPaths('k2gw', { suffix: '' }).data
}

export interface ConfigLocation {
  readonly path: string
  /** True when somebody named the file: then it must exist. */
  readonly explicit: boolean
}

/** `--config`, else `K2_CONFIG`, else ./k2gw.yaml, else k2gw.yaml in the data directory; undefined = built-in defaults. */
export function findConfig(flag: string | undefined, env: NodeJS.ProcessEnv, cwd: string): ConfigLocation | undefined {
  const named = flag ?? env.K2_CONFIG
  if (named) return { path: resolve(cwd, named), explicit: true }
  for (const path of [join(cwd, CONFIG_FILE), join(defaultDataDir(env), CONFIG_FILE)]) {
    if (existsSync(path)) return { path, explicit: false }
  }
  return undefined
}
