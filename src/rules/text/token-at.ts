import type { Token, TokenKind } from './model.ts'

/**
 * The token at a place that may lie before the first one. `tokens[-1]` would be undefined as well, but there the engine looks for a
 * property of that name, and reads every element at that place of the code the slow way from then on.
 */
export const tokenAt = (tokens: readonly Token[], at: number): Token | undefined => (at < 0 ? undefined : tokens[at])

/**
 * Text of the token at a place; empty where there is none. What may be undefined is compared in a slow way wherever it stands, a
 * text as an address.
 */
export const textAt = (tokens: readonly Token[], at: number): string => {
  const token = at < 0 ? undefined : tokens[at]
  return token === undefined ? '' : token.text
}

/** Kind of the token at a place; empty where there is none. */
export const kindAt = (tokens: readonly Token[], at: number): TokenKind | '' => {
  const token = at < 0 ? undefined : tokens[at]
  return token === undefined ? '' : token.kind
}
