import { K2Error } from '../../base/errors.ts'
import {
  type BlobStore,
  collectionFiles,
  decodeCollectionNames,
  encodeCollectionNames,
  encodeHashSeq,
  readBlob,
  safeFileName,
} from '../../core/blobs/index.ts'
import type { Hash } from '../../core/index.ts'

/** Largest list of names that is read into memory, bytes. */
const MAX_NAMES_BYTES = 4 * 1024 * 1024
/** Files of one collection made here. */
const MAX_FILES = 1000

export interface NamedBlob {
  /** Safe as a file name. */
  readonly name: string
  readonly hash: Hash
  readonly size: number
}

/** The files of a complete collection, with safe and distinct names. Rejects `BLOB_BAD_COLLECTION`, `BLOB_MISSING`. */
export async function readCollection(store: BlobStore, root: Hash): Promise<readonly NamedBlob[]> {
  const hashes = await store.hashSeq(root)
  const [meta] = hashes
  if (meta === undefined) return []
  const names = decodeCollectionNames(await readBlob(store, meta, MAX_NAMES_BYTES))
  const used = new Set<string>()
  const files: NamedBlob[] = []
  for (const { name, hash } of collectionFiles(names, hashes)) {
    const status = await store.status(hash)
    if (status.kind === 'complete') files.push({ name: distinct(safeFileName(name), used), hash, size: status.size })
  }
  return files
}

/** Makes one collection of complete blobs and tags it; answers its hash. Rejects `BLOB_BAD_COLLECTION`, `BLOB_STORE_*`. */
export async function makeCollection(
  store: BlobStore,
  files: readonly { readonly name: string; readonly hash: Hash }[],
  tag: string,
): Promise<Hash> {
  if (files.length === 0 || files.length > MAX_FILES) {
    throw new K2Error({
      code: 'BLOB_BAD_COLLECTION',
      kind: 'input',
      message: `a collection has 1 to ${MAX_FILES} files, not ${files.length}`,
    })
  }
  const used = new Set<string>()
  const names = files.map((file) => distinct(safeFileName(file.name), used))
  const protection = store.protect()
  try {
    const meta = await store.importBytes(encodeCollectionNames(names), { protection })
    const root = await store.importBytes(encodeHashSeq([meta.hash, ...files.map((file) => file.hash)]), {
      tag,
      format: 'hash-seq',
    })
    return root.hash
  } finally {
    protection.release()
  }
}

/** `a.txt`, `a (2).txt`, …; names that differ in case only count as the same, as they do on some disks. */
function distinct(name: string, used: Set<string>): string {
  const dot = name.lastIndexOf('.')
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
  let out = name
  for (let n = 2; used.has(out.toLowerCase()); n++) out = `${stem} (${n})${extension}`
  used.add(out.toLowerCase())
  return out
}
