import fc from 'fast-check'
import { expect, test } from 'vitest'
import { derivedKey, openSealed, sealBytes } from '../../src/base/sealed.ts'

const key = derivedKey(new Uint8Array(32).fill(1), 'a purpose')
const bytes = fc.uint8Array({ maxLength: 200 })

test('what was sealed opens with the same key only, and never twice looks the same', () => {
  fc.assert(
    fc.property(bytes, (secret) => {
      const sealed = sealBytes(key, secret)
      expect(openSealed(key, sealed)).toEqual(Buffer.from(secret))
      expect(openSealed(derivedKey(new Uint8Array(32).fill(1), 'another'), sealed)).toBeUndefined()
      expect(openSealed(derivedKey(new Uint8Array(32).fill(2), 'a purpose'), sealed)).toBeUndefined()
      expect(sealBytes(key, secret).equals(sealed)).toBe(false)
    }),
  )
})

test('bytes that were changed, cut or made up do not open', () => {
  fc.assert(
    fc.property(bytes, fc.nat(), (secret, at) => {
      const sealed = sealBytes(key, secret)
      const changed = Uint8Array.from(sealed)
      const index = at % sealed.length
      changed[index] = (changed[index] as number) ^ 1
      expect(openSealed(key, changed)).toBeUndefined()
      expect(openSealed(key, sealed.subarray(0, -1))).toBeUndefined()
      expect(openSealed(key, secret)).toBeUndefined()
    }),
  )
})
