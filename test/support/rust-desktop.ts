import { mkdir, readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { fromHex, toHex, utf8 } from '../../src/base/bytes.ts'
import { EntryIndex, fingerprintWords, rangeFingerprint, sortText } from '../../src/core/docs/entry-index.ts'
import { entryId, fingerprintOf, type SignedEntry } from '../../src/core/docs/proto/entry.ts'
import { PeerProcess } from '../interop/lab/peer-process.ts'
import { type Address, type DocumentState, type FolderSide, filesBelow } from './folder-side.ts'

interface EntryLine {
  readonly author: string
  readonly key: string
  readonly hash: string
  readonly size: number
  readonly timestamp: string
}

const CALL_MS = 120_000
/** Commands under way at once. */
const AT_ONCE = 64
/** Downloads asked for by hand, which dial a connection each. */
const FETCHES_AT_ONCE = 4
const LOOK_MS = 500

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

async function inLanes<T>(lanes: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const lane = async (): Promise<void> => {
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) await work(next)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/**
 * A K2 desktop, as far as folders go: a live Rust node, told to import and publish what the desktop would, with an entry for the
 * file and one for its time. It takes a folder by importing its document, whose contents its own engine then downloads.
 */
export class RustDesktop implements FolderSide {
  readonly name: string
  readonly address: Address
  readonly #binary: string
  readonly #dir: string
  readonly #seed: string
  readonly #port: number
  readonly #peer: Address
  #process: PeerProcess
  #doc = ''
  #root: string | undefined
  #published = 0
  /** Contents known to be complete here. */
  readonly #ready = new Set<string>()

  constructor(options: {
    readonly name: string
    readonly binary: string
    readonly dir: string
    readonly own: Address & { readonly seed: Uint8Array; readonly port: number }
    readonly peer: Address
  }) {
    this.name = options.name
    this.#binary = options.binary
    this.#dir = options.dir
    this.address = { id: options.own.id, addr: options.own.addr }
    this.#seed = toHex(options.own.seed)
    this.#port = options.own.port
    this.#peer = options.peer
    this.#process = undefined as never
  }

  async start(): Promise<void> {
    await mkdir(this.#dir, { recursive: true })
    this.#process = new PeerProcess({ impl: 'rust', name: this.name, binary: this.#binary })
    await this.#process.call('node.bind', { secret: this.#seed, port: this.#port, data_dir: this.#dir }, CALL_MS)
    await this.#process.call('node.add_addr', { id: this.#peer.id, addrs: [this.#peer.addr] })
    if (this.#doc === '') return
    // A content that was complete moments before a kill may be gone after it.
    this.#ready.clear()
    await this.#accepted()
    await this.#process.call('docs.start_sync', { doc: this.#doc, peers: [this.#target()] })
    // What is killed soon after an import may be forgotten: a desktop looks at everything at its start.
    if (this.#root !== undefined) this.#publishInBackground()
  }

  kill(): Promise<void> {
    return this.#process.kill()
  }

  async stop(): Promise<void> {
    await this.#process?.end()
  }

  async offer(root: string): Promise<string> {
    this.#root = root
    const { doc } = await this.#process.call<{ doc: string }>('docs.create')
    this.#doc = doc
    this.#publishInBackground()
    const { ticket } = await this.#process.call<{ ticket: string }>('docs.share', { doc, mode: 'write' })
    await this.#accepted()
    const invitation = { peer: this.#target(), folder_id: doc, folder_name: 'Run', ticket }
    const { answer } = await this.#process.call<{ answer: number }>('invite.send', invitation, CALL_MS)
    if (answer !== 1) throw new Error(`the invitation was answered with ${answer}`)
    return doc
  }

  async take(doc: string): Promise<void> {
    const invitation = await this.#process.next(
      'the invitation',
      (e) => e.event === 'invite.received' && e.folder_id === doc,
      0,
      CALL_MS,
    )
    await this.#process.call('docs.import', { ticket: invitation.ticket, subscribe: true }, CALL_MS)
    this.#doc = doc
    await this.#accepted()
  }

  async done(): Promise<number> {
    if (this.#root !== undefined) return this.#published
    for (const { event, hash } of this.#process.events) if (event === 'docs.content_ready') this.#ready.add(String(hash))
    return this.#ready.size
  }

  async isDone(count: number): Promise<boolean> {
    if (this.#root !== undefined) return this.#published >= count
    const files = await this.#winners()
    if (files.size < count) return false
    const before = await this.done()
    await inLanes(AT_ONCE, [...files.values()], async ({ hash }) => {
      if (this.#ready.has(hash)) return
      const { status } = await this.#process.call<{ status: string }>('blobs.status', { hash }, CALL_MS)
      if (status === 'complete') this.#ready.add(hash)
    })
    const missing = [...files.values()].filter(({ hash }) => !this.#ready.has(hash))
    if (missing.length === 0) return true
    await pause(LOOK_MS)
    if ((await this.done()) > before) return false
    // What was being downloaded when the process was killed is not asked for again by the documents of a Rust node.
    await inLanes(FETCHES_AT_ONCE, missing.slice(0, AT_ONCE), async ({ hash }) => {
      await this.#process.call('blobs.fetch', { peer: this.#target(), hash }, CALL_MS)
      this.#ready.add(hash)
    })
    return false
  }

  async document(): Promise<DocumentState> {
    const index = new EntryIndex()
    for (const { author, key, hash, timestamp, size } of await this.#entries()) {
      const id = entryId(fromHex(this.#doc), fromHex(author), utf8(key))
      const record = { len: BigInt(size), hash: fromHex(hash), timestamp: BigInt(timestamp) }
      const fp = fingerprintWords(fingerprintOf(id, record))
      index.set({ entry: { ...record, id } as unknown as SignedEntry, text: sortText(id), fp })
    }
    return { entries: index.size, fingerprint: toHex(rangeFingerprint([[0, index.size]], index)) }
  }

  /** A desktop would write every entry anew here; what counts is that the other side does not. */
  async lookAgain(): Promise<void> {
    await this.#process.call('docs.start_sync', { doc: this.#doc, peers: [this.#target()] })
  }

  async files(): Promise<Map<string, string>> {
    if (this.#root !== undefined) return filesBelow(this.#root)
    const out = join(this.#dir, 'exported')
    await mkdir(out, { recursive: true })
    await inLanes(8, [...(await this.#winners())], async ([key, { hash }]) => {
      await this.#process.call('blobs.export', { hash, path: join(out, ...key.split('/')) }, CALL_MS)
    })
    return filesBelow(out)
  }

  #target(): { readonly id: string; readonly addrs: readonly string[] } {
    return { id: this.#peer.id, addrs: [this.#peer.addr] }
  }

  async #accepted(): Promise<void> {
    await this.#process.call('invite.set', { folder_id: this.#doc, status: 'accepted' })
  }

  async #entries(): Promise<readonly EntryLine[]> {
    return (await this.#process.call<{ entries: EntryLine[] }>('docs.entries', { doc: this.#doc, include_empty: true }, CALL_MS))
      .entries
  }

  async #winners(): Promise<Map<string, EntryLine>> {
    const files = new Map<string, EntryLine>()
    for (const entry of await this.#entries()) {
      if (entry.key.startsWith('meta:') || entry.size === 0) continue
      const rival = files.get(entry.key)
      if (rival === undefined || BigInt(rival.timestamp) < BigInt(entry.timestamp)) files.set(entry.key, entry)
    }
    return files
  }

  #publishInBackground(): void {
    const process = this.#process
    this.#publish(process).catch((error: unknown) => {
      // It goes on after the restart.
      if (!process.isGone) throw error
    })
  }

  async #publish(process: PeerProcess): Promise<void> {
    const root = this.#root as string
    this.#published = 0
    const known = await this.#winners()
    // A kill may fall between the entry of a file and that of its time.
    const timed = new Set((await this.#entries()).map(({ key }) => key).filter((key) => key.startsWith('meta:')))
    const files = (await readdir(root, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    await inLanes(AT_ONCE, files, async (file) => {
      const path = join(file.parentPath, file.name)
      const key = relative(root, path).split(sep).join('/')
      const { hash, size } = await process.call<{ hash: string; size: number }>('blobs.add_file', { path }, CALL_MS)
      const isKnown = known.get(key)?.hash === hash
      if (!isKnown) await process.call('docs.set_hash', { doc: this.#doc, key, hash, size }, CALL_MS)
      if (!isKnown || !timed.has(`meta:${key}`)) {
        await process.call('docs.put', { doc: this.#doc, key: `meta:${key}`, value: '{"mtime":1700000000}' }, CALL_MS)
      }
      this.#published++
    })
  }
}
