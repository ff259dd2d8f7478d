import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { cryptoRng } from '../../src/base/random.ts'
import { createKeyFile, identityOfSeed } from '../../src/core/index.ts'
import { readControlFile } from '../../src/gateway/cli/control-file.ts'
import { freeUdpPort } from './free-port.ts'
import { GatewayProcess } from './gateway-process.ts'
import type { FolderAnswer } from './sync-gateway.ts'

/** What a document holds: how many entries, and their fingerprint, which every rewritten entry changes. */
export interface DocumentState {
  readonly entries: number
  readonly fingerprint: string
}

/** Where a side is found. */
export interface Address {
  readonly id: string
  readonly addr: string
}

/** One of two nodes that keep a folder equal, in a process of its own that may be killed at any moment. */
export interface FolderSide {
  readonly name: string
  readonly address: Address
  /** Starts the process, again after it was killed. */
  start(): Promise<void>
  /** `kill -9`. */
  kill(): Promise<void>
  stop(): Promise<void>
  /** Begins to share what lies at `root`. Answers the document when it is shared. */
  offer(root: string): Promise<string>
  /** Waits for the invitation and accepts it. */
  take(doc: string): Promise<void>
  /** Files published by the side that offers, or arrived at the one that takes. Rejects while the process is away. */
  done(): Promise<number>
  /** All of `count` files are published, or have arrived, and nothing is left to do. */
  isDone(count: number): Promise<boolean>
  document(): Promise<DocumentState>
  /** Looks at all files again, as on every interval. Resolves when that is over. */
  lookAgain(): Promise<void>
  /** SHA-256 of every file, by path with `/`. */
  files(): Promise<Map<string, string>>
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** SHA-256 of every file below a folder. */
export async function filesBelow(root: string): Promise<Map<string, string>> {
  const files = new Map<string, string>()
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    files.set(relative(root, path).split(sep).join('/'), await sha256(path))
  }
  return files
}

interface RunAnswer extends FolderAnswer {
  readonly document: DocumentState
  readonly scannedAt?: number
  readonly toRemove: number
  readonly progress: { readonly done: number; readonly total: number }
}

const LOOK_MS = 250
const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

/** A whole gateway. */
export class GatewaySide implements FolderSide {
  readonly name: string
  readonly address: Address
  readonly #process: GatewayProcess
  #peer: Address
  #doc = ''
  #root = ''
  #isOffering = false

  private constructor(name: string, address: Address, peer: Address, process: GatewayProcess) {
    this.name = name
    this.address = address
    this.#peer = peer
    this.#process = process
  }

  /** Keys and ports of two sides are known before either of them runs. */
  static async address(): Promise<Address & { readonly seed: Uint8Array; readonly port: number }> {
    const seed = cryptoRng.bytes(32)
    const port = await freeUdpPort()
    return { id: identityOfSeed(seed).id, addr: `127.0.0.1:${port}`, seed, port }
  }

  static async prepare(
    folder: string,
    name: string,
    own: Awaited<ReturnType<typeof GatewaySide.address>>,
    peer: Address,
  ): Promise<GatewaySide> {
    const process = await GatewayProcess.prepare(folder, name, {
      node: { mode: 'loopback', bind: own.addr, topics: [], peers: [`${peer.id}@${peer.addr}`] },
      market: { enabled: false },
      web: { enabled: false },
      sync: { quiet: '200ms' },
    })
    await mkdir(process.dataDir, { recursive: true })
    await createKeyFile(join(process.dataDir, 'identity.json'), identityOfSeed(own.seed))
    return new GatewaySide(name, own, peer, process)
  }

  async start(): Promise<void> {
    await this.#process.start()
    if (this.#doc === '') await this.#call('POST', '/sync/devices', { node: this.#peer.id, name: 'Peer' })
  }

  kill(): Promise<void> {
    return this.#process.kill()
  }

  async stop(): Promise<void> {
    await this.#process.stop()
  }

  async offer(root: string): Promise<string> {
    this.#root = root
    this.#isOffering = true
    const { id } = await this.#call<FolderAnswer>('POST', '/sync/folders', { name: 'Run', path: root, devices: 'Peer' })
    this.#doc = id
    return id
  }

  async take(doc: string): Promise<void> {
    while (!(await this.#call<readonly { id: string }[]>('GET', '/sync/invitations')).some(({ id }) => id === doc))
      await pause(LOOK_MS)
    const { path } = await this.#call<FolderAnswer>('POST', `/sync/invitations/${doc}/accept`, {})
    this.#doc = doc
    this.#root = path
  }

  async done(): Promise<number> {
    const { files, toPublish, status, progress } = await this.#folder()
    // Until everything was looked at nothing is published.
    if (!this.#isOffering) return files
    return status === 'scanning' ? progress.done / 2 : Math.max(0, files - toPublish)
  }

  async isDone(count: number): Promise<boolean> {
    const { files, status, toPublish, toTake, toRemove } = await this.#folder()
    return files === count && status === 'idle' && toPublish + toTake + toRemove === 0
  }

  async document(): Promise<DocumentState> {
    return (await this.#folder()).document
  }

  async lookAgain(): Promise<void> {
    const { scannedAt = 0 } = await this.#folder()
    await this.#call('POST', '/jobs/sync', { folder: this.#doc })
    for (;;) {
      const now = await this.#folder()
      if ((now.scannedAt ?? 0) > scannedAt && now.status === 'idle') return
      await pause(LOOK_MS)
    }
  }

  files(): Promise<Map<string, string>> {
    return filesBelow(this.#root)
  }

  #folder(): Promise<RunAnswer> {
    return this.#call('GET', `/sync/folders/${this.#doc}`)
  }

  async #call<T = Record<string, unknown>>(method: string, path: string, body?: object): Promise<T> {
    const file = await readControlFile(this.#process.dataDir)
    if (file === undefined) throw new Error(`${this.name} has no control file`)
    const answer = await fetch(`${file.url}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${file.token.reveal()}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const value = (await answer.json()) as T
    if (!answer.ok) throw new Error(`${this.name}: ${method} ${path}: ${answer.status} ${JSON.stringify(value)}`)
    return value
  }
}
