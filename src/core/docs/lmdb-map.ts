import { mkdir } from 'node:fs/promises'
import type { RootDatabase } from 'lmdb'
import { errorMessage } from '../../base/errors.ts'
import { docsError } from './errors.ts'
import type { ByteMap } from './kv-store.ts'

/** Address space reserved, not disk: LMDB grows the file as it needs it. */
const MAP_BYTES = 16 * 1024 ** 3

/** A byte map in an LMDB folder; one process at a time. Rejects `DOC_STORE_FAILED`. */
export async function lmdbMap(folder: string): Promise<ByteMap> {
  let root: RootDatabase<Uint8Array, Uint8Array>
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const { open } = await import('lmdb')
    root = open<Uint8Array, Uint8Array>({
      path: folder,
      encoding: 'binary',
      keyEncoding: 'binary',
      mapSize: MAP_BYTES,
      // A commit counts when it is on disk.
      overlappingSync: false,
    })
  } catch (error) {
    throw failed(error)
  }
  return {
    get: (key) => root.get(Buffer.from(key)),
    *scan(prefix) {
      const start = Buffer.from(prefix)
      for (const { key, value } of root.getRange({ start })) {
        const bytes = key as Uint8Array
        if (bytes.length < start.length || start.compare(bytes.subarray(0, start.length)) !== 0) return
        yield [bytes, value] as const
      }
    },
    async write(work) {
      try {
        await root.transaction(() =>
          work(
            (key, value) => root.putSync(Buffer.from(key), Buffer.from(value)),
            (key) => root.removeSync(Buffer.from(key)),
          ),
        )
      } catch (error) {
        throw failed(error)
      }
    },
    close: () => root.close(),
  }
}

const failed = (cause: unknown): Error =>
  docsError('DOC_STORE_FAILED', 'storage', `the documents cannot be stored: ${errorMessage(cause)}`, cause)
