import { readFile, rename, writeFile } from 'node:fs/promises'
import type { z } from 'zod'

/** A small file that the gateway writes for its next run is never larger, bytes. */
const MAX_BYTES = 256 * 1024

/** What stands in a JSON file of an earlier run. Rejects when there is none (`ENOENT`), or with what is wrong with it. */
export async function readStateFile<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const bytes = await readFile(path)
  if (bytes.length > MAX_BYTES) throw new Error('the file is too large')
  return schema.parse(JSON.parse(bytes.toString('utf8')))
}

/** Replaces the file as a whole, so that a kill leaves the old one or the new one; readable by its owner alone. */
export async function writeStateFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text, { mode: 0o600 })
  await rename(`${path}.new`, path)
}
