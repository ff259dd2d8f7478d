import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** The engine's compiled code. Threads that are given the same module share it, so only the first has to compile. */
export interface EngineModule {
  /** A compiled module has nothing of its own to look at. */
  readonly [Symbol.toStringTag]: string
}

/** Node's own; the language library of this project has no browser types, where it is declared. */
const { WebAssembly: wasm } = globalThis as unknown as { WebAssembly: { compile(code: Uint8Array): Promise<EngineModule> } }

export async function compileEngine(): Promise<EngineModule> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite')
  return wasm.compile(await readFile(join(dirname(entry), 'pglite.wasm')))
}
