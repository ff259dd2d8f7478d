import { describe, expect, it } from 'vitest'
import { fromHex, toBase32, toHex, utf8 } from '../../src/base/bytes.ts'
import { isK2Error } from '../../src/base/errors.ts'
import { type BlobTicket, decodeBlobTicket, encodeBlobTicket } from '../../src/core/blobs/proto/blob-ticket.ts'
import { blake3 } from '../../src/core/blobs/tree/blake3.ts'
import { hashOf, parseHash } from '../../src/core/ids.ts'
import { endpointAddr } from '../../src/core/keys/address.ts'
import { createVerifier, signerOfSeed } from '../../src/core/keys/ed25519.ts'
import { parseEndpointId, shortId } from '../../src/core/keys/endpoint-id.ts'
import { decodeEndpointTicket, encodeEndpointTicket } from '../../src/core/keys/ticket.ts'
import { pattern, Vectors } from './vectors.ts'

const v = new Vectors('keys')

describe('keys and ids as iroh makes them', () => {
  it.each([1, 2, 3])('key of 32 × %i', (byte) => {
    const expected = v.get(`key_${byte}`) as unknown as Record<'seed' | 'id' | 'base32' | 'short' | 'signature_of_hello', string>
    const signer = signerOfSeed(fromHex(expected.seed))
    expect(toHex(signer.publicKey)).toBe(expected.id)
    expect(toHex(signer.sign(utf8('hello')))).toBe(expected.signature_of_hello)
    expect(createVerifier()(signer.publicKey, utf8('hello'), fromHex(expected.signature_of_hello))).toBe(true)
    expect(parseEndpointId(expected.id)).toBe(expected.id)
    expect(parseEndpointId(expected.base32)).toBe(expected.id)
    expect(toBase32(fromHex(expected.id))).toBe(expected.base32)
    expect(shortId(expected.id)).toBe(expected.short)
  })
})

describe('endpoint tickets', () => {
  const id = parseEndpointId(String(v.get('key_1').id))
  it.each([
    ['endpoint_ticket_id_only', endpointAddr(id)],
    [
      'endpoint_ticket_full',
      endpointAddr(id, ['https://use1-1.relay.n0.iroh.link./'], ['[::1]:1024', '192.0.2.1:443', '127.0.0.1:1024']),
    ],
  ] as const)('%s', (name, addr) => {
    expect(encodeEndpointTicket(addr)).toBe(v.text(name))
    expect(decodeEndpointTicket(v.text(name))).toEqual(addr)
  })
})

describe('blob tickets', () => {
  const id = parseEndpointId('ae58ff8833241ac82d6ff7611046ed67b5072d142c588d0063e942d9a75502b6')
  const hash = parseHash('0b84d358e4c8be6c38626b2182ff575818ba6bd3f4b90464994be14cb354a072')
  const cases: readonly (readonly [string, BlobTicket])[] = [
    ['blob_ticket_raw', { addr: endpointAddr(id), format: 'raw', hash }],
    ['blob_ticket_hash_seq', { addr: endpointAddr(id), format: 'hash-seq', hash }],
    [
      'blob_ticket_full',
      {
        addr: endpointAddr(id, ['https://relay.example.com./'], ['127.0.0.1:1234', '[::1]:4433']),
        format: 'raw',
        hash: hashOf(blake3(pattern(50_000))),
      },
    ],
  ]
  it.each(cases)('%s', (name, ticket) => {
    expect(encodeBlobTicket(ticket)).toBe(v.text(name))
    expect(decodeBlobTicket(v.text(name))).toEqual(ticket)
  })

  it('accepts and refuses the same spellings', () => {
    const { texts } = v.get('judged_blob_tickets') as unknown as { texts: { what: string; text: string; accepted: boolean }[] }
    const verdicts = texts.map(({ what, text }) => {
      try {
        decodeBlobTicket(text)
        return { what, text, accepted: true }
      } catch (error) {
        expect(isK2Error(error), what).toBe(true)
        return { what, text, accepted: false }
      }
    })
    expect(verdicts).toEqual(texts)
  })
})
