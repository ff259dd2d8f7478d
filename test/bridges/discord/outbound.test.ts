import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DiscordCall, MAX_CONTENT, type PlanContext, planCalls } from '../../../src/bridges/discord/outbound.ts'
import type { NativePart, SendRequest } from '../../../src/bridges/port.ts'
import { anyRich } from '../format/rich-arbitrary.ts'
import { bodyOf, request } from './harness.ts'

const place = { network: 'discord', account: 'main', space: '10', channel: '20' } as const
const webhook: PlanContext = { mode: 'webhook', canUseEmoji: () => false, allowFile: true }
const bot: PlanContext = { ...webhook, mode: 'bot' }

const plan = (more: Partial<SendRequest>, context = webhook): readonly DiscordCall[] =>
  planCalls(request(place, more), context) ?? []
const contents = (calls: readonly DiscordCall[]): string[] =>
  calls.map((c) => (c.op === 'delete' ? `delete ${c.part}` : c.content))
const part = (n: number): NativePart => ({
  part: n,
  ref: { network: 'discord', account: 'main', channel: '20', id: String(100 + n) },
})

test('the same request gives the same plan, with a nonce per part', () => {
  const send = request(place, { body: bodyOf('word '.repeat(700)) })
  const calls = planCalls(send, bot)
  expect(planCalls(send, bot)).toEqual(calls)
  const nonces = (calls ?? []).map((c) => (c.op === 'create' ? c.nonce : ''))
  expect(new Set(nonces).size).toBe(calls?.length)
  expect(nonces.every((n) => /^[a-z2-7]{25}$/.test(n))).toBe(true)
})

test('names: the webhook carries it, the bot prints it on every part', () => {
  const body = bodyOf('word '.repeat(700))
  expect(contents(plan({ body })).every((c) => c.startsWith('word'))).toBe(true)
  expect(contents(plan({ body }, bot)).every((c) => c.startsWith('**Bob**: word'))).toBe(true)
  const author = { key: 'telegram:1', displayName: '*x* @everyone', isBot: false, kind: 'user' } as const
  expect(contents(plan({ author }, bot))).toEqual(['**\\*x\\* @\u200beveryone**: hello'])
})

test('a block after the name starts on its own line', () => {
  const rich = { text: 'q', spans: [{ kind: 'quote', start: 0, end: 1 }] } as const
  expect(contents(plan({ body: { rich, attachments: [] } }, bot))).toEqual(['**Bob**:\n> q'])
})

test('edits change, append and delete parts; creates leave out what exists', () => {
  const long = bodyOf('word '.repeat(700))
  expect(plan({ op: 'edit', body: bodyOf('short'), parts: [part(0), part(1)] }).map((c) => [c.op, c.part])).toEqual([
    ['edit', 0],
    ['delete', 1],
  ])
  expect(plan({ op: 'edit', body: long, parts: [part(0)] }).map((c) => [c.op, c.part])).toEqual([
    ['edit', 0],
    ['create', 1],
  ])
  expect(plan({ body: long, parts: [part(0)] }).map((c) => [c.op, c.part])).toEqual([['create', 1]])
  expect(plan({ op: 'delete', parts: [part(0), part(1)] }).map((c) => [c.op, c.part])).toEqual([
    ['delete', 0],
    ['delete', 1],
  ])
})

test('a code block over several messages is closed and opened again', () => {
  const text = Array.from({ length: 120 }, (_, i) => `    line ${i} of the code`).join('\n')
  const calls = contents(
    plan({ body: { rich: { text, spans: [{ kind: 'pre', language: 'ts', start: 0, end: text.length }] }, attachments: [] } }),
  )
  expect(calls.length).toBe(2)
  for (const content of calls) expect(content).toMatch(/^```ts\n {4}line[\s\S]*\n```$/)
})

test('too long for the parts: a file, or as many parts as it takes', () => {
  const body = bodyOf('x'.repeat(12_000))
  const [call, ...none] = plan({ body })
  expect(none).toEqual([])
  expect(call).toMatchObject({ op: 'create', file: { name: 'message.txt', text: 'x'.repeat(12_000) } })
  const many = plan({ body }, { ...webhook, allowFile: false })
  expect(many.length).toBeGreaterThan(5)
  expect(contents(many).join('')).toBe('x'.repeat(12_000))
})

test('what Discord has no form for becomes text', () => {
  const body = bodyOf('', {
    attachments: [{ id: '1', kind: 'image', name: 'x', size: 12_345, source: { kind: 'blob', hash: '0' } }],
    poll: { question: 'Tea?', options: ['yes', 'no'], multiple: false },
    card: { kind: 'offer', topic: 'Goods', title: 'Bike', lines: ['100 EUR', 'Hanoi'], intentKey: 'k' },
  })
  expect(contents(plan({ body }))).toEqual(['**Bike**\n100 EUR\nHanoi\n📊 **Tea?**\n○ yes\n○ no\n🖼 photo (12.3 kB)'])
})

test('flags: no previews, no sound when late', () => {
  expect(plan({ body: bodyOf('x', { noPreview: true }) })).toMatchObject([{ flags: 4 }])
  expect(plan({ showTime: true })).toMatchObject([{ flags: 4096 }])
})

test('masked links only from people we can trust', () => {
  const rich = { text: 'site', spans: [{ kind: 'link', url: 'https://e.org/', start: 0, end: 4 }] } as const
  const author = { key: 'p2p:x', displayName: 'P', isBot: false, kind: 'peer', senderClass: 'claimed' } as const
  expect(contents(plan({ author, body: { rich, attachments: [] } }))).toEqual(['site (<https://e.org/>)'])
  expect(contents(plan({ body: { rich, attachments: [] } }))).toEqual(['[site](https://e.org/)'])
})

test('every message fits, whatever the text', () => {
  fc.assert(
    fc.property(anyRich(120), fc.integer({ min: 1, max: 40 }), fc.constantFrom(webhook, bot), (rich, times, context) => {
      const body = { rich: { text: rich.text.repeat(times), spans: rich.spans }, attachments: [] }
      const reply = { authorName: 'Zoe', excerpt: '*'.repeat(300) }
      for (const content of contents(plan({ body, reply }, context))) {
        expect(content.length).toBeLessThanOrEqual(MAX_CONTENT)
        expect(content.trim()).not.toBe('')
      }
    }),
    { numRuns: 300, seed: 20_250_621 },
  )
})

test('2,000 stars arrive as 2,000 stars', () => {
  const stars = contents(plan({ body: bodyOf('*'.repeat(2000)) }))
  expect(stars.every((c) => c.length <= MAX_CONTENT)).toBe(true)
  expect(stars.join('').replaceAll('\\*', '*')).toBe('*'.repeat(2000))
})
