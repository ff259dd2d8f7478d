import type { Compiler } from './leaf.ts'
import { CONTEXT_LEAVES } from './leaves-context.ts'
import { READING_LEAVES } from './leaves-reading.ts'

/** Every leaf of section 10.4 by its key. */
export const LEAVES: ReadonlyMap<string, Compiler> = new Map([...READING_LEAVES, ...CONTEXT_LEAVES])
