import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import type { Target } from './decoders.ts'

const FOLDER = join(import.meta.dirname, 'corpus')
/** Inputs kept of one decoder, and bytes of all of them: the folder is part of the repository. */
const MAX_INPUTS = 40
const MAX_BYTES = 2_800

const fileOf = (name: string): string => join(FOLDER, `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.hex`)

/** Inputs that ended in different ways in earlier runs, or that once failed: one line of hex each. */
export function corpusOf({ name }: Target): Uint8Array[] {
  const file = fileOf(name)
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map(fromHex)
}

/** Replaces the inputs kept of a decoder; the shortest ones win. */
export function saveCorpus({ name }: Target, inputs: readonly Uint8Array[]): void {
  const kept: string[] = []
  let bytes = 0
  for (const input of [...inputs].sort((a, b) => a.length - b.length)) {
    bytes += input.length
    if (bytes > MAX_BYTES || kept.length >= MAX_INPUTS) break
    if (input.length > 0) kept.push(toHex(input))
  }
  if (kept.length === 0) return
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(fileOf(name), `${[...new Set(kept)].join('\n')}\n`)
}
