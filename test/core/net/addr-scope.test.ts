import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAddr, readRelayUrl } from '../../../src/core/net/addr-scope.ts'

describe('readAddr', () => {
  test.each([
    ['127.0.0.1:1', 'loopback'],
    ['127.255.0.9:1', 'loopback'],
    ['[::1]:1', 'loopback'],
    ['[::ffff:127.0.0.1]:1', 'loopback'],
    ['169.254.1.1:1', 'link'],
    ['[fe80::1]:1', 'link'],
    ['[febf::1]:1', 'link'],
    ['10.1.2.3:1', 'private'],
    ['172.16.0.1:1', 'private'],
    ['172.31.255.255:1', 'private'],
    ['192.168.0.1:1', 'private'],
    ['100.64.0.1:1', 'private'],
    ['[fd00::1]:1', 'private'],
    ['[fc00::1]:1', 'private'],
    ['172.32.0.1:1', 'global'],
    ['100.128.0.1:1', 'global'],
    ['8.8.8.8:65535', 'global'],
    ['[2001:db8::1]:4433', 'global'],
    ['[::ffff:8.8.8.8]:1', 'global'],
  ])('%s reaches as far as %s', (text, scope) => {
    expect(readAddr(text)).toEqual({ text, scope })
  })

  test.each([
    '0.0.0.0:1',
    '224.0.0.1:1',
    '255.255.255.255:1',
    '240.0.0.1:1',
    '[::]:1',
    '[ff02::1]:1',
    '1.2.3.4:0',
    '1.2.3.4:65536',
    '1.2.3.4',
    '[fe80::1%eth0]:1',
    'localhost:1',
    '',
  ])('nobody can be reached at %j', (text) => {
    expect(readAddr(text)).toBeUndefined()
  })

  test('the normal form is used', () => {
    expect(readAddr('[2001:DB8:0:0:0:0:0:1]:7')?.text).toBe('[2001:db8::1]:7')
  })

  test('never throws', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        readAddr(text)
        readRelayUrl(text, true)
      }),
    )
  })
})

describe('readRelayUrl', () => {
  test('normalises', () => {
    expect(readRelayUrl('https://relay.example.com.', true)).toBe('https://relay.example.com./')
  })

  test.each([
    'http://relay.example.com/',
    'https://localhost/',
    'https://a.localhost/',
    'https://printer.local/',
    'https://printer/',
    'https://127.0.0.1/',
    'https://2130706433/',
    'https://10.0.0.1/',
    'https://[::1]/',
    'https://169.254.169.254/',
    'file:///etc/passwd',
    'nonsense',
  ])('%s is not taken from strangers', (url) => {
    expect(readRelayUrl(url, true)).toBeUndefined()
  })

  test('the user may name any http relay', () => {
    expect(readRelayUrl('http://127.0.0.1:3340', false)).toBe('http://127.0.0.1:3340/')
    expect(readRelayUrl('https://8.8.8.8/', true)).toBe('https://8.8.8.8/')
  })
})
