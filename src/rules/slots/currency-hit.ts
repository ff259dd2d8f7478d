export type CurrencySource = 'explicit' | 'word' | 'language' | 'place' | 'channel'
export interface Currency {
  readonly code: string
  readonly source: CurrencySource
}

export interface CurrencyHit {
  readonly code: string | undefined
  readonly source: CurrencySource
  /** 3: code touching (C1), 2: prefixed dollar (C2), 1: sign or word (C3), 0: money of unknown kind. */
  readonly rank: 0 | 1 | 2 | 3
  readonly start: number
  readonly end: number
}
