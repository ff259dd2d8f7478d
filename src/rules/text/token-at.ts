import type { Token } from './model.ts'

/**
 * The token at a place that may lie before the first one. `tokens[-1]` would be undefined as well, but there the engine looks for a
 * property of that name, and reads every element at that place of the code the slow way from then on.
 */
export const tokenAt = (tokens: readonly Token[], at: number): Token | undefined => (at < 0 ? undefined : tokens[at])
