import { describe, expect, it } from 'vitest'
import { type Link, type LinkEvent, newLink, nextLink } from '../../../src/core/sync/link-state.ts'

const T = 1_800_000_000_000
const MIN = 60_000
const stay = (link: Link, event: LinkEvent, now = T): Link => {
  const outcome = nextLink(link, event, now)
  if (outcome.kind !== 'stay') throw new Error(`gone: ${outcome.why}`)
  return outcome.link
}
const status = (s: 'accepted' | 'pending' | 'left' | 'unknown' | undefined): LinkEvent => ({ kind: 'status', status: s })

describe('a linked device', () => {
  it('is invited, asked every minute, and synchronised with once it has accepted', () => {
    const sent = stay(newLink(T), { kind: 'invited', stored: true })
    expect(sent).toMatchObject({ state: 'Invited', dueAt: T + MIN })
    expect(stay(sent, status('pending'))).toMatchObject({ state: 'Invited', dueAt: T + MIN })
    expect(stay(sent, status('accepted'))).toMatchObject({ state: 'Accepted', dueAt: T + 86_400_000 })
  })

  it('that does not answer is tried with growing pauses up to a quarter of an hour', () => {
    let link = newLink(T)
    const pauses = Array.from({ length: 7 }, () => {
      link = stay(link, { kind: 'silent' })
      return (link.dueAt - T) / MIN
    })
    expect(pauses).toEqual([1, 2, 4, 8, 15, 15, 15])
    expect(link.state).toBe('NotSent')
    expect(stay(link, { kind: 'invited', stored: false }).state).toBe('NotSent')
  })

  it('is let go only when it says twice, a minute apart, that it knows nothing', () => {
    const once = stay({ ...newLink(T), state: 'Invited' }, status('unknown'))
    expect(stay(once, status('unknown'), T + MIN - 1).state).toBe('Invited')
    expect(nextLink(once, status('unknown'), T + MIN)).toEqual({ kind: 'gone', why: 'refused' })
    const back = stay(once, status('pending'), T + MIN)
    expect(stay(back, status('unknown'), T + 2 * MIN).state).toBe('Invited')
  })

  it('that left is let go at once, and a byte without meaning says nothing', () => {
    const link: Link = { ...newLink(T), state: 'Accepted' }
    expect(nextLink(link, status('left'), T)).toEqual({ kind: 'gone', why: 'left' })
    expect(stay(link, status(undefined))).toMatchObject({ state: 'Accepted', failures: 1 })
  })
})
