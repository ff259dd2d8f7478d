import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import type { Target } from './decoders.ts'

const FOLDER = join(import.meta.dirname, 'corpus')
/** Inputs kept of one decoder, and their size: the folder is part of the repository. */
const MAX_INPUTS = 20
const MAX_BYTES = 400

const fileOf = (name: string): string => join(FOLDER, `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.hex`)

/** Inputs that earlier runs found to lead far into a decoder, or that once failed: one line of hex each. */
export function corpusOf({ name }: Target): Uint8Array[] {
  const file = fileOf(name)
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map(fromHex)
}

/** Replaces the inputs kept of a decoder. */
export function saveCorpus({ name }: Target, inputs: readonly Uint8Array[]): void {
  const kept = inputs.filter((input) => input.length <= MAX_BYTES).slice(-MAX_INPUTS)
  if (kept.length === 0) return
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(fileOf(name), `${kept.map(toHex).join('\n')}\n`)
}
