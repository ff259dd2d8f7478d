import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Hash } from '../../ids.ts'
import type { BlobFormat } from '../proto/blob-ticket.ts'
import type { ImportedBlob, ImportOptions, Protection } from '../store.ts'
import type { BlobEntry, Change, ContentId, FileStamp } from './backend.ts'
import { MAX_INLINE_BYTES } from './backend.ts'
import type { StoreContext } from './context.ts'
import { badFile, changed, storageError } from './errors.ts'
import { commitOutboard, fileBytes, type ReadBlob, readBlobStream } from './import-blob.ts'
import type { PartialBook } from './partials.ts'
import type { Reservation } from './quota.ts'
import { openUserFile, sameStamp, stampOf } from './reference.ts'
import { autoTagName, checkTagName } from './tags.ts'

export interface ImporterDeps {
  readonly context: StoreContext
  readonly partials: PartialBook
  readonly reserve: (bytes: number, options: ImportOptions, owned: number) => Promise<Reservation>
  /** Protects it until its tag is written. */
  readonly guard: (hash: Hash, format: BlobFormat) => Protection
}

interface Source {
  readonly bytes: AsyncIterable<Uint8Array>
  /** Bytes to come, where that is known. */
  readonly size: number | undefined
  /** Only read, not copied. */
  readonly reference?: { readonly path: string; readonly stamp: FileStamp }
  /** Runs when all is read, before anything is noted. */
  readonly check?: () => Promise<void>
}

/** Brings content into a store: hash while it is written, sync, then one transaction with entry, outboard and tag. */
export class Importer {
  readonly #deps: ImporterDeps
  /** Names given to tags that are on their way to disk. */
  readonly #naming = new Set<string>()

  constructor(deps: ImporterDeps) {
    this.#deps = deps
  }

  bytes(data: Uint8Array, options: ImportOptions): Promise<ImportedBlob> {
    return this.#import({ bytes: once(data), size: data.length }, options)
  }

  stream(bytes: AsyncIterable<Uint8Array>, options: ImportOptions): Promise<ImportedBlob> {
    return this.#import({ bytes, size: undefined }, options)
  }

  async file(path: string, options: ImportOptions, byReference: boolean): Promise<ImportedBlob> {
    const file = await openUserFile(path)
    try {
      const stamp = await stampOf(file)
      const reference = byReference && stamp.size > MAX_INLINE_BYTES ? { path: resolve(path), stamp } : undefined
      const check = async (): Promise<void> => {
        if (!sameStamp(stamp, await stampOf(file))) throw changed('this file')
        if (reference === undefined) return
        const now = await stat(reference.path, { bigint: true }).catch((error) => {
          throw changed('this file', error)
        })
        if (now.ino !== stamp.inode) throw changed('this file')
      }
      const source: Source = { bytes: fileBytes(file, stamp.size), size: stamp.size, check }
      return await this.#import(reference ? { ...source, reference } : source, options)
    } catch (error) {
      throw (error as { code?: unknown }).code === 'EIO' ? badFile('it cannot be read', error) : error
    } finally {
      await file.close()
    }
  }

  async #import(source: Source, options: ImportOptions): Promise<ImportedBlob> {
    const { context } = this.#deps
    if (options.tag !== undefined) checkTagName(options.tag)
    const kept = source.reference ? 0 : (source.size ?? 0)
    const reservation = await this.#deps.reserve(kept, options, source.size ?? 0)
    const id = context.newId()
    let hash: Hash | undefined
    try {
      if (kept > 0) await context.disk.expect(kept, 0)
      const read = await readBlobStream(source.bytes, {
        target: source.reference ? undefined : { area: context.backend.area, id },
        promised: source.reference ? Number.POSITIVE_INFINITY : kept,
        reservation,
        disk: context.disk,
        total: source.size,
        signal: options.signal,
        onProgress: options.onProgress,
      })
      await source.check?.()
      const rest = read.small ? [] : await commitOutboard((changes) => context.backend.meta.commit(changes), id, read.outboard)
      hash = read.hash
      const tag = await this.#note(read, entryOf(read, id, source.reference), rest, options)
      return { hash, size: read.size, tag }
    } catch (error) {
      throw storageError('a blob cannot be imported', error)
    } finally {
      reservation.release()
      if (hash === undefined || !this.#uses(hash, id)) await context.drop(id)
    }
  }

  #uses(hash: Hash, id: ContentId): boolean {
    const entry = this.#deps.context.backend.meta.blob(hash)
    return entry !== undefined && 'content' in entry && entry.content === id
  }

  /** The one transaction that makes it real. Answers the name of the tag. */
  async #note(
    read: ReadBlob,
    entry: BlobEntry | undefined,
    pages: readonly Change[],
    options: ImportOptions,
  ): Promise<string | undefined> {
    const { context, partials, guard } = this.#deps
    const { meta } = context.backend
    const { hash, size } = read
    const format = options.format ?? 'raw'
    options.protection?.add(hash, format)
    const guarded = guard(hash, format)
    const tag = options.tag ?? (options.protection ? undefined : this.#autoTag())
    try {
      await context.lock.run(hash, async () => {
        const before = meta.blob(hash)
        // An own copy is worth more than somebody's file.
        const replace = entry && !(entry.kind === 'reference' && (before?.kind === 'file' || before?.kind === 'inline'))
        const changes: Change[] = replace ? [...pages, { kind: 'blob', hash, entry }] : []
        if (tag !== undefined) changes.push({ kind: 'tag', name: tag, value: { hash, format } })
        await meta.commit(changes)
        const open = partials.get(hash)
        open?.becameComplete(size)
        // A blob that is being fetched removes its own content when it is closed.
        if (replace && before && 'content' in before && !open?.owns(before.content)) await context.drop(before.content)
      })
    } finally {
      guarded.release()
      if (tag !== undefined) this.#naming.delete(tag)
    }
    context.watchers.notify(hash)
    return tag
  }

  #autoTag(): string {
    const { clock, backend } = this.#deps.context
    const name = autoTagName(clock.now(), (taken) => this.#naming.has(taken) || backend.meta.tag(taken) !== undefined)
    this.#naming.add(name)
    return name
  }
}

/** Undefined for the empty blob, which needs no entry. */
function entryOf(read: ReadBlob, content: ContentId, reference: Source['reference']): BlobEntry | undefined {
  const { size } = read
  if (size === 0) return undefined
  if (read.small) return { kind: 'inline', size, data: read.small }
  return reference ? { kind: 'reference', size, content, ...reference } : { kind: 'file', size, content }
}

async function* once(data: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield data
}
