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
export const NO_KEY = 0xffffffff

/** Rarity of a key; smaller is rarer. */
export type Rarity = (key: number) => number
