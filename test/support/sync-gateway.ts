import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { nullLogger } from '../../src/base/logger.ts'
import { readControlFile } from '../../src/gateway/cli/control-file.ts'
import { startGateway } from '../../src/gateway/compose.ts'
import { configSchema } from '../../src/gateway/config/schema.ts'
import type { Gateway } from '../../src/gateway/gateway.ts'
import { embeddedDir } from './embedded.ts'

const LOOK_MS = 50
const UNTIL_MS = 180_000

/** Waits for a condition; the answer is its first value that is not undefined or false. */
export async function until<T>(what: string, look: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  const end = performance.now() + UNTIL_MS
  let failure: unknown
  for (;;) {
    try {
      const value = await look()
      if (value !== undefined && value !== false) return value
    } catch (error) {
      failure = error
    }
    if (performance.now() > end) throw new Error(`still waiting for ${what}`, { cause: failure })
    await pause(LOOK_MS)
  }
}

export interface FolderAnswer {
  readonly id: string
  readonly name: string
  readonly path: string
  readonly status: string
  readonly files: number
  readonly linkedDevices: Readonly<Record<string, string>>
  readonly held: readonly { readonly path: string; readonly reason: string }[]
  readonly refused: readonly { readonly path: string; readonly reason: string }[]
  readonly toPublish: number
  readonly toTake: number
}

/** A whole gateway in this process, with its control API. */
export class SyncGateway {
  readonly dataDir: string
  readonly #peers: () => readonly string[]
  gateway: Gateway | undefined

  constructor(dataDir: string, peers: () => readonly string[] = () => []) {
    this.dataDir = dataDir
    this.#peers = peers
  }

  get id(): string {
    return this.gateway?.node.id ?? ''
  }

  async start(sync: object = {}, more: object = {}): Promise<void> {
    if (!existsSync(join(this.dataDir, 'database'))) {
      const { dir, remove } = await embeddedDir()
      await cp(dir, join(this.dataDir, 'database'), { recursive: true })
      await remove()
    }
    const config = configSchema.parse({
      dataDir: this.dataDir,
      http: { port: 0 },
      node: { mode: 'loopback', topics: [], peers: this.#peers() },
      market: { enabled: false },
      sync: { quiet: '100ms', ...sync },
      ...more,
    })
    this.gateway = await startGateway({ config, log: nullLogger }, new AbortController().signal)
  }

  async stop(): Promise<void> {
    await this.gateway?.stop()
    this.gateway = undefined
  }

  async call<T = Record<string, unknown>>(method: string, path: string, body?: object): Promise<T> {
    const file = await readControlFile(this.dataDir)
    if (file === undefined) throw new Error('no control file')
    const answer = await fetch(`${file.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${file.token.reveal()}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const value = (await answer.json()) as T
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(value)}`)
    return value
  }

  folder(id: string): Promise<FolderAnswer> {
    return this.call('GET', `/sync/folders/${id}`)
  }
}

export const tempDir = (): Promise<string> => mkdtemp(join(tmpdir(), 'k2gw-sync-'))
export const removeDir = (dir: string): Promise<void> => rm(dir, { recursive: true, force: true })

export async function put(root: string, path: string, text: string): Promise<void> {
  const file = join(root, path)
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}

/** All files below a folder, as path and text. */
export async function tree(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    found[relative(root, file)] = await readFile(file, 'utf8')
  }
  return found
}

export const same = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
const sorted = (value: unknown): unknown => Object.entries(value as object).sort(([a], [b]) => (a < b ? -1 : 1))
