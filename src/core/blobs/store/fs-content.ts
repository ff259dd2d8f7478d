import { type FileHandle, open, readdir, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Content, ContentArea, ContentId } from './backend.ts'
import { badFile } from './errors.ts'
import { readAt, writeAt } from './reference.ts'
import { syncDir } from './sync-dir.ts'

const SUFFIX = '.data'
const NAME = /^[0-9a-f]{24}\.data$/

/** Content files in one folder, each named by its id. */
export class FsArea implements ContentArea {
  readonly #dir: string

  constructor(dir: string) {
    this.#dir = dir
  }

  async create(id: ContentId): Promise<Content> {
    return contentOf(await open(this.pathOf(id), 'wx+', 0o600), this.#dir)
  }

  async open(id: ContentId, mode: 'read' | 'write'): Promise<Content> {
    return contentOf(await open(this.pathOf(id), mode === 'read' ? 'r' : 'r+'))
  }

  async remove(id: ContentId): Promise<void> {
    await rm(this.pathOf(id), { force: true })
  }

  async list(): Promise<readonly ContentId[]> {
    return (await readdir(this.#dir)).filter((name) => NAME.test(name)).map((name) => name.slice(0, -SUFFIX.length))
  }

  async freeBytes(): Promise<number | undefined> {
    const { bavail, bsize } = await statfs(this.#dir)
    return bavail * bsize
  }

  pathOf(id: ContentId): string {
    return join(this.#dir, id + SUFFIX)
  }
}

/** @param newIn the folder whose new name for this file must become durable too. */
function contentOf(file: FileHandle, newIn?: string): Content {
  let unsynced = newIn
  let closed: Promise<void> | undefined
  return {
    async read(offset, length) {
      const data = await readAt(file, offset, length)
      if (data.length < length) throw badFile('it is too short')
      return data
    },
    write: (offset, data) => writeAt(file, offset, data),
    async sync() {
      if (unsynced === undefined) return file.datasync()
      await Promise.all([file.datasync(), syncDir(unsynced)])
      unsynced = undefined
    },
    close() {
      closed ??= file.close()
      return closed
    },
  }
}
