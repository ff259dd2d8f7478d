/** What a `Range` header asks of a file (RFC 9110 section 14). Offsets in bytes, `end` exclusive. */
export type ByteRange =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  /** Answered 416: nothing of it lies in the file, or several parts are asked for, which nobody needs and costs much. */
  | { readonly kind: 'refused' }

const ONE = /^(\d{0,15})\s*-\s*(\d{0,15})$/

/** Reads the header for a file of `size` bytes. What is no byte range at all is ignored, as the standard wants. */
export function readRange(header: string | undefined, size: number): ByteRange {
  const unit = /^\s*bytes\s*=(.*)$/i.exec(header ?? '')
  if (unit === null) return { kind: 'whole' }
  const specs = (unit[1] as string).split(',').map((spec) => spec.trim())
  if (specs.length > 1) return { kind: 'refused' }
  const found = ONE.exec(specs[0] as string)
  if (found === null) return { kind: 'whole' }
  const [, first = '', last = ''] = found
  if (first === '') {
    if (last === '') return { kind: 'whole' }
    const suffix = Math.min(Number(last), size)
    return suffix === 0 ? { kind: 'refused' } : { kind: 'part', start: size - suffix, end: size }
  }
  const start = Number(first)
  if (last !== '' && Number(last) < start) return { kind: 'whole' }
  if (start >= size) return { kind: 'refused' }
  return { kind: 'part', start, end: last === '' ? size : Math.min(Number(last) + 1, size) }
}
