/** Field prime and curve constant of edwards25519 (RFC 8032 5.1). */
const P = 2n ** 255n - 19n
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n
const SIGN_BIT = 0x80

/** y of the points of order 8; the points of order 1, 2 and 4 have y = 1, -1 and 0. */
const ORDER_8_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([0n, 1n, P - 1n, ORDER_8_Y, P - ORDER_8_Y])

/** Why 32 bytes are no usable public key. */
export type PointFault = 'length' | 'not-canonical' | 'small-order' | 'not-on-curve'

function littleEndian(bytes: Uint8Array): bigint {
  let hex = ''
  for (let i = 31; i >= 0; i--) {
    const byte = i === 31 ? (bytes[i] as number) & ~SIGN_BIT : (bytes[i] as number)
    hex += byte.toString(16).padStart(2, '0')
  }
  return BigInt(`0x${hex}`)
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n
  let square = base % P
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * square) % P
    square = (square * square) % P
  }
  return result
}

/**
 * Checks that bytes encode an edwards25519 point somebody can own: canonical, on the curve, not of small order. Rust peers
 * verify strictly (discovery 3), so other encodings can never prove anything. Costs about 0.2 ms; callers cache verdicts.
 * Undefined = usable.
 */
export function pointFault(bytes: Uint8Array): PointFault | undefined {
  if (bytes.length !== 32) return 'length'
  const y = littleEndian(bytes)
  if (y >= P) return 'not-canonical'
  if (SMALL_ORDER_Y.has(y)) return 'small-order'
  // x^2 = u / v has a root exactly when u * v is a square; v is never 0 because -1/d is none.
  const yy = (y * y) % P
  const u = yy - 1n
  const v = (D * yy + 1n) % P
  return power(((u + P) * v) % P, (P - 1n) / 2n) === 1n ? undefined : 'not-on-curve'
}
