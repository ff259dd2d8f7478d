import { expect, test } from 'vitest'
import { idBytes } from '../../../src/core/ids.ts'
import { k2IdOf, parseK2Id } from '../../../src/core/k2/k2-id.ts'
import { canonicalTopic, checkTopicName, directTopicName, topicIdOfName, trackerHashOf } from '../../../src/core/k2/topics.ts'
import { A, B } from './fixtures.ts'

test.each([
  [
    'Digital Assets',
    '079e1611ba837326595039299776bd31990f642a0afbc0f7e8281133bf021884',
    '92669d959d7d4e33dd825aab84a356c27f727f37b022095fad07e7714321e414',
  ],
  [
    'Goods',
    '91e56210be683e9b4cb62692239b7bdfcab1e40f80590a56318891d29fd2c7c2',
    'd5d53d6aa642d1df2f99900af70c0afc6ade31cbfcfad8d0be86f96060338247',
  ],
  [
    'Freelance Job',
    '81af3939f72a7d4b0579fda5907cda63c7183a56c2b1f6e2fde8a03fe0e90989',
    '9d02ca5bff64de336dec5b0d62ecbc5ef579b0cb063571a43087477fd8ac7618',
  ],
  [
    'laptops',
    '1ee3c444de615a630638fe8899bc139d92821cb6f937e49f0968ebe9a3a73cc0',
    '4f0a9ea759c2fca430ce88fd6aa524a2031f5c617067965a2235eb041be29fa6',
  ],
])('hashes %s as the specification says', (name, id, tracker) => {
  expect(topicIdOfName(name)).toBe(id)
  expect(trackerHashOf(topicIdOfName(name))).toBe(tracker)
})

test('does not normalise names before hashing', () => {
  expect(topicIdOfName('digital assets').slice(0, 8)).toBe('5adbf2a3')
  expect(topicIdOfName('Goods ').slice(0, 8)).toBe('a1af3b8f')
  expect(topicIdOfName('dm:a-b')).toBe('954438ce06dcf6b80e33ea4b3829aa4cd4740018a25b7ae8640043d608494333')
})

test('both sides of a conversation compute the same topic', () => {
  const name = directTopicName(A, B)
  expect(directTopicName(B, A)).toBe(name)
  expect(name).toBe(`dm:${B}-${A}`)
  expect(name).toHaveLength(132)
  const id = topicIdOfName(name)
  expect(id).toBe('c5cb6ed5e662006d7d2f1b9be5b376b160d27e17fa6bd06da62b1f592517a2ed')
  expect(trackerHashOf(id)).toBe('7ed2a62c24bc402b69d3162dfd5b70a2bab2179d1ce5c99d4151ac54f64750fa')
  expect(idBytes(id)).toHaveLength(32)
})

test.each([
  ['goods', 'Goods'],
  ['  GOODS ', 'Goods'],
  ['Hàng hóa', 'Goods'],
  ['HÀNG HOÁ', 'Goods'],
  ['sản phẩm', 'Goods'],
  ['digital-assets', 'Digital Assets'],
  ['Tài sản số', 'Digital Assets'],
  ['tai_san_so', 'Digital Assets'],
  ['Freelance Jobs', 'Freelance Job'],
  ['Việc làm tự do', 'Freelance Job'],
  ['ViecLam', undefined],
  ['dịch vụ', 'Freelance Job'],
  ['Đồ dùng', 'Goods'],
  ['laptops', undefined],
  ['', undefined],
  ['g'.repeat(100_000), undefined],
])('understands %j as %j', (typed, topic) => {
  expect(canonicalTopic(typed)).toBe(topic)
})

test.each(['', 'dm:x', 'x'.repeat(201), 'ố'.repeat(100)])('refuses the topic name %j', (name) => {
  expect(() => checkTopicName(name)).toThrow(expect.objectContaining({ code: 'K2_BAD_TOPIC' }))
})

test('keeps configured names byte for byte', () => {
  expect(checkTopicName(' Góc chợ ')).toBe(' Góc chợ ')
})

test('makes and reads ids as the reference does', () => {
  expect(k2IdOf(0x18bcfe56800, 0xdeadbeef)).toBe('K2-18BCFE56800-DEADBEEF')
  expect(parseK2Id('K2-18BCFE56800-DEADBEEF')).toEqual({ atMs: 0x18bcfe56800, random: 0xdeadbeef })
  expect(k2IdOf(1, 0)).toBe('K2-1-0')
  for (const text of ['K2-1', 'k2-1-1', 'K2-01-1', 'K2-1-1FFFFFFFF', 'K2-FFFFFFFFFFFFFFF-1'])
    expect(parseK2Id(text)).toBeUndefined()
})
