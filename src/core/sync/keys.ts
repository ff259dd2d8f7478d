import { fromUtf8, utf8 } from '../../base/bytes.ts'

/** Longest path segment and deepest path taken from a document or offered to one (k2-application 5.9). */
const MAX_SEGMENT_BYTES = 255
const MAX_LEVELS = 32
/** Longest key: its notice must fit a gossip frame, with room for what a reference peer puts before it. Bytes. */
const MAX_KEY_BYTES = 3_700
const META = 'meta:'
/** Files of this program beside those of people: drafts that a crash left. */
export const OWN_FILES = '.k2gw'

/** Why a name is not synchronised. */
export type KeyFault =
  | 'not-utf8'
  | 'empty'
  | 'control-character'
  | 'absolute'
  | 'drive'
  | 'dots'
  | 'too-long'
  | 'too-deep'
  | 'windows-name'
  | 'ignored'
  | 'metadata'
  | 'backslash'

export type ReadKey =
  | { readonly kind: 'file'; readonly path: string }
  /** Facts about a file, as the reference writes them; never a file itself. */
  | { readonly kind: 'metadata'; readonly of: string }
  | { readonly kind: 'refused'; readonly fault: KeyFault }

/** What the file system of the folder cannot hold. */
export interface NameRules {
  readonly windows: boolean
}

const refused = (fault: KeyFault): ReadKey => ({ kind: 'refused', fault })

/**
 * What a document's key stands for: a path below the folder with `/` between its segments. Whoever may write to the document
 * chooses keys, so everything that could leave the folder is refused (k2-application 5.9).
 */
export function readKey(key: Uint8Array, rules: NameRules): ReadKey {
  if (key.length > MAX_KEY_BYTES) return refused('too-long')
  const text = fromUtf8(key)
  if (text === undefined) return refused('not-utf8')
  if (text.startsWith(META)) {
    const of = readPath(text.slice(META.length).replaceAll('\\', '/'), rules)
    return typeof of === 'string' ? { kind: 'refused', fault: of } : { kind: 'metadata', of: of.path }
  }
  const read = readPath(text.replaceAll('\\', '/'), rules)
  return typeof read === 'string' ? refused(read) : { kind: 'file', path: read.path }
}

/** The key of a path found in the folder, or why it has none. */
export function keyOfPath(path: string, rules: NameRules): { readonly key: Uint8Array } | { readonly fault: KeyFault } {
  // A file system may hold it, but everybody would read it as a folder.
  if (path.includes('\\')) return { fault: 'backslash' }
  if (path.startsWith(META)) return { fault: 'metadata' }
  // Names that are no Unicode reach us with replacement characters.
  if (path.includes('\ufffd')) return { fault: 'not-utf8' }
  const read = readPath(path, rules)
  if (typeof read === 'string') return { fault: read }
  const key = utf8(read.path)
  return key.length > MAX_KEY_BYTES ? { fault: 'too-long' } : { key }
}

export const metaKeyOf = (path: string): Uint8Array => utf8(META + path)

function readPath(path: string, rules: NameRules): { readonly path: string } | KeyFault {
  if (path === '') return 'empty'
  if (hasControl(path)) return 'control-character'
  if (path.startsWith('/')) return 'absolute'
  if (/^[a-zA-Z]:/.test(path)) return 'drive'
  const segments = path.split('/')
  if (segments.length > MAX_LEVELS) return 'too-deep'
  for (const segment of segments) {
    if (segment === '') return 'empty'
    if (segment === '.' || segment === '..') return 'dots'
    if (utf8(segment).length > MAX_SEGMENT_BYTES) return 'too-long'
    if (rules.windows && isBadOnWindows(segment)) return 'windows-name'
    if (isIgnoredName(segment)) return 'ignored'
  }
  return { path }
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true
  }
  return false
}

const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)/i

function isBadOnWindows(segment: string): boolean {
  return /[<>:"|?*]/.test(segment) || /[. ]$/.test(segment) || DEVICE.test(segment)
}

const IGNORED = new Set(['desktop.ini', 'thumbs.db', '.ds_store'])

/** Names that are never synchronised, in either direction: the reference's list, drafts of editors and our own. */
export function isIgnoredName(name: string): boolean {
  const lower = name.toLowerCase()
  return (
    IGNORED.has(lower) ||
    lower.endsWith('.k2') ||
    lower.startsWith(OWN_FILES) ||
    lower.startsWith('~$') ||
    lower.startsWith('.~lock.') ||
    lower.endsWith('.crdownload') ||
    lower.endsWith('.swp')
  )
}

/** The same for all names that a case-insensitive, normalising file system takes for one. */
export const foldPath = (path: string): string => path.normalize('NFC').toLowerCase().normalize('NFC')

/** `a/b (conflict 2026-11-22 14-05-09 1a2b3c4d).txt`: a free name for the losing version of a file, the same for the same inputs. */
export function conflictPath(path: string, at: number, hash: string): string {
  const slash = path.lastIndexOf('/')
  const name = path.slice(slash + 1)
  const dot = name.lastIndexOf('.')
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
  const when = new Date(at).toISOString().slice(0, 19).replace('T', ' ').replaceAll(':', '-')
  const mark = ` (conflict ${when} ${hash.slice(0, 8)})`
  const room = MAX_SEGMENT_BYTES - utf8(mark).length - utf8(extension.slice(0, 40)).length
  return `${path.slice(0, slash + 1)}${cutBytes(stem, room)}${mark}${extension.slice(0, 40)}`
}

/** The longest start of whole characters within `max` bytes of UTF-8. */
export function cutBytes(text: string, max: number): string {
  let size = 0
  let out = ''
  for (const character of text) {
    size += utf8(character).length
    if (size > max) break
    out += character
  }
  return out
}
