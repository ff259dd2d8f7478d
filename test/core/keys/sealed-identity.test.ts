import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isK2Error } from '../../../src/base/errors.ts'
import { seededRng } from '../../../src/base/random.ts'
import { decodeHandOver, encodeHandOver } from '../../../src/core/keys/hand-over.ts'
import { identityOfSeed } from '../../../src/core/keys/identity.ts'
import { openSealedIdentity, sealedId, sealIdentity } from '../../../src/core/keys/sealed-identity.ts'

const identity = identityOfSeed(new Uint8Array(32).fill(1))
const other = identityOfSeed(new Uint8Array(32).fill(2))
/** The least a file may ask for; the default takes half a second. */
const CHEAP = 16_384
const PASSPHRASE = 'correct horse báttery staple'

describe('a sealed identity', () => {
  it('opens with its passphrase, however its letters are composed, and with no other', async () => {
    const text = await sealIdentity(identity, PASSPHRASE, seededRng(1), CHEAP)
    expect((await openSealedIdentity(text, PASSPHRASE.normalize('NFD'))).seed()).toEqual(identity.seed())
    expect(sealedId(text)).toBe(identity.id)
    const attempt = openSealedIdentity(text, `${PASSPHRASE} `)
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code: 'KEY_BAD_PASSPHRASE' }))
    await attempt.catch((error: Error) => expect(JSON.stringify(error) + error.message).not.toContain('horse'))
  })

  it('differs each time and never holds the seed in the clear', async () => {
    const [a, b] = [
      await sealIdentity(identity, PASSPHRASE, seededRng(1), CHEAP),
      await sealIdentity(identity, PASSPHRASE, seededRng(2), CHEAP),
    ]
    expect(JSON.parse(a).sealed).not.toBe(JSON.parse(b).sealed)
    for (const text of [a, b]) expect(text).not.toContain('0101010101010101')
  })

  it('shows every change, in the header too', async () => {
    const fields = JSON.parse(await sealIdentity(identity, PASSPHRASE, seededRng(1), CHEAP))
    const flip = (hex: string): string => `${hex[0] === '0' ? '1' : '0'}${hex.slice(1)}`
    for (const change of [
      { publicKey: other.id },
      { salt: flip(fields.salt) },
      { nonce: flip(fields.nonce) },
      { sealed: flip(fields.sealed) },
      { kdf: { ...fields.kdf, n: 32_768 } },
    ]) {
      await expect(openSealedIdentity(JSON.stringify({ ...fields, ...change }), PASSPHRASE)).rejects.toThrow(
        expect.objectContaining({ code: 'KEY_BAD_PASSPHRASE' }),
      )
    }
    for (const change of [{ version: 2 }, { kdf: { ...fields.kdf, n: 2 ** 30 } }, { sealed: '00' }, { format: 'x' }]) {
      await expect(openSealedIdentity(JSON.stringify({ ...fields, ...change }), PASSPHRASE)).rejects.toThrow(
        expect.objectContaining({ code: 'KEY_FILE_DAMAGED' }),
      )
    }
  })

  it('wants a passphrase worth the name', async () => {
    await expect(sealIdentity(identity, 'short', seededRng(1), CHEAP)).rejects.toThrow(
      expect.objectContaining({ code: 'KEY_BAD_PASSPHRASE' }),
    )
  })

  it('any text is a K2Error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        for (const read of [sealedId, decodeHandOver]) {
          try {
            read(text)
          } catch (error) {
            if (!isK2Error(error)) throw error
          }
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a hand-over', () => {
  it('counts when both keys have signed it', () => {
    const text = encodeHandOver(identity, other, 1_750_000_000_000)
    expect(decodeHandOver(text)).toEqual({ from: identity.id, to: other.id, at: 1_750_000_000_000 })
  })

  it('is refused when anything was changed, and when one key speaks for both', () => {
    const fields = JSON.parse(encodeHandOver(identity, other, 1))
    const third = identityOfSeed(new Uint8Array(32).fill(4))
    const foreign = JSON.parse(encodeHandOver(third, other, 1))
    for (const change of [
      { at: 2 },
      { from: third.id },
      { to: third.id },
      { purpose: 'k2gw/hand-over/2' },
      { signed_from: fields.signed_to },
      { signed_to: foreign.signed_from },
      { from: third.id, signed_from: fields.signed_from },
    ]) {
      expect(() => decodeHandOver(JSON.stringify({ ...fields, ...change }))).toThrow(
        expect.objectContaining({ code: 'KEY_BAD_HAND_OVER' }),
      )
    }
    expect(() => decodeHandOver(encodeHandOver(identity, identity, 1))).toThrow()
  })
})
