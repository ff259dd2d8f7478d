import { expect, it } from 'vitest'
import { originOf } from '../../../src/core/net/origin.ts'

it.each([
  ['192.0.2.7:4433', '192.0.2.7'],
  ['192.0.2.7:1', '192.0.2.7'],
  ['[::ffff:192.0.2.7]:4433', '192.0.2.7'],
  ['[2001:db8:1:2:3:4:5:6]:4433', '20010db800010002/64'],
  ['[2001:db8:1:2::1]:9', '20010db800010002/64'],
  ['[::1]:9', '0000000000000000/64'],
])('%s comes from %s', (addr, origin) => {
  expect(originOf(addr)).toBe(origin)
})

it('what is no address has no origin', () => {
  expect(originOf(undefined)).toBeUndefined()
  expect(originOf('https://relay.example.com./')).toBeUndefined()
})
