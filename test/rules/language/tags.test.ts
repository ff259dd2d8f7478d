import { describe, expect, it } from 'vitest'
import { TagBook, tagChange } from '../../../src/rules/language/index.ts'

describe('stored tags', () => {
  it('last until their time, are taken off, and belong to one thing', () => {
    const book = new TagBook()
    book.apply([
      tagChange('author', 'telegram:1', 'watched', 100),
      tagChange('author', 'telegram:1', 'new', 200),
      tagChange('intent', 'telegram:1', 'other', 200),
    ])
    expect(book.of('author', 'telegram:1', 50)).toEqual(['watched', 'new'])
    expect(book.of('author', 'telegram:1', 100)).toEqual(['new'])
    expect(book.until('author', 'telegram:1', 'new', 100)).toBe(200)
    book.apply([tagChange('author', 'telegram:1', 'new', 0)])
    expect(book.of('author', 'telegram:1', 100)).toEqual([])
    book.sweep(1_000)
    expect(book.size).toBe(0)
  })

  it('are bounded per thing: the oldest goes first', () => {
    const book = new TagBook()
    for (let i = 0; i < 250; i++) book.apply([tagChange('thread', 'c', `t${i}`, 1_000)])
    expect(book.of('thread', 'c', 0)).toHaveLength(200)
    expect(book.of('thread', 'c', 0)).not.toContain('t0')
  })

  it('leave other changes alone', () => {
    const book = new TagBook()
    book.apply([{ kind: 'mute', rule: 'author', key: 'a\u0001b', value: [1], expires_at: 9 }])
    expect(book.size).toBe(0)
  })
})
