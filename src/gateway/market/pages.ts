import type { Action } from '../../bridges/interaction.ts'

/** A part of a list, as one message shows it. */
export interface Page<T> {
  readonly rows: readonly T[]
  /** From 1. */
  readonly page: number
  readonly pages: number
  readonly total: number
}

export function cut<T>(all: readonly T[], page: number, size: number): Page<T> {
  return {
    rows: all.slice((page - 1) * size, page * size),
    page,
    pages: Math.max(1, Math.ceil(all.length / size)),
    total: all.length,
  }
}

/** Buttons to the pages before and behind; `turn` gives the id of the button that leads to a page. */
export function turns({ page, pages }: Page<unknown>, turn: (to: number) => string): readonly Action[] {
  return [
    ...(page > 1 ? [{ id: turn(Math.min(page - 1, pages)), label: '◀' }] : []),
    ...(page < pages ? [{ id: turn(page + 1), label: '▶' }] : []),
  ]
}
