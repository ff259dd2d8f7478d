import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatBytes, fromHex, toHex } from '../../../../src/base/bytes.ts'
import { isK2Error } from '../../../../src/base/errors.ts'
import { decodeBlobTicket, encodeBlobTicket } from '../../../../src/core/blobs/proto/blob-ticket.ts'
import {
  collectionFiles,
  decodeCollectionNames,
  decodeHashSeq,
  encodeCollectionNames,
  encodeHashSeq,
} from '../../../../src/core/blobs/proto/collection.ts'
import { joinShare, safeFileName, splitShare } from '../../../../src/core/blobs/proto/file-name.ts'
import { applyUpdate, decodeBitfield, encodeBitfield, UNKNOWN_BLOB } from '../../../../src/core/blobs/proto/observe.ts'
import {
  isRawRequest,
  RAW_BLOB,
  rangesAt,
  rangesSeqOf,
  rawRanges,
  selectedRuns,
  WHOLE_HASH_SEQ,
} from '../../../../src/core/blobs/proto/ranges-seq.ts'
import { type BlobRequest, decodeRequest, encodeRequest } from '../../../../src/core/blobs/proto/requests.ts'
import { blake3 } from '../../../../src/core/blobs/tree/blake3.ts'
import { ALL, LAST_CHUNK, NOTHING } from '../../../../src/core/blobs/tree/ranges.ts'
import { hashOf, parseHash, parsePeerId } from '../../../../src/core/ids.ts'
import { endpointAddr } from '../../../../src/core/keys/address.ts'

const H = parseHash('44e72a003e98fc2a76da16aca79352814c7278629eb36e48d06aa4899f608deb')
const ONE = parseHash('2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213')
const get = (ranges: Extract<BlobRequest, { kind: 'get' }>['ranges']): BlobRequest => ({ kind: 'get', hash: H, ranges })

/** blobs.md 16.3 */
const REQUESTS: readonly [string, BlobRequest, string][] = [
  ['whole raw blob', get(RAW_BLOB), `00${H}020001000100`],
  ['hash sequence, everything', get(WHOLE_HASH_SEQ), `00${H}01000100`],
  ['bytes 10000..20000', get(rawRanges([9n, 20n])), `00${H}020002090b0100`],
  ['resume from chunk 16', get(rawRanges([16n])), `00${H}020001100100`],
  ['chunks 16..31 and from 33', get(rawRanges([16n, 32n, 33n])), `00${H}0200031010010100`],
  ['size probe', get(rawRanges(LAST_CHUNK)), `00${H}020001ffffffffffffffffff010100`],
  ['chunk 0 and last chunk', get(rawRanges([0n, 1n, 2n ** 64n - 1n])), `00${H}0200030001feffffffffffffffff010100`],
  ['root and sizes of all children', get(rangesSeqOf([ALL, LAST_CHUNK], true)), `00${H}020001000101ffffffffffffffffff01`],
  ['child 1 only', get(rangesSeqOf([NOTHING, NOTHING, ALL])), `00${H}020201000100`],
  ['nothing', get([]), `00${H}00`],
  ['observe', { kind: 'observe', hash: H, ranges: ALL }, `01${H}0100`],
  ['two blobs', { kind: 'get-many', hashes: [ONE, H], ranges: rangesSeqOf([ALL, ALL]) }, `0902${ONE}${H}020001000200`],
  ['two blobs, open-ended', { kind: 'get-many', hashes: [ONE, H], ranges: WHOLE_HASH_SEQ }, `0902${ONE}${H}01000100`],
  ['push', { kind: 'push', hash: H, ranges: RAW_BLOB }, `0826${H}020001000100`],
]

describe('requests', () => {
  it.each(REQUESTS)('%s', (_name, request, hex) => {
    expect(toHex(encodeRequest(request))).toBe(hex)
    expect(decodeRequest(fromHex(hex))).toEqual(request)
    expect(decodeRequest(fromHex(`${hex}00ff`))).toEqual(request)
  })

  it('any bytes give a request or a typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeRequest(bytes)
        } catch (error) {
          expect(isK2Error(error)).toBe(true)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('zero widths cancel and repeated indices replace', () => {
    // blobs.md 5.4: boundaries 0, 5, 5, 8 are 0..8.
    expect(decodeRequest(fromHex(`01${H}0400050003`))).toEqual({ kind: 'observe', hash: H, ranges: [0n, 8n] })
    expect(decodeRequest(fromHex(`00${H}03 0001 00 000110 0100`.replaceAll(' ', '')))).toEqual(get(rawRanges([16n])))
  })

  it('a chunk number beyond 2^64 is refused', () => {
    expect(() => decodeRequest(fromHex(`01${H}02ffffffffffffffffff0101`))).toThrow(/2\^64/)
  })
})

describe('range sequences', () => {
  it('are walked by runs, however far apart', () => {
    const seq = [{ index: 2n ** 60n, ranges: ALL }]
    expect([...selectedRuns(seq)]).toEqual([{ from: 2n ** 60n, to: undefined, ranges: ALL }])
    expect(rangesAt(seq, 2n ** 60n - 1n)).toEqual(NOTHING)
    expect(rangesAt(seq, 2n ** 61n)).toEqual(ALL)
  })

  it('name a raw blob only when no child is selected', () => {
    expect(isRawRequest(RAW_BLOB)).toBe(true)
    expect(isRawRequest(WHOLE_HASH_SEQ)).toBe(false)
    expect(isRawRequest([])).toBe(true)
  })
})

describe('observe messages', () => {
  it('have absolute boundaries', () => {
    expect(toHex(encodeBitfield(UNKNOWN_BLOB))).toBe('020000')
    expect(toHex(encodeBitfield({ size: 50_000n, ranges: ALL }))).toBe('05d086030100')
    expect(toHex(encodeBitfield({ size: 50_000n, ranges: [0n, 32n] }))).toBe('06d08603020020')
    expect(decodeBitfield(fromHex('d08603020020'))).toEqual({ size: 50_000n, ranges: [0n, 32n] })
  })

  it('later ones are differences', () => {
    const first = { size: 50_000n, ranges: [0n, 32n] }
    expect(applyUpdate(first, decodeBitfield(fromHex('d086030120')))).toEqual({ size: 50_000n, ranges: [0n] })
  })
})

describe('collections', () => {
  // blobs.md 16.5
  const names = ['a.txt', 'dir/b.bin']
  const meta = encodeCollectionNames(names)
  const hashes = [hashOf(blake3(meta)), ONE, parseHash('1dabe216be2578830263b049de1639f39f05a4da616b9b78c7a5e4e41662fd1f')]

  it('are the bytes of the reference', () => {
    expect(toHex(meta)).toBe('436f6c6c656374696f6e56302e0205612e747874096469722f622e62696e')
    expect(hashes[0]).toBe('78e47d62358579a7b2cc5b4bccbb5e364e8c57608e854569c0a322e1371ea972')
    expect(toHex(blake3(encodeHashSeq(hashes)))).toBe('9809528f24561536965d6b287b8aba7d7f93df8d8dd60b56dfc11319f1b6aa41')
  })

  it('read back, and refuse wrong counts', () => {
    expect(collectionFiles(decodeCollectionNames(meta), decodeHashSeq(encodeHashSeq(hashes)))).toEqual([
      { name: 'a.txt', hash: hashes[1] },
      { name: 'dir/b.bin', hash: hashes[2] },
    ])
    expect(() => collectionFiles(names, hashes.slice(1))).toThrow(/needs 3 hashes/)
    expect(() => decodeHashSeq(new Uint8Array(33))).toThrow(/multiple of 32/)
    expect(() => decodeCollectionNames(concatBytes([meta.subarray(0, 5), meta]))).toThrow(/not the metadata/)
  })
})

describe('tickets', () => {
  const id = parsePeerId('ae58ff8833241ac82d6ff7611046ed67b5072d142c588d0063e942d9a75502b6')
  const small = parseHash('0b84d358e4c8be6c38626b2182ff575818ba6bd3f4b90464994be14cb354a072')
  const cases = [
    [
      { addr: endpointAddr(id), format: 'raw', hash: small },
      'blobacxfr74igmsbvsbnn73wcecg5vt3kbzncqwfrdiampuufwnhkublmaaaaafyju2y4tel43bymjvsdax7k5mbrotl2p2lsbdetff6ctftksqhe',
    ],
    [
      { addr: endpointAddr(id), format: 'hash-seq', hash: small },
      'blobacxfr74igmsbvsbnn73wcecg5vt3kbzncqwfrdiampuufwnhkublmaaaaefyju2y4tel43bymjvsdax7k5mbrotl2p2lsbdetff6ctftksqhe',
    ],
    [
      { addr: endpointAddr(id, ['https://relay.example.com./'], ['127.0.0.1:1234', '[::1]:4433']), format: 'raw', hash: H },
      'blobacxfr74igmsbvsbnn73wcecg5vt3kbzncqwfrdiampuufwnhkublmai3nb2hi4dthixs64tfnrqxsltfpbqw24dmmuxgg33nfyxqead7aaaaduqjaeaaaaaaaaaaaaaaaaaaaaaaaaa5ciqaittsuab6td6cu5w2c2wkpe2sqfghe6dct2zw4sgqnksith3arxvq',
    ],
  ] as const

  it.each(cases)('encode and decode', (ticket, text) => {
    expect(encodeBlobTicket(ticket)).toBe(text)
    expect(decodeBlobTicket(text)).toEqual(ticket)
    expect(decodeBlobTicket(`blob${text.slice(4).toUpperCase()}`)).toEqual(ticket)
    expect(decodeBlobTicket(`${text.slice(0, -1)}${text.slice(-1)}`)).toEqual(ticket)
  })

  it('refuse what is not a ticket, with a reason', () => {
    const good = cases[0][1]
    for (const text of [`BLOB${good.slice(4)}`, ` ${good}`, `${good}a`, good.slice(0, 40), 'blob', '']) {
      expect(() => decodeBlobTicket(text)).toThrow(/blob ticket/)
    }
  })
})

describe('file names of strangers', () => {
  it.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\Windows\\evil.exe', 'evil.exe'],
    ['..', 'file.bin'],
    ['', 'file.bin'],
    ['a\u0000b\n.txt', 'a_b_.txt'],
    ['invoice\u202Egpj.exe', 'invoice_gpj.exe'],
    ['CON.txt', '_CON.txt'],
    ['.bashrc', 'bashrc'],
    ['отчёт за май.pdf', 'отчёт за май.pdf'],
  ])('%j is %j', (given, safe) => expect(safeFileName(given)).toBe(safe))

  it('keep their extension and fit a file system, whatever they are', () => {
    expect(safeFileName(`${'я'.repeat(500)}.tar`)).toMatch(/^я+\.tar$/)
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (name) => {
        const safe = safeFileName(name)
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(200)
        expect(safe).not.toMatch(/[\\/|\u0000]/)
        expect(['', '.', '..']).not.toContain(safe)
        expect(splitShare(joinShare(name, 'blobabc'))).toEqual({ name: safe, ticket: 'blobabc' })
      }),
    )
  })
})
