import { describe, expect, it } from 'vitest'
import { concatBytes, toHex, utf8 } from '../../src/base/bytes.ts'
import {
  collectionFiles,
  decodeCollectionNames,
  decodeHashSeq,
  encodeCollectionNames,
  encodeHashSeq,
} from '../../src/core/blobs/proto/collection.ts'
import { decodeBitfield, encodeBitfield } from '../../src/core/blobs/proto/observe.ts'
import { RAW_BLOB, rangesSeqOf, rawRanges, WHOLE_HASH_SEQ, writeRanges } from '../../src/core/blobs/proto/ranges-seq.ts'
import { type BlobRequest, decodeRequest, encodeRequest } from '../../src/core/blobs/proto/requests.ts'
import { blake3, parentCv, subtreeCv } from '../../src/core/blobs/tree/blake3.ts'
import { encodeRanges, encodeSize, memorySource } from '../../src/core/blobs/tree/encode.ts'
import { hashBlob } from '../../src/core/blobs/tree/outboard.ts'
import { ALL, type ChunkRanges, LAST_CHUNK } from '../../src/core/blobs/tree/ranges.ts'
import { type Hash, hashOf } from '../../src/core/ids.ts'
import { WireWriter } from '../../src/core/wire/writer.ts'
import { fingerprintOf, pattern, Vectors } from './vectors.ts'

const v = new Vectors('blobs')
const hashOfSize = (size: number): Hash => hashOf(blake3(pattern(size)))
const H = hashOfSize(50_000)
const MAX = 0xffff_ffff_ffff_ffffn

describe('hashes and outboards', () => {
  it.each(v.named('hash ').map(Number))('of %i bytes', (size) => {
    const blob = hashBlob(pattern(size))
    expect(toHex(blob.hash)).toBe(v.hex(`hash ${size}`))
    expect(fingerprintOf(blob.outboard)).toEqual(v.fingerprint(`outboard ${size}`))
  })

  it('chaining values inside a blob of 50,000 bytes', () => {
    const data = pattern(50_000)
    const cv = (from: number, to: number): Uint8Array => subtreeCv(data.subarray(from, to), from / 1024, false)
    expect(toHex(cv(0, 1024))).toBe(v.hex('cv chunk 0'))
    expect(toHex(cv(1024, 2048))).toBe(v.hex('cv chunk 1'))
    const groups = [cv(0, 16_384), cv(16_384, 32_768), cv(32_768, 49_152), cv(49_152, 50_000)]
    for (const [i, group] of groups.entries()) expect(toHex(group)).toBe(v.hex(`cv group ${i}`))
    const parent = (left: Uint8Array, right: Uint8Array, isRoot: boolean): Uint8Array =>
      parentCv(concatBytes([left, right]), isRoot)
    const left = parent(groups[0] as Uint8Array, groups[1] as Uint8Array, false)
    const right = parent(groups[2] as Uint8Array, groups[3] as Uint8Array, false)
    expect(toHex(left)).toBe(v.hex('cv parent 0..32768'))
    expect(toHex(right)).toBe(v.hex('cv parent 32768..50000'))
    expect(toHex(parent(left, right, true))).toBe(v.hex('cv top as root'))
    expect(toHex(parent(left, right, false))).toBe(v.hex('cv top not as root'))
  })
})

describe('range sets and requests', () => {
  const specs: readonly (readonly [string, ChunkRanges])[] = [
    ['nothing', []],
    ['everything', ALL],
    ['from chunk 64', [64n]],
    ['from chunk 10000', [10_000n]],
    ['chunks 0..63', [0n, 64n]],
    ['chunks 1..2 and 9..12', [1n, 3n, 9n, 13n]],
    ['last chunk', LAST_CHUNK],
    ['chunk 0 and last chunk', [0n, 1n, MAX]],
  ]
  it.each(specs)('range set: %s', (name, ranges) => {
    const writer = new WireWriter()
    writeRanges(writer, ranges)
    expect(toHex(writer.finish())).toBe(v.hex(`range_spec ${name}`))
  })

  const get = (ranges: BlobRequest & { kind: 'get' }): BlobRequest => ranges
  const requests: readonly (readonly [string, BlobRequest])[] = [
    ['get whole raw blob', get({ kind: 'get', hash: H, ranges: RAW_BLOB })],
    ['get hash seq, everything', get({ kind: 'get', hash: H, ranges: WHOLE_HASH_SEQ })],
    ['get bytes 10000..20000', get({ kind: 'get', hash: H, ranges: rawRanges([9n, 20n]) })],
    ['get resume from chunk 16', get({ kind: 'get', hash: H, ranges: rawRanges([16n]) })],
    ['get chunks 16..31 and from 33', get({ kind: 'get', hash: H, ranges: rawRanges([16n, 32n, 33n]) })],
    ['get size probe', get({ kind: 'get', hash: H, ranges: rawRanges(LAST_CHUNK) })],
    ['get chunk 0 and last chunk', get({ kind: 'get', hash: H, ranges: rawRanges([0n, 1n, MAX]) })],
    ['get root and sizes of all children', get({ kind: 'get', hash: H, ranges: rangesSeqOf([ALL, LAST_CHUNK], true) })],
    ['get child 1 only', get({ kind: 'get', hash: H, ranges: rangesSeqOf([[], [], ALL]) })],
    ['get rest of child 1 and all later', get({ kind: 'get', hash: H, ranges: rangesSeqOf([[], [], [1_000_000n], ALL], true) })],
    ['get nothing', get({ kind: 'get', hash: H, ranges: [] })],
    ['observe', { kind: 'observe', hash: H, ranges: ALL }],
    ['get_many complete', { kind: 'get-many', hashes: [hashOfSize(1), H], ranges: rangesSeqOf([ALL, ALL]) }],
    ['get_many open-ended', { kind: 'get-many', hashes: [hashOfSize(1), H], ranges: rangesSeqOf([ALL], true) }],
  ]
  it.each(requests)('%s', (name, request) => {
    expect(toHex(encodeRequest(request))).toBe(v.hex(name))
    expect(decodeRequest(v.bytes(name))).toEqual(request)
  })

  it('a push as it is written to the stream: request, then the response it would be', async () => {
    const data = pattern(50_000)
    const header = encodeRequest({ kind: 'push', hash: H, ranges: RAW_BLOB })
    const written = concatBytes([header, await response(data, ALL)])
    expect(fingerprintOf(written)).toEqual(v.fingerprint('push whole blob'))
  })
})

async function response(data: Uint8Array, ranges: ChunkRanges): Promise<Uint8Array> {
  const { hash, outboard } = hashBlob(data)
  const pieces = [encodeSize(data.length)]
  for await (const piece of encodeRanges(memorySource(data, outboard), hash, ranges)) pieces.push(piece.slice())
  return concatBytes(pieces)
}

describe('responses recorded from a live provider', () => {
  const rangesOf = (what: string): ChunkRanges => {
    if (what === 'whole') return ALL
    if (what === 'probe') return LAST_CHUNK
    return JSON.parse(what.slice(what.indexOf('['))).map(BigInt)
  }
  const cases = v.named('response ').flatMap((name): [string, number, ChunkRanges][] => {
    const [, size, what] = /^(\d+) (.+)$/.exec(name) ?? []
    return size === undefined || what === undefined ? [] : [[name, Number(size), rangesOf(what)]]
  })
  it('there are enough of them', () => {
    expect(cases.length).toBe(21)
  })
  it.each(cases)('%s', async (name, size, ranges) => {
    expect(fingerprintOf(await response(pattern(size), ranges))).toEqual(v.fingerprint(`response ${name}`))
  })

  it('several blobs in one request', async () => {
    const both = concatBytes([await response(pattern(1), ALL), await response(pattern(50_000), [16n])])
    expect(fingerprintOf(both)).toEqual(v.fingerprint('response get_many 1 whole, 50000 [16]'))
  })

  it('a collection', async () => {
    const files = [pattern(1), pattern(16_385)]
    const names = ['a.txt', 'dir/b.bin']
    const metadata = encodeCollectionNames(names)
    expect(toHex(metadata)).toBe(v.hex('collection metadata'))
    expect(decodeCollectionNames(v.bytes('collection metadata'))).toEqual(names)
    const hashes = [metadata, ...files].map((bytes) => hashOf(blake3(bytes)))
    const root = encodeHashSeq(hashes)
    expect(toHex(root)).toBe(v.hex('collection hash seq'))
    expect(toHex(blake3(root))).toBe(v.hex('collection root'))
    expect(collectionFiles(names, decodeHashSeq(v.bytes('collection hash seq'))).map((f) => f.hash)).toEqual(hashes.slice(1))
    const all = concatBytes(await Promise.all([root, metadata, ...files].map((bytes) => response(bytes, ALL))))
    expect(fingerprintOf(all)).toEqual(v.fingerprint('response collection'))
  })

  it.each([
    ['observe unknown', 0n, []],
    ['observe complete', 50_000n, ALL],
    ['observe first 32 chunks', 50_000n, [0n, 32n]],
    ['observe differences up to complete', 50_000n, [32n]],
  ] as const)('%s', (name, size, ranges) => {
    expect(toHex(encodeBitfield({ size, ranges }))).toBe(v.hex(name))
    expect(decodeBitfield(v.bytes(name).subarray(1))).toEqual({ size, ranges })
  })
})

describe('what a requester sees of faults, so that it can be told apart', () => {
  it('unknown hashes and broken sequences are reset with code 3, malformed requests answered with an empty stream', () => {
    expect(v.get('fault unknown hash')).toMatchObject({ reset: 3 })
    expect(v.get('fault not a hash seq')).toMatchObject({ reset: 3 })
    expect(v.get('fault reserved discriminant')).toMatchObject({ finished: true, hex: '' })
    expect(v.get('fault truncated body')).toMatchObject({ finished: true, hex: '' })
  })

  it('bytes behind a request are ignored by both', () => {
    const request = concatBytes([encodeRequest({ kind: 'get', hash: hashOfSize(1), ranges: RAW_BLOB }), utf8('junk')])
    expect(decodeRequest(request)).toEqual({ kind: 'get', hash: hashOfSize(1), ranges: RAW_BLOB })
    expect(v.get('fault trailing bytes')).toMatchObject({ finished: true, hex: '010000000000000000' })
  })
})
