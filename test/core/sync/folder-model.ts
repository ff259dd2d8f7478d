import { fromUtf8, utf8 } from '../../../src/base/bytes.ts'
import { blake3 } from '../../../src/core/blobs/tree/blake3.ts'
import { entryId, type SignedEntry } from '../../../src/core/docs/proto/entry.ts'
import { Replica } from '../../../src/core/docs/replica.ts'
import type { Hash } from '../../../src/core/ids.ts'
import { hashOf, idBytes } from '../../../src/core/ids.ts'
import { folderView, TOMBSTONE_HASH, TOMBSTONE_TEXT } from '../../../src/core/sync/effective.ts'
import { type BaseFile, type LocalFile, type PlanLimits, planFolder, type SyncAction } from '../../../src/core/sync/plan.ts'

export const NO_LIMITS: PlanLimits = { maxFile: 1e9, maxFolder: 1e12, maxAuthor: 1e12, maxFiles: 1e6 }
const NAMESPACE = new Uint8Array(32).fill(9)
const SIGNATURE = new Uint8Array(64)

export const hashOfText = (text: string): Hash => hashOf(blake3(utf8(text)))

/** A device with a folder in memory: the real planner and the real replica rules, without disk and network. */
export class ModelDevice {
  readonly author: Uint8Array
  readonly replica = new Replica(NAMESPACE)
  readonly files = new Map<string, { readonly text: string; readonly mtimeMs: number }>()
  readonly base = new Map<string, BaseFile>()
  /** Contents that were moved out of the folder. */
  readonly trash: string[] = []
  readonly #texts: Map<Hash, string>
  published = 0

  constructor(n: number, texts: Map<Hash, string>) {
    this.author = new Uint8Array(32).fill(n)
    this.#texts = texts
  }

  write(path: string, text: string, mtimeMs: number): void {
    this.files.set(path, { text, mtimeMs })
  }

  remove(path: string): void {
    this.files.delete(path)
  }

  plan(now: number): SyncAction[] {
    const local = new Map<string, LocalFile>()
    for (const [path, { text, mtimeMs }] of this.files)
      local.set(path, { hash: hashOfText(text), size: utf8(text).length, mtimeMs })
    const entries = [...this.replica.index.rows()].map((row) => row.entry)
    return planFolder({
      base: this.base,
      local,
      remote: folderView(entries, { windows: false }).files,
      isUnknown: () => false,
      limits: NO_LIMITS,
      foldsNames: false,
      confirmed: true,
      now,
    })
  }

  /** Carries out the first `count` actions, as if the process were killed after them. */
  act(now: number, count = Number.POSITIVE_INFINITY): number {
    const actions = this.plan(now).filter((action) => action.kind !== 'hold')
    for (const action of actions.slice(0, count)) this.#do(action, now)
    return Math.min(count, actions.length)
  }

  /** Takes all entries of another device. */
  pull(other: ModelDevice): void {
    for (const { entry } of [...other.replica.index.rows()]) this.replica.put(entry)
  }

  #do(action: SyncAction, now: number): void {
    const { path } = action
    switch (action.kind) {
      case 'record':
        if (action.base === undefined) this.base.delete(path)
        else this.base.set(path, action.base)
        return
      case 'publish': {
        const text = this.files.get(path)?.text ?? ''
        this.#texts.set(action.hash, text)
        this.#put(path, action.hash, action.size, now, action.after)
        this.base.set(path, { kind: 'live', hash: action.hash })
        return
      }
      case 'bury':
        this.#put(path, TOMBSTONE_HASH, TOMBSTONE_TEXT.length, now, action.after)
        this.base.set(path, { kind: 'gone', hash: action.hash })
        return
      case 'take': {
        const old = this.files.get(path)
        if (old !== undefined) this.trash.push(old.text)
        this.files.set(path, { text: this.#texts.get(action.remote.hash) as string, mtimeMs: Number(action.remote.time / 1000n) })
        this.base.set(path, { kind: 'live', hash: action.remote.hash })
        return
      }
      case 'remove':
        this.trash.push(this.files.get(path)?.text ?? '')
        this.files.delete(path)
        this.base.set(path, { kind: 'gone', hash: action.hash })
        return
      case 'set-aside': {
        const file = this.files.get(path)
        if (file !== undefined) this.files.set(action.to, file)
        this.files.delete(path)
        return
      }
      case 'hold':
        return
    }
  }

  /** As the publisher does it: what the new key prunes and still counts is written again behind it. */
  #put(path: string, hash: Hash, len: number, now: number, after: bigint): void {
    const key = utf8(path)
    const mine = [...this.replica.index.rows()].map((row) => row.entry).filter((e) => sameAuthor(e, this.author))
    const view = folderView(
      [...this.replica.index.rows()].map((row) => row.entry),
      { windows: false },
    )
    const extensions = mine.filter((entry) => {
      const text = fromUtf8(entry.id.subarray(64)) ?? ''
      const winner = view.files.get(text)
      return text !== path && text.startsWith(path) && winner?.time === entry.timestamp
    })
    this.published++
    this.#insert(key, idBytes(hash), len, now, after)
    for (const entry of extensions.sort((a, b) => Buffer.compare(a.id, b.id)))
      this.#insert(entry.id.subarray(64), entry.hash, Number(entry.len), now, entry.timestamp)
  }

  #last = 0n
  #insert(key: Uint8Array, hash: Uint8Array, len: number, now: number, after: bigint): void {
    const wall = BigInt(now) * 1000n
    const floor = after > this.#last ? after : this.#last
    const timestamp = floor >= wall ? floor + 1n : wall
    this.#last = timestamp
    this.replica.put({
      id: entryId(NAMESPACE, this.author, key),
      hash,
      len: BigInt(len),
      timestamp,
      authorSignature: SIGNATURE,
      namespaceSignature: SIGNATURE,
    })
  }
}

function sameAuthor(entry: SignedEntry, author: Uint8Array): boolean {
  return Buffer.compare(entry.id.subarray(32, 64), author) === 0
}
