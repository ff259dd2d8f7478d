import type { NamespaceId } from '../../core/docs/index.ts'
import type { BaseFile, LocalFile } from '../../core/sync/index.ts'
import type { FileState, SeenFile, SyncStore } from './store.ts'

/** Changes kept in memory before they are written. */
const MAX_UNWRITTEN = 500

/** What is known of the files of one folder: in memory, and in the database as far as `flush` has come. */
export class FolderState {
  readonly #store: SyncStore
  readonly #folder: NamespaceId
  readonly #base = new Map<string, BaseFile>()
  readonly #local = new Map<string, SeenFile>()
  readonly #unwritten = new Set<string>()
  #version = 0

  private constructor(store: SyncStore, folder: NamespaceId) {
    this.#store = store
    this.#folder = folder
  }

  static async load(store: SyncStore, folder: NamespaceId): Promise<FolderState> {
    const state = new FolderState(store, folder)
    for (const [path, { base, local }] of await store.files(folder)) {
      if (base !== undefined) state.#base.set(path, base)
      if (local !== undefined) state.#local.set(path, local)
    }
    return state
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version
  }

  get base(): ReadonlyMap<string, BaseFile> {
    return this.#base
  }

  get seen(): ReadonlyMap<string, SeenFile> {
    return this.#local
  }

  /** As the planner wants them. */
  localFiles(): Map<string, LocalFile> {
    const files = new Map<string, LocalFile>()
    for (const [path, { hash, size, mtimeNs }] of this.#local)
      files.set(path, { hash, size, mtimeMs: Number(mtimeNs / 1_000_000n) })
    return files
  }

  setLocal(path: string, file: SeenFile | undefined): void {
    if (file === undefined) this.#local.delete(path)
    else this.#local.set(path, file)
    this.#version++
    this.#unwritten.add(path)
  }

  setBase(path: string, base: BaseFile | undefined): void {
    if (base === undefined) this.#base.delete(path)
    else this.#base.set(path, base)
    this.#version++
    this.#unwritten.add(path)
  }

  /** Writes what has changed, when it is much or `all`. */
  async flush(all = true): Promise<void> {
    if (this.#unwritten.size === 0 || (!all && this.#unwritten.size < MAX_UNWRITTEN)) return
    const states = new Map<string, FileState | undefined>()
    for (const path of this.#unwritten) {
      const base = this.#base.get(path)
      const local = this.#local.get(path)
      states.set(path, base === undefined && local === undefined ? undefined : { base, local })
    }
    this.#unwritten.clear()
    try {
      await this.#store.putFiles(this.#folder, states)
    } catch (error) {
      for (const path of states.keys()) this.#unwritten.add(path)
      throw error
    }
  }
}
