import { EndpointTicket } from '@number0/iroh'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { concatBytes, fromBase32, fromHex, toBase32, toHex } from '../../../src/base/bytes.ts'
import { isK2Error } from '../../../src/base/errors.ts'
import type { PeerId } from '../../../src/core/ids.ts'
import { endpointAddr, ofPeerAddr, toPeerAddr } from '../../../src/core/keys/address.ts'
import { parseSocketAddr, printSocketAddr } from '../../../src/core/keys/socket-addr.ts'
import { decodeEndpointTicket, encodeEndpointTicket, parsePeer } from '../../../src/core/keys/ticket.ts'

const A = '8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c' as PeerId
const RELAY = 'https://use1-1.relay.n0.iroh.link./'
const FULL =
  'endpointacfiry65oqe7dfp5klns2pf2lvzmuzyjx4ozieq36n2iqanub5xvybaaenuhi5dqom5c6l3vonstcljrfzzgk3dbpexg4mbonfzg62bonruw42zof4aqa7y' +
  'aaaayacabadaaaaqbxmbqcaiaaaaaaaaaaaaaaaaaaaaaaaabqaea'
const ID_ONLY = 'endpointacfiry65oqe7dfp5klns2pf2lvzmuzyjx4ozieq36n2iqanub5xvyaa'
const full = endpointAddr(A, [RELAY], ['[::1]:1024', '192.0.2.1:443', '127.0.0.1:1024'])

test('writes and reads the tickets of the specification', () => {
  expect(encodeEndpointTicket(full)).toBe(FULL)
  expect(decodeEndpointTicket(FULL)).toEqual(full)
  expect(encodeEndpointTicket(endpointAddr(A))).toBe(ID_ONLY)
  expect(decodeEndpointTicket(ID_ONLY)).toEqual({ id: A, relays: [], direct: [] })
  expect(toHex(fromBase32(FULL.slice(8)))).toBe(
    `00${A}0400${'23'}68747470733a2f2f757365312d312e72656c61792e6e302e69726f682e6c696e6b2e2f` +
      '01007f0000018008' +
      '0100c0000201bb03' +
      '0101000000000000000000000000000000018008',
  )
})

test('reads the part behind the prefix in either case, as the reference does', () => {
  expect(decodeEndpointTicket(`endpoint${ID_ONLY.slice(8).toUpperCase()}`).id).toBe(A)
})

test('prints exactly what the binding prints', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6()), { maxLength: 8 }), fc.nat(65535), (ips, port) => {
      const direct = ips.map((ip) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`))
      const addr = endpointAddr(A, [RELAY], direct)
      const text = encodeEndpointTicket(addr)
      const theirs = EndpointTicket.fromString(text)
      expect(theirs.toString()).toBe(text)
      expect([...theirs.endpointAddr().directAddresses()].sort()).toEqual([...addr.direct].sort())
      expect(decodeEndpointTicket(text)).toEqual(addr)
    }),
    { numRuns: 100 },
  )
})

test('accepts unsorted sets and skips custom addresses', () => {
  const custom = `02${'07'}00${'03010203'.padEnd(62, '0')}`
  const heap = '02ac020103aabbcc'
  const bytes = fromHex(`00${A}04${'0100c0000201bb03'}${custom}${heap}${'01007f0000018008'}`)
  expect(decodeEndpointTicket(`endpoint${toBase32(bytes)}`)).toEqual({
    id: A,
    relays: [],
    direct: ['127.0.0.1:1024', '192.0.2.1:443'],
  })
})

test('a relay origin gains its slash', () => {
  expect(endpointAddr(A, ['https://Example.com']).relays).toEqual(['https://example.com/'])
})

test.each([
  ['blob ticket', 'blobabc'],
  ['nothing', ''],
  ['prefix only', 'endpoint'],
  ['cut', FULL.slice(0, -4)],
  ['foreign character', `${ID_ONLY}!`],
  ['upper-case prefix', ID_ONLY.replace('endpoint', 'ENDPOINT')],
  ['unknown variant', `endpoint${toBase32(fromHex(`01${A}00`))}`],
  ['no public key', `endpoint${toBase32(fromHex(`00${'02'.padEnd(64, '0')}00`))}`],
  [
    'too many addresses',
    `endpoint${toBase32(concatBytes([fromHex(`00${A}41`), ...new Array(65).fill(fromHex('0100c0000201bb03'))]))}`,
  ],
  ['endless', `endpoint${'a'.repeat(20_000)}`],
])('refuses a bad ticket: %s', (_, text) => {
  expect(() => decodeEndpointTicket(text)).toThrow(expect.objectContaining({ code: 'KEY_BAD_TICKET' }))
})

test('arbitrary bytes behind the prefix only ever give our error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (junk, valid) => {
      const bytes = valid ? concatBytes([fromHex(`00${A}`), junk]) : junk
      try {
        const addr = decodeEndpointTicket(`endpoint${toBase32(bytes)}`)
        expect(decodeEndpointTicket(encodeEndpointTicket(addr))).toEqual(addr)
      } catch (error) {
        expect(isK2Error(error)).toBe(true)
      }
    }),
    { numRuns: 2000 },
  )
})

test('reads peers as people configure them', () => {
  expect(parsePeer(` ${FULL} `)).toEqual(full)
  expect(parsePeer(A.toUpperCase())).toEqual(endpointAddr(A))
  expect(parsePeer(`${A}@192.0.2.1:443, [::1]:1024,127.0.0.1:1024,${RELAY}`)).toEqual(full)
  expect(() => parsePeer(`${A}@host:1`)).toThrow(expect.objectContaining({ code: 'KEY_BAD_ADDRESS' }))
  expect(() => parsePeer('nobody')).toThrow(expect.objectContaining({ code: 'KEY_BAD_ID' }))
})

test('converts to and from what the transport uses', () => {
  expect(toPeerAddr(full)).toEqual({ id: A, relayUrl: RELAY, direct: full.direct })
  expect(ofPeerAddr(toPeerAddr(full))).toEqual(full)
  expect(toPeerAddr(endpointAddr(A))).toEqual({ id: A, direct: [] })
})

test.each([
  ['[2001:DB8::1]:4433', '[2001:db8::1]:4433'],
  ['[1:0:0:2:0:0:0:3]:1', '[1:0:0:2::3]:1'],
  ['[0:0:0:0:0:0:0:0]:0', '[::]:0'],
  ['[1:0:2:3:4:5:6:7]:9', '[1:0:2:3:4:5:6:7]:9'],
  ['[::ffff:192.0.2.1]:65535', '[::ffff:192.0.2.1]:65535'],
  ['[64:ff9b::192.0.2.1]:1', '[64:ff9b::c000:201]:1'],
  ['127.0.0.1:80', '127.0.0.1:80'],
])('prints the address %s as %s', (text, printed) => {
  expect(printSocketAddr(parseSocketAddr(text))).toBe(printed)
})

test.each([
  '1.2.3:4',
  '1.2.3.256:4',
  '1.2.3.04:5',
  '1.2.3.4',
  '1.2.3.4:65536',
  '::1:5',
  '[::1]',
  '[1::2::3]:4',
  '[fe80::1%eth0]:1',
  '[12345::]:1',
])('refuses the address %s', (text) => {
  expect(() => parseSocketAddr(text)).toThrow(expect.objectContaining({ code: 'KEY_BAD_ADDRESS' }))
})
