import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../../../src/base/bytes.ts'
import { isK2Error } from '../../../../src/base/errors.ts'
import {
  decodeAddrInfo,
  encodeAddrInfo,
  OWN_DATA_MAX_BYTES,
  OWN_DIRECT_MAX,
  tryDecodeAddrInfo,
} from '../../../../src/core/gossip/proto/addr-info.ts'
import { ADDR_EMPTY, ADDR_FULL, ADDR_V4 } from './vectors.ts'

describe('AddrInfo (gossip 5, 12.2)', () => {
  it.each([
    [ADDR_EMPTY, { relayUrl: undefined, direct: [] }],
    [ADDR_FULL, { relayUrl: 'https://relay.example.com./', direct: ['192.0.2.1:4433', '[2001:db8::1]:443'] }],
    [ADDR_V4, { relayUrl: undefined, direct: ['127.0.0.1:7'] }],
  ])('%s', (hex, info) => {
    expect(toHex(encodeAddrInfo(info))).toBe(hex)
    expect(decodeAddrInfo(fromHex(hex))).toEqual(info)
  })

  it('sorts IPv4 before IPv6, by address bytes, then by port, without duplicates', () => {
    const direct = ['[::1]:1', '10.0.0.1:200', '9.255.0.1:7', '10.0.0.1:30', '10.0.0.1:200', '[0::1]:1', '[::]:9']
    expect(decodeAddrInfo(encodeAddrInfo({ relayUrl: undefined, direct })).direct).toEqual([
      '9.255.0.1:7',
      '10.0.0.1:30',
      '10.0.0.1:200',
      '[::]:9',
      '[::1]:1',
    ])
  })

  it('reads every usual text form and drops zones', () => {
    const direct = ['[fe80::1%eth0]:5', '[2001:DB8:0:0:1::]:6', '[::ffff:1.2.3.4]:7', '[1:2:3:4:5:6:7:8]:8']
    expect(decodeAddrInfo(encodeAddrInfo({ relayUrl: undefined, direct })).direct).toEqual([
      '[::ffff:1.2.3.4]:7',
      '[1:2:3:4:5:6:7:8]:8',
      '[2001:db8:0:0:1::]:6',
      '[fe80::1]:5',
    ])
  })

  it('leaves out what is no address', () => {
    const direct = [
      '1.2.3:4',
      '1.2.3.256:1',
      '1.2.3.4:65536',
      '1.2.3.4',
      '[::1',
      '[1:2:3:4:5:6:7]:1',
      '[1::2::3]:1',
      '[::g]:1',
      '',
    ]
    expect(toHex(encodeAddrInfo({ relayUrl: undefined, direct }))).toBe('0000')
  })

  it('keeps own data small', () => {
    const direct = Array.from({ length: 40 }, (_, i) => `[2001:db8::${(i + 1).toString(16)}]:5000`)
    const encoded = encodeAddrInfo({ relayUrl: `https://${'r'.repeat(200)}.example./`, direct })
    expect(encoded.length).toBeLessThanOrEqual(OWN_DATA_MAX_BYTES)
    expect(decodeAddrInfo(encoded).direct.length).toBeGreaterThan(5)
    expect(decodeAddrInfo(encodeAddrInfo({ relayUrl: undefined, direct })).direct.length).toBe(OWN_DIRECT_MAX)
  })

  it('round-trips addresses and throws only K2Error on junk', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.ipV4(),
          fc.ipV6().map((ip) => `[${ip}]`),
        ),
        fc.nat(65535),
        (ip, port) => {
          const once = decodeAddrInfo(encodeAddrInfo({ relayUrl: undefined, direct: [`${ip}:${port}`] }))
          expect(once.direct.length).toBe(1)
          expect(decodeAddrInfo(encodeAddrInfo(once))).toEqual(once)
        },
      ),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          decodeAddrInfo(bytes)
        } catch (error) {
          expect(isK2Error(error)).toBe(true)
        }
        tryDecodeAddrInfo(bytes)
      }),
    )
    expect(tryDecodeAddrInfo(fromHex('02'))).toBeUndefined()
    expect(tryDecodeAddrInfo(new Uint8Array(0))).toBeUndefined()
  })
})
