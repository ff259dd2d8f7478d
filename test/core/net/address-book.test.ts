import { describe, expect, test } from 'vitest'
import { peerIdOf } from '../../../src/core/ids.ts'
import { LOOPBACK_ONLY, ROUTABLE } from '../../../src/core/net/addr-scope.ts'
import { AddressBook } from '../../../src/core/net/address-book.ts'

const peer = (n: number) => peerIdOf(Uint8Array.of(...new Array(28).fill(0), n >>> 24, n >>> 16, n >>> 8, n))
const P = peer(1)
const RELAY = 'https://relay.example.com./'

describe('AddressBook', () => {
  test('knows nothing at first', () => {
    const book = new AddressBook(ROUTABLE)
    expect([book.dialable(P, 0), book.size, book.isChosen(P, 0)]).toEqual([undefined, 0, false])
  })

  test('merges sources, the most trusted first, without repeats', () => {
    const book = new AddressBook(ROUTABLE)
    book.learn({ id: P, direct: ['9.9.9.9:1', '8.8.8.8:1'], relayUrl: 'https://gossip.example.com' }, 'gossip', 0)
    book.learn({ id: P, direct: ['7.7.7.7:1'], relayUrl: RELAY }, 'ticket', 0)
    book.learn({ id: P, direct: ['8.8.8.8:1'] }, 'config', 0)
    book.learn({ id: P, direct: ['6.6.6.6:1'] }, 'incoming', 0)
    expect(book.dialable(P, 0)).toEqual({
      id: P,
      relayUrl: RELAY,
      direct: ['6.6.6.6:1', '8.8.8.8:1', '7.7.7.7:1', '9.9.9.9:1'],
    })
    expect(book.isChosen(P, 0)).toBe(true)
    expect(book.size).toBe(4)
  })

  test('strangers may name public relays, and those this node uses itself', () => {
    const own = 'http://10.77.0.3:3340/'
    const relayOf = (book: AddressBook, relayUrl: string, source: 'gossip' | 'config'): string | undefined => {
      book.learn({ id: P, direct: [], relayUrl }, source, 0)
      return book.dialable(P, 0)?.relayUrl
    }
    expect(relayOf(new AddressBook(ROUTABLE), own, 'gossip')).toBeUndefined()
    expect(relayOf(new AddressBook(ROUTABLE), own, 'config')).toBe(own)
    expect(relayOf(new AddressBook(ROUTABLE, [own]), own.slice(0, -1), 'gossip')).toBe(own)
    expect(relayOf(new AddressBook(ROUTABLE, [own]), 'http://10.77.0.4:3340/', 'gossip')).toBeUndefined()
    expect(relayOf(new AddressBook(ROUTABLE, [own]), RELAY, 'gossip')).toBe(RELAY)
    expect(relayOf(new AddressBook(ROUTABLE, [own]), 'no url', 'gossip')).toBeUndefined()
  })

  test('what gossip told expires 300 s after its last update, with all earlier parts', () => {
    const book = new AddressBook(ROUTABLE)
    book.learn({ id: P, direct: ['1.1.1.1:1'] }, 'gossip', 0)
    book.learn({ id: P, direct: ['2.2.2.2:2'] }, 'gossip', 200_000)
    expect(book.dialable(P, 500_000)?.direct).toEqual(['2.2.2.2:2', '1.1.1.1:1'])
    expect(book.dialable(P, 500_001)).toBeUndefined()
    book.learn({ id: P, direct: ['1.1.1.1:1'] }, 'gossip', 600_000)
    book.sweep(900_000)
    expect(book.size).toBe(1)
    book.sweep(900_001)
    expect(book.size).toBe(0)
  })

  test('what the user configured stays; a newer statement replaces it', () => {
    const book = new AddressBook(ROUTABLE)
    book.learn({ id: P, direct: ['1.1.1.1:1'] }, 'config', 0)
    book.learn({ id: P, direct: ['2.2.2.2:2'] }, 'config', 1)
    expect(book.dialable(P, 1e12)?.direct).toEqual(['2.2.2.2:2'])
    book.forget(P, 'gossip')
    expect(book.dialable(P, 0)).toBeDefined()
    book.forget(P)
    expect(book.dialable(P, 0)).toBeUndefined()
  })

  test('tells whether a statement was news', () => {
    const book = new AddressBook(ROUTABLE)
    expect(book.learn({ id: P, direct: ['1.1.1.1:1'] }, 'gossip', 0)).toBe(true)
    expect(book.learn({ id: P, direct: ['1.1.1.1:1'] }, 'gossip', 1)).toBe(false)
    expect(book.learn({ id: P, direct: ['1.1.1.1:2'] }, 'gossip', 2)).toBe(true)
    expect(book.learn({ id: P, direct: [], relayUrl: RELAY }, 'gossip', 3)).toBe(true)
    expect(book.learn({ id: P, direct: ['junk'], relayUrl: 'junk' }, 'gossip', 4)).toBe(false)
  })

  test('strangers cannot aim us at this machine or at link-local addresses; the user can', () => {
    const book = new AddressBook(ROUTABLE)
    const local = ['127.0.0.1:22', '[::1]:22', '169.254.169.254:80', '[fe80::1]:1']
    expect(book.learn({ id: P, direct: local, relayUrl: 'https://localhost/' }, 'gossip', 0)).toBe(false)
    expect(book.learn({ id: P, direct: local }, 'lookup', 0)).toBe(false)
    expect(book.learn({ id: P, direct: local }, 'config', 0)).toBe(true)
    expect(book.dialable(P, 0)?.direct).toEqual(local)
  })

  test('addresses of this machine are never told to others', () => {
    const book = new AddressBook(ROUTABLE)
    const own = { id: P, direct: ['127.0.0.1:5', '[fe80::1]:5', '[2001:db8::1]:5', 'odd'], relayUrl: RELAY }
    expect(book.shareableOf(own)).toEqual({ id: P, direct: ['[2001:db8::1]:5'], relayUrl: RELAY })
  })

  test('an endpoint that lives on loopback learns and tells loopback addresses only', () => {
    const book = new AddressBook(LOOPBACK_ONLY)
    expect(book.learn({ id: P, direct: ['127.0.0.1:5', '5.5.5.5:5'] }, 'gossip', 0)).toBe(true)
    expect(book.dialable(P, 0)?.direct).toEqual(['127.0.0.1:5'])
  })

  test('what the local network says is dialed before what the user gave, and forgotten alone', () => {
    const book = new AddressBook(ROUTABLE)
    book.learn({ id: P, direct: ['5.5.5.5:5'] }, 'config', 0)
    book.learn({ id: P, direct: ['127.0.0.1:5', '10.0.0.7:5'] }, 'local', 0)
    expect(book.dialable(P, 0)?.direct).toEqual(['10.0.0.7:5', '5.5.5.5:5'])
    book.forget(P, 'local')
    expect(book.dialable(P, 0)?.direct).toEqual(['5.5.5.5:5'])
  })

  test('strangers fill only their own bounded part', () => {
    const book = new AddressBook(ROUTABLE)
    book.learn({ id: P, direct: ['1.1.1.1:1'] }, 'contact', 0)
    for (let i = 2; i < 6_000; i++) book.learn({ id: peer(i), direct: ['2.2.2.2:2'] }, 'gossip', i)
    expect(book.size).toBe(4_097)
    expect(book.dialable(P, 6_000)?.direct).toEqual(['1.1.1.1:1'])
    expect(book.dialable(peer(2), 6_000)).toBeUndefined()
    const many = Array.from({ length: 500 }, (_, i) => `3.3.3.3:${i + 1}`)
    book.learn({ id: P, direct: many }, 'gossip', 6_000)
    book.learn({ id: P, direct: many.toReversed() }, 'gossip', 6_001)
    expect(book.dialable(P, 6_001)?.direct.length).toBe(13)
    expect([...book.entries()].filter((entry) => entry.peer === P).map((entry) => [entry.source, entry.direct.length])).toEqual([
      ['contact', 1],
      ['gossip', 12],
    ])
  })
})
