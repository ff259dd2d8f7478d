import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LabNode } from './lab-node.ts'
import type { Impl } from './peer-process.ts'
import type { Lab, NodeOptions } from './scenario.ts'

/** What the Rust side logs when a frame or header could not be read; ends of connections are not among it. */
const BAD_FRAME =
  /Deserialization failed|larger than the configured|too large|Failed to decode|before header|UnexpectedEof|early eof/i

/** Runs that have not been closed: an interrupted process still has to end their nodes and remove their hosts. */
const open = new Set<LabRun>()

/** Ends all runs under way. Never rejects. */
export async function closeAll(): Promise<void> {
  await Promise.all([...open].map((run) => run.close()))
}

/** The nodes of one run, and what has to be true of all of them when it ends. */
export class LabRun implements Lab {
  readonly #binary: string
  readonly #nodes: LabNode[] = []
  readonly #cleanups: (() => Promise<void>)[] = []
  #badFramesExpected = false
  #closing: Promise<void> | undefined

  constructor(binary: string) {
    this.#binary = binary
    open.add(this)
  }

  async node(impl: Impl, options: NodeOptions = {}): Promise<LabNode> {
    const name = options.name ?? `${impl}${this.#nodes.filter((n) => n.impl === impl).length + 1}`
    const node = new LabNode({ impl, name, binary: this.#binary, ...(options.wrapper && { wrapper: options.wrapper }) })
    this.#nodes.push(node)
    return options.unbound === true ? node : await node.bind(options.bind)
  }

  topic(): string {
    return randomBytes(32).toString('hex')
  }

  async folder(): Promise<string> {
    const path = await mkdtemp(join(tmpdir(), 'k2gw-interop-'))
    this.defer(() => rm(path, { recursive: true, force: true }))
    return path
  }

  defer(cleanup: () => Promise<void>): void {
    this.#cleanups.push(cleanup)
  }

  expectBadFrames(): void {
    this.#badFramesExpected = true
  }

  /** No node has died, and none received a malformed frame from us. Throws what is wrong. */
  async check(): Promise<void> {
    if (this.#badFramesExpected) return
    for (const node of this.#nodes) {
      const bad = node.peer.events.find((e) => e.event === 'log' && BAD_FRAME.test(String(e.message)))
      if (bad !== undefined) throw new Error(`${node.name} received a malformed frame: ${String(bad.message)}`)
      if (node.impl === 'ts' && !node.peer.isGone && node.id !== '') {
        const { faults = 0 } = await node.metrics()
        if (faults > 0) throw new Error(`${node.name} counted ${faults} malformed frames`)
      }
    }
  }

  /** Ends everything, once; every caller waits for it. Never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    open.delete(this)
    await Promise.all(this.#nodes.map((node) => node.peer.end()))
    for (const cleanup of this.#cleanups.splice(0).reverse()) {
      await cleanup().catch((error) => console.error('cleanup failed:', error))
    }
  }
}
