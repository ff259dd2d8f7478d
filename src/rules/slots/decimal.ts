/** Decimal strings without exponent: digits, at most one point, no superfluous zeros. */

const MAX_INTEGER_DIGITS = 15
const MAX_FRACTION_DIGITS = 18
const LIMIT = 1e15

/** `integer.fraction × 10^shift`; undefined beyond 1e15 or 18 fraction digits. */
export function decimal(integer: string, fraction: string, shift: number): string | undefined {
  if (shift === 0 && fraction === '' && integer.length <= MAX_INTEGER_DIGITS && isPlain(integer)) return integer
  if (integer.length + fraction.length > 40) return undefined
  if (shift < 0) {
    const digits = integer.padStart(1 - shift, '0')
    return decimal(digits.slice(0, shift), digits.slice(shift) + fraction, 0)
  }
  const moved = fraction.padEnd(shift, '0')
  const whole = trimLeft(integer + moved.slice(0, shift))
  const rest = trimRight(moved.slice(shift))
  if (whole.length > MAX_INTEGER_DIGITS + 1 || rest.length > MAX_FRACTION_DIGITS) return undefined
  const text = rest === '' ? whole : `${whole}.${rest}`
  return Number(text) > LIMIT ? undefined : text
}

/** Digits that are written as they are read. */
const isPlain = (text: string): boolean => isDigits(text) && (text.charCodeAt(0) !== ZERO || text.length === 1)

const GROUP = 4
const ZERO = 48
function isDigits(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < ZERO || code > ZERO + 9) return false
  }
  return text !== ''
}

function trimLeft(text: string): string {
  let i = 0
  while (i < text.length - 1 && text[i] === '0') i++
  return text.slice(i) || '0'
}

function trimRight(text: string): string {
  let end = text.length
  while (end > 0 && text[end - 1] === '0') end--
  return text.slice(0, end)
}

/** Digits with separators as written in chat (N1–N5): integer and fraction digits. `coin`: a single point is decimal. */
export function splitNumber(text: string, coin: boolean): { readonly integer: string; readonly fraction: string } {
  if (isDigits(text)) return { integer: text, fraction: '' }
  let dots = 0
  let commas = 0
  let last = -1
  let digits = ''
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string
    if (char === '.') dots++
    else if (char === ',') commas++
    else if (char >= '0' && char <= '9') {
      digits += char
      continue
    } else continue
    last = i
  }
  const after = last < 0 ? 0 : text.length - last - 1
  const split = (n: number) => ({ integer: digits.slice(0, digits.length - n) || '0', fraction: digits.slice(digits.length - n) })
  if (last < 0) return { integer: digits, fraction: '' }
  if (dots > 0 && commas > 0) {
    const sign = text[last]
    return (sign === '.' ? dots : commas) > 1 ? { integer: digits, fraction: '' } : split(after)
  }
  if (dots + commas > 1) return { integer: digits, fraction: '' }
  const before = last
  // "1'350.000": what is grouped once is grouped again.
  const grouped = after === 3 && before > 3 && !isDigits(text[before - GROUP] ?? '')
  if (grouped) return { integer: digits, fraction: '' }
  if (after === 3 && before <= 3 && !(before === 1 && text[0] === '0'))
    return coin && dots === 1 ? split(3) : { integer: digits, fraction: '' }
  return split(after)
}
