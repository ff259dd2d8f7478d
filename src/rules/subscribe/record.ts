/** Layout of one record of the index: eight words (rules.md 13.3). */
export const RECORD = 8
/** Keys with more entries are split by the second-rarest key. */
export const HOT = 128
export const ID = 0
export const SIG_LOW = 1
export const SIG_HIGH = 2
export const MIN = 3
export const MAX = 4
export const FLAGS = 5
export const KEY_A = 6
export const KEY_B = 7
/** Flag: more keys than the record holds; all are in the store. */
export const IN_POOL = 1 << 8
/** Flag: the bounds are the same numbers as float32; nothing is left to compare. */
export const EXACT = 1 << 9
/** Place of the rank in the flags: 31 minus the number of required keys. */
export const RANK_SHIFT = 16
export const MAX_RANK = 31
/** Rows fit 27 bits, a hit is its rank above its row. */
export const ROW_BITS = 27
export const ROW_MASK = (1 << ROW_BITS) - 1
export const NO_KEY = 0xffffffff

/** Rarity of a key; smaller is rarer. */
export type Rarity = (key: number) => number
