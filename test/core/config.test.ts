import { expect, test } from 'vitest'
import { K2_TRACKER, NODE_LIMITS, type NodeConfig, readNodeConfig } from '../../src/core/config.ts'
import { endpointAddr } from '../../src/core/keys/address.ts'
import { encodeEndpointTicket } from '../../src/core/keys/ticket.ts'
import { A, B } from './k2/fixtures.ts'

test('has a default for everything', () => {
  expect(readNodeConfig()).toEqual({
    mode: 'n0',
    relays: [],
    identities: 'single',
    bind: undefined,
    topics: ['Digital Assets', 'Goods', 'Freelance Job'],
    peers: [],
    contacts: [],
    limits: NODE_LIMITS,
    discovery: { trackers: [{ id: K2_TRACKER, relays: [], direct: [] }], announce: true, mdns: false, dht: undefined },
  })
  expect(readNodeConfig({ mode: 'lan' }).discovery.trackers).toEqual([])
  expect(readNodeConfig({ mode: 'loopback', discovery: { trackers: [A], announce: false } }).discovery).toEqual({
    trackers: [endpointAddr(A)],
    announce: false,
    mdns: false,
    dht: undefined,
  })
  expect(readNodeConfig({ mode: 'lan', discovery: { mdns: true, dht: {} } }).discovery).toMatchObject({
    mdns: true,
    dht: { publish: true, closed: false, bootstrap: expect.arrayContaining(['router.bittorrent.com:6881']) },
  })
})

test('reads peers in every form and merges what is said about one', () => {
  const ticket = encodeEndpointTicket(endpointAddr(A, [], ['127.0.0.1:1']))
  expect(readNodeConfig({ peers: [ticket, `${A}@127.0.0.1:2`, B.toUpperCase()] }).peers).toEqual([
    endpointAddr(A, [], ['127.0.0.1:1', '127.0.0.1:2']),
    endpointAddr(B),
  ])
})

test('takes relays of one’s own, in normal form and once each, in modes n0 and lan', () => {
  const relays = ['https://relay.example.com', 'HTTPS://relay.example.com/', 'http://10.0.0.5:3340']
  const read = ['https://relay.example.com/', 'http://10.0.0.5:3340/']
  expect(readNodeConfig({ relays }).relays).toEqual(read)
  expect(readNodeConfig({ mode: 'lan', relays }).relays).toEqual(read)
  expect(readNodeConfig({ mode: 'loopback', relays: [] }).relays).toEqual([])
})

test('a contact may be known by its relay', () => {
  const contacts = [{ id: A, addresses: ['10.0.0.1:1', 'https://relay.example.com'] }]
  expect(readNodeConfig({ contacts }).contacts[0]?.addr).toEqual(endpointAddr(A, ['https://relay.example.com'], ['10.0.0.1:1']))
})

test('keeps custom topics byte for byte, once each', () => {
  expect(readNodeConfig({ topics: ['laptops', ' laptops', 'laptops'] }).topics).toEqual(['laptops', ' laptops'])
})

test.each([
  [{ topics: [''] }, 'node.topics: ""'],
  [{ topics: ['dm:x'] }, 'dm:'],
  [{ peers: ['nobody'] }, 'node.peers: "nobody"'],
  [{ peers: ['endpointxyz'] }, 'damaged'],
  [{ contacts: [{ id: '00', name: 'Zoe' }] }, 'node.contacts: "Zoe"'],
  [{ contacts: [{ id: A, addresses: ['host:1'] }] }, 'ip:port'],
  [{ limits: { maxTopics: 2 } }, 'more than the 2'],
  [{ mode: 'loopback', discovery: { mdns: true } }, 'mDNS'],
  [{ mode: 'loopback', relays: ['https://relay.example.com'] }, 'loopback'],
  [{ relays: ['relay.example.com'] }, 'node.relays: "relay.example.com"'],
  [{ relays: ['wss://relay.example.com'] }, 'http or https'],
  [{ relays: ['https://me:secret@relay.example.com'] }, 'no name or password'],
  [{ relays: ['https://relay.example.com/?token=1'] }, 'nothing behind its path'],
  [{ relays: Array.from({ length: 17 }, (_, i) => `https://r${i}.example.com`) }, 'at most 16'],
  [{ mode: 'loopback', discovery: { dht: {} } }, 'bootstrap'],
  [{ discovery: { dht: { closed: true } } }, 'bootstrap'],
  [{ discovery: { dht: { bootstrap: ['nowhere'] } } }, 'host:port'],
  [{ discovery: { dht: { bootstrap: ['10.0.0.1:70000'] } } }, 'host:port'],
] as [NodeConfig, string][])('refuses %j and says where', (config, text) => {
  expect(() => readNodeConfig(config)).toThrow(
    expect.objectContaining({ code: 'CONFIG_NODE', message: expect.stringContaining(text) }),
  )
})
