/** Longest file name kept, UTF-8 bytes: what common file systems allow. */
const MAX_NAME_BYTES = 200
const FALLBACK = 'file.bin'
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i
// Control characters, characters that file systems or shells treat specially, bidirectional and zero-width tricks.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f<>:"|?*\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** The last path component of a name from a stranger, without anything that could leave a folder or deceive a reader. */
export function safeFileName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? ''
  let clean = last
    .normalize('NFC')
    .replace(UNSAFE, '_')
    .replace(/^[\s.]+|[\s.]+$/g, '')
  if (RESERVED.test(clean)) clean = `_${clean}`
  if (clean === '') return FALLBACK
  const dot = clean.lastIndexOf('.')
  const extension = dot > 0 && clean.length - dot <= 16 ? clean.slice(dot) : ''
  let stem = extension === '' ? clean : clean.slice(0, dot)
  while (Buffer.byteLength(stem + extension) > MAX_NAME_BYTES) stem = Array.from(stem).slice(0, -1).join('')
  return stem + extension
}

/** Splits K2's `name|ticket` at the last bar (blobs.md 12.1); a bare ticket has no name. */
export function splitShare(text: string): { name: string | undefined; ticket: string } {
  const bar = text.lastIndexOf('|')
  return bar < 0
    ? { name: undefined, ticket: text.trim() }
    : { name: safeFileName(text.slice(0, bar)), ticket: text.slice(bar + 1).trim() }
}

/** K2's `name|ticket` with a name that every reader splits the same way. */
export function joinShare(name: string, ticket: string): string {
  return `${safeFileName(name)}|${ticket}`
}
