import { GROUP_AT, RESULT_AT, simdModule } from './simd-code.ts'

/** Chaining value of one full chunk group: writes 8 words to `out[at..]`. `flags` are those of its topmost parent. */
export type GroupHasher = (group: Uint8Array, startChunk: number, flags: number, out: Int32Array, at: number) => void

/** The part of WebAssembly used here; its types come with a browser’s library only. */
interface Wasm {
  validate(bytes: Uint8Array): boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: Record<string, unknown> }
}

const GROUP_BYTES = 16_384
const WORDS_PER_CV = 8

/** The vector version, or undefined on an engine or processor without WebAssembly SIMD. */
export function openSimd(wasm = (globalThis as { WebAssembly?: Wasm }).WebAssembly): GroupHasher | undefined {
  const code = simdModule()
  if (wasm === undefined || !wasm.validate(code)) return undefined
  const { memory, group } = new wasm.Instance(new wasm.Module(code)).exports as {
    memory: { buffer: ArrayBuffer }
    group: (low: number, high: number, flags: number) => void
  }
  const input = new Uint8Array(memory.buffer, GROUP_AT, GROUP_BYTES)
  const result = new Int32Array(memory.buffer, RESULT_AT, WORDS_PER_CV)
  return (data, startChunk, flags, out, at) => {
    input.set(data)
    group(startChunk | 0, Math.floor(startChunk / 0x1_0000_0000), flags)
    for (let i = 0; i < WORDS_PER_CV; i++) out[at + i] = result[i] as number
  }
}
