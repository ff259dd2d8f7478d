import { constants } from 'node:fs'
import { copyFile, link, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorCode } from '../../base/errors.ts'
import type { Hash } from '../ids.ts'
import { copyLmdb } from '../lmdb-copy.ts'
import { storeFailed } from './store/errors.ts'
import { FsMeta } from './store/fs-meta.ts'

/** Tries until index and content fit: a collector that runs meanwhile may take content away between two looks. */
const TRIES = 5
const PAGE = 1000

/**
 * Copies a store of blobs, also while another process uses it: content by hard links where the file system has them (files
 * of complete blobs never change), the index as it is at one moment, and everything the index names is there. Answers how
 * many blobs lie in files of the user, which are not copied; undefined when there is no store.
 */
export async function copyBlobStore(from: string, to: string): Promise<{ readonly references: number } | undefined> {
  const [content, index] = [join(to, 'content'), join(to, 'index')]
  await mkdir(content, { recursive: true, mode: 0o700 })
  const known = new Set<string>()
  if (!(await takeContent(join(from, 'content'), content, known))) {
    await rm(to, { recursive: true, force: true })
    return undefined
  }
  for (let i = 0; i < TRIES; i++) {
    await rm(index, { recursive: true, force: true })
    if (!(await copyLmdb(join(from, 'index'), index))) return { references: 0 }
    await takeContent(join(from, 'content'), content, known)
    const { isWhole, references } = await look(index, known)
    if (isWhole) return { references }
  }
  throw storeFailed('it changes faster than it can be copied', undefined)
}

/** Files that are new since the last look. False when there is no such folder. */
async function takeContent(from: string, to: string, known: Set<string>): Promise<boolean> {
  let names: string[]
  try {
    names = await readdir(from)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
  for (const name of names) {
    if (known.has(name)) continue
    if (await takeFile(join(from, name), join(to, name))) known.add(name)
  }
  return true
}

/** False when it is gone. */
async function takeFile(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to).catch((error: unknown) => {
      if (errorCode(error) === 'ENOENT') throw error
      return copyFile(from, to, constants.COPYFILE_FICLONE)
    })
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

async function look(index: string, known: ReadonlySet<string>): Promise<{ isWhole: boolean; references: number }> {
  const meta = await FsMeta.open(index)
  try {
    let references = 0
    let after: Hash | undefined
    for (;;) {
      const page = meta.blobs(after, PAGE)
      for (const [, entry] of page) {
        if (entry.kind === 'reference') references++
        else if (entry.kind !== 'inline' && !known.has(`${entry.content}.data`)) return { isWhole: false, references }
      }
      if (page.length < PAGE) return { isWhole: true, references }
      after = page.at(-1)?.[0]
    }
  } finally {
    await meta.close()
  }
}
