/** Hex vectors of gossip 12: complete frames (length, then body) and their meaning. */
import { fromHex, utf8 } from '../../../../src/base/bytes.ts'
import type { Message } from '../../../../src/core/gossip/proto/messages.ts'
import { parseHash, parsePeerId, parseTopicId } from '../../../../src/core/ids.ts'

export const A = parsePeerId('8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c')
export const B = parsePeerId('8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394')
const C = parsePeerId('ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1')
const TOPIC_BYTES = '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'
export const TOPIC = parseTopicId(TOPIC_BYTES)
export const HELLO_ID = parseHash('ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f')
export const LETTERS_ID = parseHash('22dee5ebfe8248a5fe4fb663016d8524c9a61eb36b7f7be8bb57057613230447')
export const EMPTY_ID = parseHash('af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262')
export const HELLO = utf8('hello')
export const LETTERS = new Uint8Array(200).fill(0x61)
export const EMPTY = new Uint8Array(0)

export const ADDR_EMPTY = '0000'
export const ADDR_FULL =
  '011b68747470733a2f2f72656c61792e6578616d706c652e636f6d2e2f0200c0000201d1220120010db8000000000000000000000001bb03'
export const ADDR_V4 = '0001007f00000107'

export const HEADER_FRAME = `00000020${TOPIC_BYTES}`

const empty = fromHex(ADDR_EMPTY)
const full = fromHex(ADDR_FULL)
const v4 = fromHex(ADDR_V4)
const peer = (id: typeof A, data?: Uint8Array) => ({ id, data })

export const FRAMES: readonly { name: string; message: Message; hex: string }[] = [
  {
    name: 'join_none',
    message: { type: 'join', data: undefined },
    hex: '00000003000000',
  },
  {
    name: 'join_emptydata',
    message: { type: 'join', data: EMPTY },
    hex: '0000000400000100',
  },
  {
    name: 'join_full',
    message: { type: 'join', data: full },
    hex: '0000003c00000138011b68747470733a2f2f72656c61792e6578616d706c652e636f6d2e2f0200c0000201d1220120010db8000000000000000000000001bb03',
  },
  {
    name: 'forward_join',
    message: { type: 'forwardJoin', peer: peer(C, v4), ttl: 6 },
    hex: '0000002d0001ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d101080001007f0000010706',
  },
  {
    name: 'forward_join_nodata',
    message: { type: 'forwardJoin', peer: peer(C), ttl: 0 },
    hex: '000000240001ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d10000',
  },
  {
    name: 'shuffle',
    message: { type: 'shuffle', origin: A, nodes: [peer(B, v4), peer(C), peer(A, empty)], ttl: 6 },
    hex: '0000009300028a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c038139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39401080001007f00000107ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1008a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c0102000006',
  },
  {
    name: 'shuffle_reply',
    message: { type: 'shuffleReply', nodes: [peer(B), peer(C, v4)] },
    hex: '0000004e0003028139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39400ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d101080001007f00000107',
  },
  {
    name: 'shuffle_reply_empty',
    message: { type: 'shuffleReply', nodes: [] },
    hex: '00000003000300',
  },
  {
    name: 'neighbor_high',
    message: { type: 'neighbor', priority: 'high', data: empty },
    hex: '0000000700040001020000',
  },
  {
    name: 'neighbor_low',
    message: { type: 'neighbor', priority: 'low', data: undefined },
    hex: '0000000400040100',
  },
  {
    name: 'disconnect_alive',
    message: { type: 'disconnect', alive: true },
    hex: '0000000400050100',
  },
  {
    name: 'disconnect_quit',
    message: { type: 'disconnect', alive: false },
    hex: '0000000400050000',
  },
  {
    name: 'gossip_swarm0',
    message: { type: 'gossip', id: HELLO_ID, content: HELLO, scope: { type: 'swarm', round: 0 } },
    hex: '0000002a0100ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f0568656c6c6f0000',
  },
  {
    name: 'gossip_swarm300',
    message: { type: 'gossip', id: HELLO_ID, content: HELLO, scope: { type: 'swarm', round: 300 } },
    hex: '0000002b0100ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f0568656c6c6f00ac02',
  },
  {
    name: 'gossip_neighbors',
    message: { type: 'gossip', id: HELLO_ID, content: HELLO, scope: { type: 'neighbors' } },
    hex: '000000290100ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f0568656c6c6f01',
  },
  {
    name: 'gossip_200',
    message: { type: 'gossip', id: LETTERS_ID, content: LETTERS, scope: { type: 'swarm', round: 1 } },
    hex: '000000ee010022dee5ebfe8248a5fe4fb663016d8524c9a61eb36b7f7be8bb57057613230447c80161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161616161610001',
  },
  {
    name: 'gossip_emptycontent',
    message: { type: 'gossip', id: EMPTY_ID, content: EMPTY, scope: { type: 'swarm', round: 0 } },
    hex: '000000250100af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262000000',
  },
  {
    name: 'prune',
    message: { type: 'prune' },
    hex: '000000020101',
  },
  {
    name: 'graft_id',
    message: { type: 'graft', id: HELLO_ID, round: 2 },
    hex: '00000024010201ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f02',
  },
  {
    name: 'graft_noid',
    message: { type: 'graft', id: undefined, round: 2 },
    hex: '0000000401020002',
  },
  {
    name: 'ihave_two',
    message: {
      type: 'ihave',
      entries: [
        { id: HELLO_ID, round: 1 },
        { id: LETTERS_ID, round: 128 },
      ],
    },
    hex: '00000046010302ea8f163db38682925e4491c5e58d4bb3506ef8c14eb78a86e908c5624a67200f0122dee5ebfe8248a5fe4fb663016d8524c9a61eb36b7f7be8bb570576132304478001',
  },
  {
    name: 'ihave_empty',
    message: { type: 'ihave', entries: [] },
    hex: '00000003010300',
  },
]
