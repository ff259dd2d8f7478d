import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../../src/base/bytes.ts'
import { isK2Error } from '../../../src/base/errors.ts'
import { createVerifier } from '../../../src/core/keys/ed25519.ts'
import { identityOfSeed } from '../../../src/core/keys/identity.ts'
import { type DnsMessage, decodeDns, dnsName, encodeDns, sameName } from '../../../src/core/lookup/dns-message.ts'
import { decodeEndpointRecord, encodeEndpointRecord } from '../../../src/core/lookup/endpoint-record.ts'
import { decodeMdns, encodeMdnsQuery, encodeMdnsResponse, MAX_MDNS_BYTES } from '../../../src/core/lookup/mdns-records.ts'
import { addrOfRecord, decodeSignedRecord, encodeSignedRecord, signRecord } from '../../../src/core/lookup/signed-record.ts'
import { idOfZ32, z32OfId } from '../../../src/core/lookup/z32.ts'
import { Vectors } from '../../vectors/vectors.ts'

const vectors = new Vectors('keys')
const identity = identityOfSeed(new Uint8Array(32).fill(1))
const other = identityOfSeed(new Uint8Array(32).fill(2))
const verify = createVerifier()
const RELAY = 'https://use1-1.relay.n0.iroh.link./'
const STAMP = 1_750_000_000_000_000n

const codeOf = (run: () => unknown): string => {
  try {
    run()
    return 'none'
  } catch (error) {
    return isK2Error(error) ? error.code : `foreign: ${String(error)}`
  }
}

describe('z-base-32', () => {
  test('names as the specification has them', () => {
    expect(z32OfId(identity.id)).toBe('tkrq8zmwb8a3m9k15csu3q17qmfgqnp9dskbrg9uq1rydpyxp7qy')
    expect(idOfZ32(z32OfId(identity.id).toUpperCase())).toBe(identity.id)
    const z32 = z32OfId(identity.id)
    for (const bad of [z32.slice(1), `${z32}y`, `l${z32.slice(1)}`, `${z32.slice(0, -1)}b`]) {
      expect(codeOf(() => idOfZ32(bad))).toMatch(/^(LOOKUP_BAD_RECORD|KEY_BAD_ID)$/)
    }
  })
})

describe('DNS messages', () => {
  const label = fc.stringMatching(/^[a-zA-Z0-9_. -]{1,20}$/)
  const name = fc.array(label, { minLength: 1, maxLength: 5 })
  const bytes = fc.uint8Array({ maxLength: 40 })
  const data = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map((ip) => ({ type: 'address' as const, ip })),
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map((ip) => ({ type: 'address' as const, ip })),
    name.map((target) => ({ type: 'ptr' as const, target })),
    fc.record({
      type: fc.constant('srv' as const),
      priority: fc.nat(65_535),
      weight: fc.nat(65_535),
      port: fc.nat(65_535),
      target: name,
    }),
    fc.array(bytes, { maxLength: 4 }).map((strings) => ({ type: 'txt' as const, strings })),
    bytes.map((raw) => ({ type: 'other' as const, code: 47, bytes: raw })),
  )
  const record = fc.record({ name, class: fc.nat(65_535), ttl: fc.nat(0xffff_ffff), data })
  const message: fc.Arbitrary<DnsMessage> = fc.record({
    id: fc.nat(65_535),
    flags: fc.nat(65_535),
    questions: fc.array(fc.record({ name, type: fc.nat(65_535), class: fc.nat(65_535) }), { maxLength: 3 }),
    answers: fc.array(record, { maxLength: 4 }),
    authorities: fc.array(record, { maxLength: 2 }),
    additionals: fc.array(record, { maxLength: 4 }),
  })

  test('are read as they were written, names shortened or not', () => {
    fc.assert(
      fc.property(message, (m) => {
        expect(decodeDns(encodeDns(m))).toEqual(m)
      }),
    )
  })

  test('any bytes are read or refused with our error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (b) => {
        expect(codeOf(() => decodeDns(b))).toMatch(/^(none|LOOKUP_BAD_DNS)$/)
      }),
    )
  })

  test('names that run in circles, forwards or too far are refused', () => {
    const query = (...nameBytes: number[]): Uint8Array =>
      Uint8Array.of(0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...nameBytes, 0, 12, 0, 1)
    expect(codeOf(() => decodeDns(query(0)))).toBe('none')
    for (const bad of [[0xc0, 12], [0xc0, 14], [1, 97, 0xc0, 12], [64, 0], new Array(300).fill([1, 97]).flat()]) {
      expect(codeOf(() => decodeDns(query(...bad)))).toBe('LOOKUP_BAD_DNS')
    }
    expect(codeOf(() => decodeDns(Uint8Array.of(...query(0), 0)))).toBe('LOOKUP_BAD_DNS')
    expect(codeOf(() => decodeDns(Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0)))).toBe('LOOKUP_BAD_DNS')
    expect(sameName(dnsName('A.Local.'), dnsName('a.local'))).toBe(true)
  })
})

describe('signed records', () => {
  test('are those the Rust crate makes, byte for byte', () => {
    const record = signRecord(identity, { relayUrl: RELAY, direct: [] }, STAMP)
    expect(toHex(record.dns)).toBe(vectors.hex('pkarr_message'))
    expect(toHex(encodeSignedRecord(record))).toBe(vectors.hex('pkarr_payload'))
    const read = decodeSignedRecord(identity.id, fromHex(vectors.hex('pkarr_payload')), verify)
    expect(read.stamp).toBe(STAMP)
    expect(addrOfRecord(read)).toEqual({ id: identity.id, relayUrl: RELAY, direct: [] })
  })

  test('later owners point to the first', () => {
    const dns = encodeEndpointRecord({ id: identity.id, relayUrl: RELAY, direct: ['192.0.2.1:443', '[2001:db8::1]:443'] })
    expect(toHex(dns)).toContain('c00c001000010000001e')
    expect(decodeEndpointRecord(identity.id, dns).direct).toEqual(['192.0.2.1:443', '[2001:db8::1]:443'])
  })

  test('each byte counts', () => {
    const body = encodeSignedRecord(signRecord(identity, { direct: ['192.0.2.1:443'] }, STAMP))
    expect(codeOf(() => decodeSignedRecord(other.id, body, verify))).toBe('LOOKUP_BAD_SIGNATURE')
    for (let i = 0; i < body.length; i++) {
      const changed = body.slice()
      changed[i] = (changed[i] as number) ^ 1
      expect(codeOf(() => decodeSignedRecord(identity.id, changed, verify))).toBe('LOOKUP_BAD_SIGNATURE')
    }
    for (const size of [0, 71, 64 + 8 + 1001]) {
      expect(codeOf(() => decodeSignedRecord(identity.id, new Uint8Array(size), verify))).toBe('LOOKUP_BAD_DNS')
    }
  })

  test('an unknown key spoils a set, what cannot be read is left out, the rest of another name is ignored', () => {
    const read = (...texts: string[]): unknown => {
      const answers = texts.map((text) => {
        const [owner, string] = text.includes('|') ? (text.split('|') as [string, string]) : ['_iroh', text]
        const strings = [new Uint8Array(Buffer.from(string))]
        return { name: dnsName(owner), class: 1, ttl: 30, data: { type: 'txt' as const, strings } }
      })
      const message = { id: 0, flags: 0x8000, questions: [], answers, authorities: [], additionals: [] }
      return decodeEndpointRecord(identity.id, encodeDns(message))
    }
    expect(read('addr=1.2.3.4:5', 'user-data=a=b', 'relay=nonsense', 'addr=x')).toEqual({
      id: identity.id,
      direct: ['1.2.3.4:5'],
    })
    expect(read('_other|secret=1', 'addr=1.2.3.4:5')).toEqual({ id: identity.id, direct: ['1.2.3.4:5'] })
    expect(read(`relay=${RELAY}?a=b`)).toMatchObject({ relayUrl: `${RELAY}?a` })
    for (const bad of ['secret=1', 'addr', '']) expect(codeOf(() => read('addr=1.2.3.4:5', bad))).toBe('LOOKUP_BAD_RECORD')
  })

  test('no more addresses than fit, and none at all is refused', () => {
    const direct = Array.from({ length: 60 }, (_, i) => `192.0.2.${i}:1000`)
    const dns = encodeEndpointRecord({ id: identity.id, direct })
    expect(dns.length).toBeLessThan(1000)
    expect(decodeEndpointRecord(identity.id, dns).direct.length).toBeGreaterThan(20)
    expect(codeOf(() => encodeEndpointRecord({ id: identity.id, direct: [] }))).toBe('LOOKUP_TOO_LONG')
  })
})

describe('mDNS packets', () => {
  const addr = { id: identity.id, direct: ['10.0.0.1:4433', '[fd00::1]:4433', '10.0.0.2:5000'], relayUrl: RELAY }

  test('the question is the one of the specification', () => {
    expect(toHex(encodeMdnsQuery())).toBe('000000000001000000000000075f69726f687631045f756470056c6f63616c00000c0001')
    expect(decodeMdns(encodeMdnsQuery())).toEqual({ type: 'query' })
  })

  test('an answer says where the node is', () => {
    const packet = encodeMdnsResponse(addr) as Uint8Array
    const text = Buffer.from(packet).toString('latin1')
    expect(text).toContain('rkeohxlubhyzl7ks3mwtzos5olfgocn7dwkbeg7toseadnapn5oa')
    expect(text).toContain('rkeohxlubhyzl7ks3mwtzos5olfgocn7dwkbeg7toseadnapn5oa-4433')
    const read = decodeMdns(packet)
    expect(read).toEqual({ type: 'peers', peers: [{ ...addr, direct: expect.arrayContaining(addr.direct) }] })
    expect(encodeMdnsResponse({ id: identity.id, direct: [] })).toBeUndefined()
  })

  test('is read whatever its lifetime, with or without the service record', () => {
    const message = decodeDns(encodeMdnsResponse(addr) as Uint8Array)
    const older = encodeDns({ ...message, answers: message.answers.slice(1).map((record) => ({ ...record, ttl: 0 })) })
    expect(decodeMdns(older)).toMatchObject({ peers: [{ id: identity.id, relayUrl: RELAY }] })
  })

  test('is ignored with another class, without an address, or about another service', () => {
    const message = decodeDns(encodeMdnsResponse(addr) as Uint8Array)
    const flush = encodeDns({ ...message, answers: message.answers.map((record) => ({ ...record, class: 0x8001 })) })
    const bare = encodeDns({ ...message, additionals: [] })
    const printer = encodeDns({
      ...message,
      answers: message.answers.map((record) => ({ ...record, name: dnsName('a._ipp._tcp.local') })),
    })
    for (const packet of [flush, bare, printer]) expect(decodeMdns(packet)).toBeUndefined()
    expect(codeOf(() => decodeMdns(new Uint8Array(MAX_MDNS_BYTES + 1)))).toBe('LOOKUP_BAD_DNS')
  })

  test('fits a packet with many addresses', () => {
    const direct = Array.from({ length: 64 }, (_, i) => `10.0.${i}.1:${1000 + i}`)
    expect((encodeMdnsResponse({ id: identity.id, direct }) as Uint8Array).length).toBeLessThanOrEqual(MAX_MDNS_BYTES)
  })
})
