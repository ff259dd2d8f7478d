/**
 * Assembles the WebAssembly module behind `simd.ts`: BLAKE3 over four chunks or parents at once, one per 32-bit lane. The code is
 * produced here instead of being checked in as bytes, so that every instruction has its source beside it. About 8 kB.
 */

/** Where the module expects a chunk group, and where it leaves the group's chaining value. */
export const GROUP_AT = 0
export const RESULT_AT = 17_408
/** Chaining values of the levels below the result: 16, 8, 4 and 2 of them. */
const LEVELS = [16_384, 16_896, 17_152, 17_280] as const

const IV = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19] as const
const PERMUTATION = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8] as const
const CHUNK_START = 1
const CHUNK_END = 2
const PARENT = 4

/**
 * Instructions, as deep in arrays as they were put together: copying bytes from array to array took a thread some 3 MiB, and each one
 * that hashes makes a module of its own.
 */
type Code = readonly (number | Code)[]

/** The bytes of it, appended to `out`. */
function flat(code: Code, out: number[] = []): number[] {
  for (const part of code) {
    if (typeof part === 'number') out.push(part)
    else flat(part, out)
  }
  return out
}

const I32 = 0x7f
const V128 = 0x7b

/** LEB128, unsigned and signed. */
function unsigned(value: number): Code {
  const out: number[] = []
  for (let v = value >>> 0; ; v >>>= 7) {
    if (v < 0x80) return [out, v]
    out.push((v & 0x7f) | 0x80)
  }
}
function signed(value: number): Code {
  const out: number[] = []
  for (let v = value | 0; ; v >>= 7) {
    if ((v >= 0 && v < 0x40) || (v < 0 && v >= -0x40)) return [out, v & 0x7f]
    out.push((v & 0x7f) | 0x80)
  }
}

const vector = (...items: Code[]): Code => [unsigned(items.length), items]
/** Content behind its length. */
function sized(content: Code): Code {
  const bytes = flat(content)
  return [unsigned(bytes.length), bytes]
}
const section = (id: number, content: Code): Code => [id, sized(content)]
const name = (text: string): Code => [unsigned(text.length), Array.from(text, (c) => c.charCodeAt(0))]

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

/** Of every local there is: the code consists of little else. */
const LOCALS = 57
const GETS = range(LOCALS).map((local): Code => [0x20, unsigned(local)])
const SETS = range(LOCALS).map((local): Code => [0x21, unsigned(local)])
const get = (local: number): Code => GETS[local] as Code
const set = (local: number): Code => SETS[local] as Code
const i32 = (value: number): Code => [0x41, signed(value)]
const END = [0x0b] as const
const LOOP = [0x03, 0x40] as const
const BR_IF = [0x0d, 0x00] as const
const SELECT = [0x1b] as const
const I32_EQ = [0x46] as const
const I32_ADD = [0x6a] as const
const I32_OR = [0x72] as const

const simd = (op: number): Code => [0xfd, unsigned(op)]
const load = (offset = 0): Code => [simd(0x00), 0, unsigned(offset)]
const store = (offset: number): Code => [simd(0x0b), 0, unsigned(offset)]
const SPLAT = simd(0x11)
const OR = simd(0x50)
const XOR = simd(0x51)
const SHL = simd(0xab)
const SHR_U = simd(0xad)
const ADD = simd(0xae)
const splat = (value: number): Code => [i32(value), SPLAT]
/** Picks words out of two vectors: 0..3 of the first, 4..7 of the second. */
const words = (...lanes: number[]): Code => [simd(0x0d), lanes.map((w) => [0, 1, 2, 3].map((b) => w * 4 + b))]
/** Rotates every word right by whole bytes. */
const rotateBytes = (by: number): Code => [simd(0x0d), [0, 1, 2, 3].map((w) => [0, 1, 2, 3].map((b) => w * 4 + ((b + by) % 4)))]

// Locals of `hash4`: parameters first.
const [INPUT, STRIDE, BLOCKS, LOW, HIGH, STEP, FLAGS, FIRST, LAST, OUT] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const
const CV = 10
const M = 18
const S = 34
const T = 50
const COUNTERS = 54
const LEFT = 55
const NOW = 56
const VECTORS = 45
const WORDS = 2

/** `s[a] = s[a] + s[b] + m`, then `d = rotate(d ^ a)`, `c = c + d`, and `b ^ c` is left on the stack. */
function halfRound([a, b, c, d]: readonly [number, number, number, number], message: number, rotate: Code): Code {
  const mixed = [get(S + a), get(S + b), ADD, get(M + message), ADD, set(S + a)]
  const turned = [get(S + d), get(S + a), XOR, set(T), get(T), get(T), rotate, set(S + d)]
  const added = [get(S + c), get(S + d), ADD, set(S + c)]
  return [mixed, turned, added, get(S + b), get(S + c), XOR, set(T)]
}

const rotateBits = (by: number, into: number): Code => [[get(T), i32(by), SHR_U], [get(T), i32(32 - by), SHL], OR, set(into)]

function quarter(cells: readonly [number, number, number, number], x: number, y: number): Code {
  const b = S + cells[1]
  return [halfRound(cells, x, rotateBytes(2)), rotateBits(12, b), halfRound(cells, y, rotateBytes(1)), rotateBits(7, b)]
}

const CELLS: readonly (readonly [number, number, number, number])[] = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
]

function rounds(): Code {
  const out: Code[] = []
  let order: readonly number[] = Array.from({ length: 16 }, (_, i) => i)
  for (let round = 0; round < 7; round++) {
    for (const [i, cells] of CELLS.entries()) out.push(quarter(cells, order[2 * i] as number, order[2 * i + 1] as number))
    order = PERMUTATION.map((from) => order[from] as number)
  }
  return out
}

/** Turns four vectors `from..from+3` of one source each into four with one word of every source each, in place. */
function transpose(from: number): Code {
  const pick = (a: number, b: number, lanes: readonly number[], into: number): Code => [
    get(a),
    get(b),
    words(...lanes),
    set(into),
  ]
  const low = [0, 4, 1, 5]
  const high = [2, 6, 3, 7]
  return [
    pick(from, from + 1, low, T),
    pick(from + 2, from + 3, low, T + 1),
    pick(from, from + 1, high, T + 2),
    pick(from + 2, from + 3, high, T + 3),
    pick(T, T + 1, [0, 1, 4, 5], from),
    pick(T, T + 1, [2, 3, 6, 7], from + 1),
    pick(T + 2, T + 3, [0, 1, 4, 5], from + 2),
    pick(T + 2, T + 3, [2, 3, 6, 7], from + 3),
  ]
}

/** Loads the next block of all four sources into M. */
function message(): Code {
  const out: Code[] = []
  for (let quarterOfBlock = 0; quarterOfBlock < 4; quarterOfBlock++) {
    for (let source = 0; source < 4; source++) {
      out.push(get(INPUT))
      for (let i = 0; i < source; i++) out.push(get(STRIDE), I32_ADD)
      out.push(load(quarterOfBlock * 16), set(M + quarterOfBlock * 4 + source))
    }
    out.push(transpose(M + quarterOfBlock * 4))
  }
  return out
}

/**
 * Four chaining values at OUT from four sources at INPUT, INPUT + STRIDE, … of BLOCKS full blocks each. The counter of source i
 * is LOW + i·STEP. FLAGS go with every block, FIRST and LAST with those.
 */
function hash4(): Code {
  const counters: Code[] = [i32(0), SPLAT, set(COUNTERS)]
  // Lanes 1, 2 and 3 get their multiples of STEP: a constant of ones from lane n on is added n times.
  for (const lane of [1, 2, 3]) {
    const mask = range(16).map((byte) => (byte >= lane * 4 ? 0xff : 0))
    counters.push(get(COUNTERS), get(STEP), SPLAT, simd(0x0c), mask, simd(0x4e), ADD, set(COUNTERS))
  }
  counters.push(get(COUNTERS), get(LOW), SPLAT, ADD, set(COUNTERS))
  const block = [
    get(FLAGS),
    [get(FIRST), i32(0), get(LEFT), get(BLOCKS), I32_EQ, SELECT, I32_OR],
    [get(LAST), i32(0), get(LEFT), i32(1), I32_EQ, SELECT, I32_OR],
    set(NOW),
    message(),
    range(8).map((i) => [get(CV + i), set(S + i)]),
    range(4).map((i) => [splat(IV[i] as number), set(S + 8 + i)]),
    [get(COUNTERS), set(S + 12), get(HIGH), SPLAT, set(S + 13)],
    [splat(64), set(S + 14), get(NOW), SPLAT, set(S + 15)],
    rounds(),
    range(8).map((i) => [get(S + i), get(S + 8 + i), XOR, set(CV + i)]),
    [get(INPUT), i32(64), I32_ADD, set(INPUT)],
    [get(LEFT), i32(-1), I32_ADD, set(LEFT), get(LEFT)],
  ]
  return [
    counters,
    range(8).map((i) => [splat(IV[i] as number), set(CV + i)]),
    [get(BLOCKS), set(LEFT)],
    [LOOP, block, BR_IF, END],
    transpose(CV),
    transpose(CV + 4),
    range(4).map((i) => [
      [get(OUT), get(CV + i), store(i * 32)],
      [get(OUT), get(CV + 4 + i), store(i * 32 + 16)],
    ]),
    END,
  ]
}

/** The chaining value of the 16 chunks at GROUP_AT, whose first has the counter LOW, HIGH; FLAGS are those of the top parent. */
function group(): Code {
  const [low, high, flags] = [get(0), get(1), get(2)]
  const call = (args: readonly Code[]): Code => [args, 0x10, 0x00]
  const chunks = (i: number): Code =>
    call([
      [i32(GROUP_AT + i * 4096), i32(1024), i32(16), [low, i32(i * 4), I32_ADD], high, i32(1)],
      [i32(0), i32(CHUNK_START), i32(CHUNK_END), i32(LEVELS[0] + i * 128)],
    ])
  const parents = (from: number, to: number, top: Code): Code =>
    call([i32(from), i32(64), i32(1), i32(0), i32(0), i32(0), top, i32(0), i32(0), i32(to)])
  return [
    range(4).map(chunks),
    parents(LEVELS[0], LEVELS[1], i32(PARENT)),
    parents(LEVELS[0] + 256, LEVELS[1] + 128, i32(PARENT)),
    parents(LEVELS[1], LEVELS[2], i32(PARENT)),
    // From here on fewer than four parents: the other lanes work on left-overs, and nobody reads their results.
    parents(LEVELS[2], LEVELS[3], i32(PARENT)),
    parents(LEVELS[3], RESULT_AT, flags),
    END,
  ]
}

/** The module: exports `memory` (one page) and `group(low, high, flags)`. */
export function simdModule(): Uint8Array {
  const body = (locals: Code, code: Code): Code => sized([locals, code])
  const type = (params: number): Code => [0x60, vector(...range(params).map(() => [I32])), 0x00]
  const code = flat([
    [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    section(1, vector(type(10), type(3))),
    section(3, vector([0], [1])),
    section(5, vector([0x00, 0x01])),
    section(7, vector([name('memory'), 0x02, 0x00], [name('group'), 0x00, 0x01])),
    section(10, vector(body(vector([unsigned(VECTORS), V128], [unsigned(WORDS), I32]), hash4()), body(vector(), group()))),
  ])
  return Uint8Array.from(code)
}
