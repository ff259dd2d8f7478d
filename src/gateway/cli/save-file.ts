import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../base/errors.ts'
import { safeFileName } from '../../core/blobs/index.ts'

/** Names tried until a free one is found. */
const TRIES = 1000

/** `a.txt`, `a (2).txt`, … */
export function* namesFor(name: string): Generator<string> {
  const safe = safeFileName(name)
  yield safe
  const dot = safe.lastIndexOf('.')
  const [stem, extension] = dot > 0 ? [safe.slice(0, dot), safe.slice(dot)] : [safe, '']
  for (let n = 2; n <= TRIES; n++) yield `${stem} (${n})${extension}`
}

/** Reserves a name in a folder that nothing has yet. Answers its path; an empty file is there then. */
export async function freePath(folder: string, name: string): Promise<string> {
  for (const candidate of namesFor(name)) {
    try {
      const handle = await open(join(folder, candidate), 'wx')
      await handle.close()
      return join(folder, candidate)
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
    }
  }
  throw new RangeError(`${folder} has too many files called ${name}`)
}

/** Writes a stream beside `path`, which was reserved, and moves it there when it is whole; nothing is left of a broken one. */
export async function saveStream(
  path: string,
  source: AsyncIterable<Uint8Array>,
  onBytes: (written: number) => void,
): Promise<void> {
  const part = `${path}.part`
  let handle: FileHandle | undefined
  try {
    handle = await open(part, 'w')
    let written = 0
    for await (const piece of source) {
      await handle.write(piece)
      written += piece.length
      onBytes(written)
    }
    await handle.close()
    await rename(part, path)
  } catch (error) {
    await handle?.close().catch(() => {}) // the first error counts
    await rm(part, { force: true })
    await rm(path, { force: true })
    throw error
  }
}
