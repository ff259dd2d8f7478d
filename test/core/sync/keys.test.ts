import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromUtf8, utf8 } from '../../../src/base/bytes.ts'
import { conflictPath, cutBytes, foldPath, isIgnoredName, keyOfPath, readKey } from '../../../src/core/sync/keys.ts'

const UNIX = { windows: false }
const WINDOWS = { windows: true }
const read = (key: string, rules = UNIX) => readKey(utf8(key), rules)

describe('keys of documents as paths', () => {
  it('plain keys and those of Windows peers are paths', () => {
    expect(read('a')).toEqual({ kind: 'file', path: 'a' })
    expect(read('a/b c/größe.txt')).toEqual({ kind: 'file', path: 'a/b c/größe.txt' })
    expect(read('a\\b\\c.txt')).toEqual({ kind: 'file', path: 'a/b/c.txt' })
  })

  it.each([
    ['', 'empty'],
    ['/etc/passwd', 'absolute'],
    ['\\\\server\\share', 'absolute'],
    ['C:\\Windows\\x', 'drive'],
    ['c:x', 'drive'],
    ['../x', 'dots'],
    ['a/../../x', 'dots'],
    ['a/./x', 'dots'],
    ['a\\..\\x', 'dots'],
    ['a//b', 'empty'],
    ['a/', 'empty'],
    ['a\0b', 'control-character'],
    ['a\nb', 'control-character'],
    ['a\u0085b', 'control-character'],
    ['x'.repeat(256), 'too-long'],
    [Array.from({ length: 33 }, () => 'a').join('/'), 'too-deep'],
    ['desktop.ini', 'ignored'],
    ['a/Thumbs.DB', 'ignored'],
    ['a/.k2gw-00.draft', 'ignored'],
    ['.k2gw/x', 'ignored'],
    ['x.K2', 'ignored'],
  ])('%j is refused', (key, fault) => {
    expect(read(key)).toEqual({ kind: 'refused', fault })
  })

  it.each(['ab:c', 'con', 'COM1.txt', 'nul', 'a/aux.c', 'dot.', 'blank ', 'a?b', 'a|b'])(
    '%j is refused on Windows alone',
    (key) => {
      expect(read(key, WINDOWS)).toEqual({ kind: 'refused', fault: 'windows-name' })
      expect(read(key)).toEqual({ kind: 'file', path: key })
    },
  )

  it('metadata is never a file, however often it is named so', () => {
    expect(read('meta:a/b')).toEqual({ kind: 'metadata', of: 'a/b' })
    expect(read('meta:meta:a').kind).toBe('metadata')
    expect(read('meta:../a')).toEqual({ kind: 'refused', fault: 'dots' })
  })

  it('bytes that are no UTF-8 are refused', () => {
    expect(readKey(Uint8Array.of(0x61, 0xff), UNIX)).toEqual({ kind: 'refused', fault: 'not-utf8' })
  })

  it('never leaves the folder, whatever the bytes, and reads back what it writes', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.string({ maxLength: 40 }).map(utf8)), (key) => {
        const value = readKey(key, UNIX)
        if (value.kind !== 'file') return
        const segments = value.path.split('/')
        expect(segments.some((s) => s === '' || s === '.' || s === '..')).toBe(false)
        expect(value.path).not.toMatch(/[\0\\]/)
        const back = keyOfPath(value.path, UNIX)
        expect('key' in back && fromUtf8(back.key)).toBe(value.path)
      }),
      { numRuns: 2_000 },
    )
  })

  it('local names that documents cannot hold are refused', () => {
    expect(keyOfPath('a\\b', UNIX)).toEqual({ fault: 'backslash' })
    expect(keyOfPath('meta:a', UNIX)).toEqual({ fault: 'metadata' })
    expect(keyOfPath('a\ufffdb', UNIX)).toEqual({ fault: 'not-utf8' })
    expect(keyOfPath('a/meta:b', UNIX)).toEqual({ key: utf8('a/meta:b') })
  })
})

describe('names', () => {
  it('drafts and system files are ignored, others are not', () => {
    for (const name of ['.DS_Store', 'desktop.INI', '~$report.docx', '.~lock.a.ods#', 'notes.swp', '.k2gw-1.part']) {
      expect(isIgnoredName(name), name).toBe(true)
    }
    for (const name of ['k2', 'a.k2.txt', 'movie.part1.rar', '~', '.hidden']) expect(isIgnoredName(name), name).toBe(false)
  })

  it('a conflict copy has the extension, a free name and fits a segment', () => {
    expect(conflictPath('a/report.pdf', Date.UTC(2026, 10, 22, 14, 5, 9), 'ab'.repeat(32))).toBe(
      'a/report (conflict 2026-11-22 14-05-09 abababab).pdf',
    )
    const long = conflictPath(`${'ü'.repeat(120)}.txt`, 0, '00'.repeat(32))
    expect(utf8(long).length).toBeLessThanOrEqual(255)
    expect('key' in keyOfPath(long, UNIX)).toBe(true)
    expect(conflictPath('.profile', 0, '00'.repeat(32))).toBe('.profile (conflict 1970-01-01 00-00-00 00000000)')
  })

  it('are cut between characters, and folded as file systems do', () => {
    expect(cutBytes('aé😀', 3)).toBe('aé')
    expect(cutBytes('aé😀', 6)).toBe('aé')
    expect(cutBytes('aé😀', 7)).toBe('aé😀')
    expect(foldPath('Größe')).toBe(foldPath('GRÖSSE'.replace('SS', 'ß').normalize('NFD')))
  })
})
