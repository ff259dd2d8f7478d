import { inspect } from 'node:util'
import { EndpointId, Signature } from '@number0/iroh'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromHex, toBase32, toHex, utf8 } from '../../../src/base/bytes.ts'
import { seededRng } from '../../../src/base/random.ts'
import { pointFault } from '../../../src/core/keys/curve-point.ts'
import { createVerifier, signerOfSeed } from '../../../src/core/keys/ed25519.ts'
import { createIdCheck, endpointIdOf, parseEndpointId } from '../../../src/core/keys/endpoint-id.ts'
import { identityOfSeed, newIdentity } from '../../../src/core/keys/identity.ts'
import { decodeIdentityEnc, encodeIdentityEnc } from '../../../src/core/keys/identity-enc.ts'

const A = '8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c'
const A32 = 'rkeohxlubhyzl7ks3mwtzos5olfgocn7dwkbeg7toseadnapn5oa'
const seed1 = new Uint8Array(32).fill(1)
const L = 2n ** 252n + 27742317777372353535851937790883648493n
const P = 2n ** 255n - 19n

const littleEndian = (value: bigint, sign = 0): Uint8Array => {
  const out = new Uint8Array(32)
  for (let i = 0, v = value; i < 32; i++, v >>= 8n) out[i] = Number(v & 255n)
  out[31] = (out[31] as number) | (sign << 7)
  return out
}

test('derives the ids of the specification from their seeds', () => {
  expect(identityOfSeed(seed1).id).toBe(A)
  expect(identityOfSeed(new Uint8Array(32).fill(2)).id).toBe('8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394')
})

test('signs the tracker preimage as the specification says', () => {
  const preimage = fromHex(`${A}4f0a9ea759c2fca430ce88fd6aa524a2031f5c617067965a2235eb041be29fa6000180c0ed82daf38d03`)
  expect(toHex(identityOfSeed(seed1).sign(preimage))).toBe(
    'cb6900b22a9aed717e39f193922714c2acdf4d1adabcf4f155fb89deb166399a7eb1694414a22cb679ece18d112fa996ab7591cbaf991fda19c625f57e21a009',
  )
})

test('never shows the seed when an identity is printed', () => {
  const identity = identityOfSeed(seed1)
  for (const text of [JSON.stringify(identity), inspect(identity, { depth: 9, showHidden: true })]) {
    expect(text).not.toContain('01010101')
    expect(text).not.toMatch(/1, 1, 1, 1/)
  }
})

test('refuses seeds of a wrong length', () => {
  expect(() => identityOfSeed(new Uint8Array(31))).toThrow(expect.objectContaining({ code: 'KEY_BAD_SEED' }))
})

test.each([A, A.toUpperCase(), ` ${A}\n`, A32, A32.toUpperCase()])('reads the id %j', (text) => {
  expect(parseEndpointId(text)).toBe(A)
})

test.each([
  ['', 'length'],
  [A.slice(1), 'length'],
  [`${A}0`, 'length'],
  [A.replace('8', 'g'), 'characters'],
  [A32.replace('r', '1'), 'characters'],
  ['02'.padEnd(64, '0'), 'not-on-curve'],
  [toBase32(littleEndian(2n)), 'not-on-curve'],
  ['00'.repeat(32), 'small-order'],
])('refuses the id %j: %s', (text, reason) => {
  expect(() => parseEndpointId(text)).toThrow(
    expect.objectContaining({ code: 'KEY_BAD_ID', data: expect.objectContaining({ reason }) }),
  )
})

test('a z-base-32 text does not silently become another id', () => {
  expect(() => parseEndpointId('tkrq8zmwb8a3m9k15csu3q17qmfgqnp9dskbrg9uq1rydpyxp7qy')).toThrow(
    expect.objectContaining({ code: 'KEY_BAD_ID' }),
  )
})

test('knows every point of small order and every non-canonical encoding', () => {
  // Doubling on edwards25519 decides the order independently of the table in the code.
  const inverse = (a: bigint): bigint => {
    let r = 1n
    for (let e = P - 2n, b = a % P; e > 0n; e >>= 1n, b = (b * b) % P) if (e & 1n) r = (r * b) % P
    return r
  }
  const D = (((P - 121665n) % P) * inverse(121666n)) % P
  const order8 = fromHex('26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05')
  const y = BigInt(`0x${toHex(order8.slice().reverse())}`)
  const xx = ((y * y - 1n + P) * inverse((D * y * y + 1n) % P)) % P
  // y of the doubled point is (y² + x²) / (2 - y² - ... ) with -x² + y² = 1 + d·x²·y².
  const doubledY = ((y * y + xx) * inverse((2n * P + 1n - ((D * xx) % P) * ((y * y) % P)) % P)) % P
  expect(doubledY === 0n).toBe(true)
  for (const small of [0n, 1n, P - 1n, y, P - y]) {
    for (const sign of [0, 1]) expect(pointFault(littleEndian(small, sign))).toBe('small-order')
  }
  for (let i = 0n; i < 19n; i++) {
    for (const sign of [0, 1]) expect(pointFault(littleEndian(P + i, sign))).toBe('not-canonical')
  }
})

test('agrees with the binding about which bytes are points', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      const theirs = ((): boolean => {
        try {
          EndpointId.fromBytes([...bytes])
          return true
        } catch {
          return false
        }
      })()
      expect(pointFault(bytes) === undefined).toBe(theirs)
    }),
    { numRuns: 300 },
  )
})

test('the id check answers lower-case ids, remembers them and refuses the rest', () => {
  const check = createIdCheck(2)
  for (let i = 0; i < 2; i++) {
    expect(check(A)).toBe(A)
    expect(check(A.toUpperCase())).toBe(A)
    expect(check('02'.padEnd(64, '0'))).toBeUndefined()
    expect(check('zz'.repeat(32))).toBeUndefined()
    expect(check('guest-7')).toBeUndefined()
  }
})

test('verifies what the binding signs and the reverse', () => {
  const verify = createVerifier()
  const signer = signerOfSeed(seed1)
  const message = utf8('hello')
  const signature = signer.sign(message)
  expect(verify(signer.publicKey, message, signature)).toBe(true)
  EndpointId.fromString(A).verify([...message], Signature.fromBytes([...signature]))
})

test('refuses changed, malleated and small-order signatures', () => {
  const verify = createVerifier()
  const signer = signerOfSeed(seed1)
  const message = utf8('hello')
  const signature = signer.sign(message)
  for (let i = 0; i < 64; i++) {
    const changed = signature.slice()
    changed[i] = (changed[i] as number) ^ 1
    expect(verify(signer.publicKey, message, changed)).toBe(false)
  }
  const s = BigInt(`0x${toHex(signature.slice(32).reverse())}`)
  const malleated = new Uint8Array([...signature.slice(0, 32), ...littleEndian(s + L)])
  expect(verify(signer.publicKey, message, malleated)).toBe(false)
  // With the neutral element as key and commitment, s = 0 satisfies the plain equation for every message.
  const neutral = littleEndian(1n)
  expect(verify(neutral, message, new Uint8Array([...neutral, ...new Uint8Array(32)]))).toBe(false)
  expect(verify(signer.publicKey.slice(1), message, signature)).toBe(false)
  expect(verify(signer.publicKey, message, signature.slice(1))).toBe(false)
})

test('new identities differ and round-trip through their seed', () => {
  const rng = seededRng(7)
  const a = newIdentity(rng)
  expect(newIdentity(rng).id).not.toBe(a.id)
  expect(identityOfSeed(a.seed()).id).toBe(a.id)
  expect(endpointIdOf(a.publicKey)).toBe(a.id)
})

test('reads and writes the identity file of the reference', () => {
  const hex = 'ceb0b5dc8785482a24dc8c6f901d60c6895eb37c1cebfcc4d2f0f3e034c5e07fbe798d4ba22c75039d6a4c48b7db9e31'
  expect(toHex(encodeIdentityEnc(identityOfSeed(seed1)))).toBe(hex)
  expect(decodeIdentityEnc(fromHex(hex)).id).toBe(A)
  const flipped = fromHex(hex)
  flipped[3] = (flipped[3] as number) ^ 4
  expect(() => decodeIdentityEnc(flipped)).toThrow(expect.objectContaining({ code: 'KEY_FILE_DAMAGED' }))
  expect(() => decodeIdentityEnc(fromHex(hex).slice(1))).toThrow(expect.objectContaining({ code: 'KEY_FILE_DAMAGED' }))
})
