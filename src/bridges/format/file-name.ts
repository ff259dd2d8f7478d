import { sanitizeName } from './sanitize.ts'

const MAX_BYTES = 120
const MAX_EXTENSION = 16
const EXTENSION = /\.[\p{L}\p{N}]{1,15}$/u

/**
 * A name under which a file can be sent on (bridging 9): without folders and control characters, at most 120 bytes, with its
 * extension. `extension` is added where the name has none.
 */
export function fileName(name: string, extension?: string): string {
  const base = sanitizeName(name.split(/[/\\]/).at(-1) ?? '', 255)
    .replace(/[<>:"|?*]/g, '_')
    .replace(/^\.+/, '')
  const own = EXTENSION.exec(base)?.[0] ?? ''
  const stem = base.slice(0, base.length - own.length).trim() || 'file'
  const suffix = own !== '' || extension === undefined ? own : `.${extension.slice(0, MAX_EXTENSION)}`
  return `${cutBytes(stem, MAX_BYTES - Buffer.byteLength(suffix))}${suffix}`
}

function cutBytes(text: string, max: number): string {
  let used = 0
  let out = ''
  for (const character of text) {
    used += Buffer.byteLength(character)
    if (used > max) break
    out += character
  }
  return out
}
