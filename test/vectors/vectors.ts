import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { blake3 } from '../../src/core/blobs/tree/blake3.ts'

/** One value as the Rust peer printed it. Long ones have length, hash and first bytes only. */
export interface Vector {
  readonly from: 'crate' | 'wire' | 'mirror'
  readonly hex?: string
  readonly text?: string
  readonly length?: number
  readonly blake3?: string
  readonly head?: string
  readonly [member: string]: unknown
}

/** The vectors of one area (test/vectors/<area>.json). */
export class Vectors {
  readonly #all: Readonly<Record<string, Vector>>

  constructor(area: string) {
    this.#all = JSON.parse(readFileSync(join(import.meta.dirname, `${area}.json`), 'utf8')).vectors
  }

  get(name: string): Vector {
    const vector = this.#all[name]
    if (vector === undefined) throw new Error(`there is no vector "${name}"`)
    return vector
  }

  /** Names that begin so, without the beginning. */
  named(prefix: string): string[] {
    return Object.keys(this.#all).flatMap((name) => (name.startsWith(prefix) ? [name.slice(prefix.length)] : []))
  }

  hex(name: string): string {
    const { hex } = this.get(name)
    if (hex === undefined) throw new Error(`vector "${name}" is not printed in full`)
    return hex
  }

  bytes(name: string): Uint8Array {
    return fromHex(this.hex(name))
  }

  text(name: string): string {
    const { text } = this.get(name)
    if (text === undefined) throw new Error(`vector "${name}" has no text`)
    return text
  }

  /** What is comparable of a value of any length. */
  fingerprint(name: string): { length: unknown; blake3: unknown } {
    const { length, blake3: hash } = this.get(name)
    return { length, blake3: hash }
  }
}

export const fingerprintOf = (bytes: Uint8Array): { length: number; blake3: string } => ({
  length: bytes.length,
  blake3: toHex(blake3(bytes)),
})

/** The test data of the specifications: byte i = i mod 251. */
export const pattern = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => i % 251)
