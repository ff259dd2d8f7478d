import { describe, expect, it } from 'vitest'
import { fromHex, toHex } from '../../src/base/bytes.ts'
import { rangeFingerprint } from '../../src/core/docs/entry-index.ts'
import { type AuthorId, authorIdOf, namespaceIdOf } from '../../src/core/docs/ids.ts'
import {
  encodeStoredCapability,
  readCapability,
  readCapabilityFrom,
  writeCapability,
  writeCapabilityTo,
} from '../../src/core/docs/proto/capability.ts'
import { type DocTicket, decodeDocTicket, encodeDocTicket } from '../../src/core/docs/proto/doc-ticket.ts'
import { fingerprintOf, readSignedEntry, signingPreimage, writeSignedEntry } from '../../src/core/docs/proto/entry.ts'
import { decodeGossipOp, encodeGossipOp } from '../../src/core/docs/proto/gossip-op.ts'
import { decodeHeads, encodeHeads } from '../../src/core/docs/proto/heads.ts'
import { type AbortReason, decodeSyncFrame, encodeSyncFrame } from '../../src/core/docs/proto/message.ts'
import { DOWNLOAD_EVERYTHING, decodePolicy, encodePolicy } from '../../src/core/docs/proto/policy.ts'
import { openingMessage } from '../../src/core/docs/reconcile.ts'
import { isSigned, Replica } from '../../src/core/docs/replica.ts'
import { parseHash } from '../../src/core/ids.ts'
import { endpointAddr } from '../../src/core/keys/address.ts'
import { createVerifier, signerOfSeed } from '../../src/core/keys/ed25519.ts'
import { parseEndpointId } from '../../src/core/keys/endpoint-id.ts'
import { WireReader } from '../../src/core/wire/reader.ts'
import { WireWriter } from '../../src/core/wire/writer.ts'
import { AUTHOR, entryOf, frames, NAMESPACE, T, tombstone } from '../core/docs/entries.ts'
import { Vectors } from './vectors.ts'

const v = new Vectors('docs')
const verify = createVerifier()
const E1 = entryOf('hello', 'world', T)
const E2 = entryOf('alpha', '1', T + 1n)
const E3 = entryOf('beta', '22', T + 2n)
const TS = tombstone('hello', T + 10n)
const written = (write: (writer: WireWriter) => unknown): string => {
  const writer = new WireWriter()
  write(writer)
  return toHex(writer.finish())
}
const holding = (...entries: (typeof E1)[]): Replica => {
  const replica = new Replica(NAMESPACE.publicKey)
  for (const entry of entries) expect(replica.put(entry).kind).toBe('inserted')
  return replica
}

describe('entries as iroh-docs makes them', () => {
  it('ids, preimage and signatures', () => {
    expect(toHex(NAMESPACE.publicKey)).toBe(v.hex('namespace id'))
    expect(toHex(AUTHOR.publicKey)).toBe(v.hex('author id'))
    expect(toHex(E1.id)).toBe(v.hex('record identifier E1'))
    expect(toHex(signingPreimage(E1.id, E1))).toBe(v.hex('preimage E1'))
    expect(toHex(E1.namespaceSignature)).toBe(v.hex('namespace signature E1'))
    expect(toHex(E1.authorSignature)).toBe(v.hex('author signature E1'))
  })

  it.each([
    ['E1', E1],
    ['E2', E2],
    ['E3', E3],
    ['TS', TS],
    [
      'golden',
      tombstone('wire-format-test', T, signerOfSeed(new Uint8Array(32).fill(0xb2)), signerOfSeed(new Uint8Array(32).fill(0xa1))),
    ],
  ] as const)('signed entry %s, both directions', (name, entry) => {
    const hex = v.hex(`signed_entry ${name}`)
    expect(written((w) => writeSignedEntry(w, entry))).toBe(hex)
    const read = readSignedEntry(new WireReader(fromHex(hex)))
    expect(read).toEqual(entry)
    expect(isSigned(read, verify)).toBe(true)
  })

  it('fingerprints of entries and ranges', () => {
    expect(toHex(fingerprintOf(E1.id, E1))).toBe(v.hex('fingerprint 1 entry'))
    for (const [name, entry] of [
      ['E2', E2],
      ['E3', E3],
      ['TS', TS],
    ] as const) {
      expect(toHex(fingerprintOf(entry.id, entry))).toBe(v.hex(`fingerprint ${name}`))
      const { index } = holding(entry)
      expect(toHex(rangeFingerprint([[0, 1]], index))).toBe(v.hex(`fingerprint of range ${name}`))
    }
    const all = (replica: Replica): string => toHex(rangeFingerprint([[0, replica.index.size]], replica.index))
    expect(all(holding())).toBe(v.hex('fingerprint of range 0 entries'))
    expect(all(holding(E1))).toBe(v.hex('fingerprint of range 1 entry'))
    expect(all(holding(E1, E2, E3))).toBe(v.hex('fingerprint of range 3 entries'))
  })
})

describe('capabilities, policies and tickets', () => {
  const read = readCapability(namespaceIdOf(NAMESPACE.publicKey))
  const write = writeCapability(new Uint8Array(32).fill(1))

  it.each([
    ['capability read', read],
    ['capability write', write],
  ] as const)('%s', (name, capability) => {
    expect(written((w) => writeCapabilityTo(w, capability))).toBe(v.hex(name))
    expect(readCapabilityFrom(new WireReader(v.bytes(name)))).toEqual(capability)
  })

  it('counts kinds in the store otherwise', () => {
    const kinds = v.get('capability store kinds')
    expect([encodeStoredCapability(read)[0], encodeStoredCapability(write)[0]]).toEqual([kinds.read, kinds.write])
  })

  it('default download policy', () => {
    expect(toHex(encodePolicy(DOWNLOAD_EVERYTHING))).toBe(v.hex('download policy default'))
    expect(decodePolicy(v.bytes('download policy default'))).toEqual(DOWNLOAD_EVERYTHING)
  })

  const keys = new Vectors('keys')
  const node = parseEndpointId('ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1')
  const upstream = 'ae58ff8833241ac82d6ff7611046ed67b5072d142c588d0063e942d9a75502b6'
  it.each([
    ['doc_ticket_write', { capability: write, nodes: [endpointAddr(node)] }],
    ['doc_ticket_read', { capability: read, nodes: [endpointAddr(node)] }],
    [
      'doc_ticket_read_full',
      { capability: read, nodes: [endpointAddr(node, ['https://relay.example.com./'], ['127.0.0.1:1234'])] },
    ],
    [
      'doc_ticket_upstream_case',
      { capability: readCapability(namespaceIdOf(fromHex(upstream))), nodes: [endpointAddr(parseEndpointId(upstream))] },
    ],
  ] as readonly (readonly [string, DocTicket])[])('%s', (name, ticket) => {
    expect(encodeDocTicket(ticket)).toBe(keys.text(name))
    expect(decodeDocTicket(keys.text(name))).toEqual(ticket)
  })

  it('refuses a ticket without nodes', () => {
    expect(() => decodeDocTicket(keys.text('doc_ticket_without_nodes'))).toThrow(
      expect.objectContaining({ code: 'DOC_BAD_TICKET' }),
    )
  })
})

describe('heads and notices', () => {
  const ours = authorIdOf(AUTHOR.publicKey)
  const other = (byte: string): AuthorId => byte.repeat(32) as AuthorId
  it.each([
    ['heads empty', new Map<AuthorId, bigint>(), 1000],
    ['heads one', new Map([[ours, T + 2n]]), 1000],
    [
      'heads two',
      new Map([
        [ours, T + 2n],
        [other('aa'), T + 5n],
      ]),
      1000,
    ],
    [
      'heads two in 60 bytes',
      new Map([
        [ours, T + 2n],
        [other('aa'), T + 5n],
      ]),
      60,
    ],
  ] as const)('%s', (name, heads, max) => {
    expect(toHex(encodeHeads(heads, max))).toBe(v.hex(name))
    expect(encodeHeads(decodeHeads(v.bytes(name)), 1000)).toEqual(v.bytes(name))
  })

  it('notices', () => {
    const put = encodeGossipOp({ kind: 'put', entry: E1 })
    expect(toHex(put)).toBe(v.hex('op put E1'))
    expect(decodeGossipOp(put)).toEqual({ kind: 'put', entry: E1 })
    const hash = parseHash(v.hex('hash of "world"'))
    expect(toHex(encodeGossipOp({ kind: 'content-ready', hash }))).toBe(v.hex('op content ready'))
    const report = {
      kind: 'sync-report',
      namespace: namespaceIdOf(NAMESPACE.publicKey),
      heads: new Map([[ours, T + 2n]]),
    } as const
    expect(toHex(encodeGossipOp(report))).toBe(v.hex('op sync report'))
    expect(decodeGossipOp(v.bytes('op sync report'))).toEqual(report)
    const lengths = v.get('op put lengths')
    for (const size of [64, 3821]) {
      const entry = entryOf('k'.repeat(size), 'x', T)
      expect(encodeGossipOp({ kind: 'put', entry }).length).toBe(lengths[`key ${size}`])
    }
  })
})

describe('reconciliation messages', () => {
  it.each([
    ['0 entries', []],
    ['1 entry', [E1]],
    ['3 entries', [E1, E2, E3]],
    ['E2', [E2]],
    ['E3', [E3]],
    ['TS', [TS]],
  ] as const)('opening of %s', (name, entries) => {
    const namespace = namespaceIdOf(NAMESPACE.publicKey)
    const frame = encodeSyncFrame({ kind: 'init', namespace, message: openingMessage(holding(...entries)) })
    expect(toHex(frame)).toBe(v.hex(`init ${name}`))
    expect(decodeSyncFrame(frame)).toMatchObject({ kind: 'init', namespace })
  })

  it.each([
    ['not found', 'not-found'],
    ['already syncing', 'already-syncing'],
    ['internal error', 'internal-error'],
  ] as readonly (readonly [string, AbortReason])[])('abort: %s', (name, reason) => {
    expect(toHex(encodeSyncFrame({ kind: 'abort', reason }))).toBe(v.hex(`abort ${name}`))
    expect(decodeSyncFrame(v.bytes(`abort ${name}`))).toEqual({ kind: 'abort', reason })
  })

  it.each([
    ['B1', [], [E1]],
    ['B3', [], [E1, E2, E3]],
    ['T', [E2], [E3]],
    ['R', [E1], [E1, E2, E3]],
  ] as const)('session %s, frame by frame', (name, dialer, acceptor) => {
    const [alice, bob] = [holding(...dialer), holding(...acceptor)]
    const sent = frames(alice, bob)
    const outcome = v.get(`session ${name} outcome`)
    expect(sent.length).toBe(outcome.messages)
    // The first one is the opening, tested above.
    for (const [i, frame] of sent.slice(1).entries()) expect(toHex(frame)).toBe(v.hex(`session ${name} step ${i + 2}`))
    expect([...alice.index.rows()].map((r) => r.entry)).toEqual([...bob.index.rows()].map((r) => r.entry))
  })

  it('reads what follows a message as nothing', () => {
    const frame = v.bytes('init 1 entry')
    expect(decodeSyncFrame(Uint8Array.of(...frame, 1, 2, 3))).toEqual(decodeSyncFrame(frame))
  })
})
