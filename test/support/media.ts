import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import { nullLogger } from '../../src/base/logger.ts'
import type { MediaSource } from '../../src/bridges/media.ts'
import type { Attachment } from '../../src/bridges/model/message.ts'
import { fileGone, fileUnavailable } from '../../src/bridges/remote-file.ts'
import { MediaLibrary } from '../../src/gateway/media/library.ts'
import type { FileLinks } from '../../src/gateway/media/links.ts'
import { MediaStore } from '../../src/gateway/media/store.ts'

export const MIB = 1024 * 1024

/** The smallest PNG there is: one black pixel. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==',
  'base64',
)

export interface MediaRig {
  readonly library: MediaLibrary
  readonly store: MediaStore
  readonly dir: string
  /** A file of somebody's message on another network. */
  file(name: string, content: Uint8Array | number, more?: Partial<Attachment>): Attachment
  /** What happens when this file is asked for. */
  breakFile(id: string, how: 'gone' | 'down' | 'short'): void
  heal(id: string): void
  /** How often each file was asked for. */
  readonly opened: Map<string, number>
  stop(): Promise<void>
}

export interface MediaRigOptions {
  readonly network?: 'discord' | 'telegram'
  readonly account?: string
  readonly maxBytes?: number
  readonly budget?: number
  readonly links?: FileLinks
}

/** A library on a temporary folder and a network whose files are made up. */
export async function mediaRig(options: MediaRigOptions = {}): Promise<MediaRig> {
  const dir = await mkdtemp(join(tmpdir(), 'k2gw-media-'))
  const store = await MediaStore.open({ dir, budget: options.budget ?? 1024 * MIB, keepMs: 1000, clock: systemClock })
  const library = new MediaLibrary({
    store,
    maxBytes: options.maxBytes ?? 50 * MIB,
    clock: systemClock,
    log: nullLogger,
    sleep: async () => {},
  })
  if (options.links) library.setLinks(options.links)
  const contents = new Map<string, Uint8Array>()
  const broken = new Map<string, string>()
  const opened = new Map<string, number>()
  const source: MediaSource = {
    async openAttachment({ id }) {
      opened.set(id, (opened.get(id) ?? 0) + 1)
      const content = contents.get(id)
      const trouble = broken.get(id)
      if (content === undefined || trouble === 'gone') throw fileGone()
      if (trouble === 'down') throw fileUnavailable('down')
      const end = trouble === 'short' ? content.length >> 1 : content.length
      return { size: content.length, bytes: chunks(content.subarray(0, end)) }
    },
  }
  library.addSource('telegram', 'elsewhere', source)
  let files = 0
  return {
    library,
    store,
    dir,
    opened,
    file(name, content, more = {}) {
      const id = `file${files++}`
      const bytes = typeof content === 'number' ? Buffer.alloc(content, `${name} `) : content
      contents.set(id, bytes)
      const source = { kind: 'telegram-file', account: 'elsewhere', fileId: id, fileUniqueId: id } as const
      return { id, kind: 'file', name, size: bytes.length, source, ...more }
    },
    breakFile: (id, how) => void broken.set(id, how),
    heal: (id) => void broken.delete(id),
    async stop() {
      library.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}
