import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attachmentHeader, safeContentType } from '../../../src/gateway/blobs/content-headers.ts'
import { uuidOf } from '../../../src/gateway/blobs/file-ledger.ts'
import { readRange } from '../../../src/gateway/blobs/http-range.ts'
import { createLinkSigner } from '../../../src/gateway/blobs/link-token.ts'

describe('the Range header (RFC 9110 14.1.2)', () => {
  it.each([
    [undefined, 10, { kind: 'whole' }],
    ['bytes=0-', 10, { kind: 'part', start: 0, end: 10 }],
    ['bytes=0-0', 10, { kind: 'part', start: 0, end: 1 }],
    ['bytes=5-100', 10, { kind: 'part', start: 5, end: 10 }],
    ['bytes=-3', 10, { kind: 'part', start: 7, end: 10 }],
    ['bytes=-30', 10, { kind: 'part', start: 0, end: 10 }],
    ['BYTES = 2-3', 10, { kind: 'part', start: 2, end: 4 }],
    ['bytes=10-', 10, { kind: 'refused' }],
    ['bytes=-0', 10, { kind: 'refused' }],
    ['bytes=0-', 0, { kind: 'refused' }],
    ['bytes=0-1,3-4', 10, { kind: 'refused' }],
    // Not valid: as if it were not there.
    ['bytes=5-2', 10, { kind: 'whole' }],
    ['bytes=-', 10, { kind: 'whole' }],
    ['bytes=a-b', 10, { kind: 'whole' }],
    ['items=0-1', 10, { kind: 'whole' }],
  ])('%s of %i bytes', (header, size, wanted) => {
    expect(readRange(header, size)).toEqual(wanted)
  })

  it('never leaves the file, whatever is written', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((s) => `bytes=${s}`),
        ),
        fc.nat(1000),
        (header, size) => {
          const range = readRange(header, size)
          if (range.kind === 'part') return range.start >= 0 && range.start < range.end && range.end <= size
          return true
        },
      ),
    )
  })
})

describe('headers of a download', () => {
  it('name the file for old and new readers (RFC 6266, RFC 5987)', () => {
    expect(attachmentHeader('report.pdf')).toBe('attachment; filename="report.pdf"')
    expect(attachmentHeader('naïve "q" €.txt')).toBe(
      `attachment; filename="nai_ve _q_ _.txt"; filename*=UTF-8''na%C3%AFve%20%22q%22%20%E2%82%AC.txt`,
    )
    expect(attachmentHeader('100%.txt')).toContain("filename*=UTF-8''100%25.txt")
  })

  it('cannot be broken out of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const header = attachmentHeader(name)
        return /^[\x20-\x7e]*$/.test(header) && (header.split('"').length - 1) % 2 === 0
      }),
    )
  })

  it('let nothing run: active types become bytes', () => {
    for (const active of ['text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/javascript', '', undefined, 'x'])
      expect(safeContentType(active)).toBe('application/octet-stream')
    expect(safeContentType('image/PNG; charset=x')).toBe('image/png')
  })
})

describe('signed links', () => {
  const signer = createLinkSigner(new Uint8Array(32).fill(7))
  const id = '01a202f0-27f1-7a94-b5ed-fbc2315afcea'
  const token = signer.sign(id, 2_000)

  it('hold until they expire, and only with the key they were made with', () => {
    expect(token).toMatch(/^[A-Za-z0-9_-]{51}$/)
    expect(signer.verify(token, 1_999)).toBe(id)
    expect(signer.verify(token, 2_000)).toBeUndefined()
    expect(createLinkSigner(new Uint8Array(32).fill(8)).verify(token, 0)).toBeUndefined()
  })

  it('cannot be changed or made up', () => {
    const bytes = Buffer.from(token, 'base64url')
    for (let i = 0; i < bytes.length; i++) {
      const bent = Buffer.from(bytes)
      bent[i] = (bent[i] as number) ^ 1
      expect(signer.verify(bent.toString('base64url'), 0)).toBeUndefined()
    }
    fc.assert(fc.property(fc.string(), (text) => signer.verify(text, 0) === undefined))
  })

  it('ids that follow from their parts are UUIDs', () => {
    expect(uuidOf(['a', 1])).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(uuidOf(['a', 1])).toBe(uuidOf(['a', 1]))
    expect(uuidOf(['a', 1])).not.toBe(uuidOf(['a1']))
  })
})
