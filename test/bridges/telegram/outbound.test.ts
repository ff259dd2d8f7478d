import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { planCalls, type TelegramCall } from '../../../src/bridges/telegram/outbound.ts'
import { anyRich } from '../format/rich-arbitrary.ts'
import { partAt, request } from './support.ts'

const texts = (calls: readonly TelegramCall[] | undefined): string[] =>
  (calls ?? []).map((c) => (c.op === 'delete' ? `delete ${c.target.ref.id}` : 'text' in c ? c.text.text : `${c.caption?.text}`))

describe('planCalls', () => {
  it('puts the bold name first and blocks on lines of their own', () => {
    expect(texts(planCalls(request(1, 'hi')))).toEqual(['Ann: hi'])
    const code = { rich: { text: 'x = 1', spans: [{ kind: 'pre' as const, start: 0, end: 5 }] }, attachments: [] }
    const [call] = planCalls(request(1, code)) ?? []
    expect(call).toMatchObject({
      op: 'create',
      text: {
        text: 'Ann:\nx = 1',
        entities: [
          { type: 'bold', offset: 0, length: 3 },
          { type: 'pre', offset: 5, length: 5 },
        ],
      },
    })
  })

  it('cleans names and texts of other networks', () => {
    const author = { key: 'discord:1', displayName: `a\u202e${'b'.repeat(100)}\n`, isBot: false, kind: 'user' as const }
    const [text] = texts(planCalls(request(1, 'x\u202ey\r\nz', { author })))
    expect(text).toBe(`a${'b'.repeat(30)}…: xy\nz`)
    expect(texts(planCalls(request(1, 'x', { author: { ...author, displayName: '\u200b' } })))).toEqual(['Unknown user: x'])
  })

  it('prints what cannot be sent natively', () => {
    const body = { rich: { text: '', spans: [] }, attachments: [], poll: { question: 'Q', options: ['a'], multiple: false } }
    expect(texts(planCalls(request(1, body)))).toEqual(['Ann: 📊 Q\n○ a'])
  })

  it('answers nothing when there is nothing', () => {
    expect(planCalls(request(1, '  '))).toBeUndefined()
    const { body: _b, ...bare } = request(1, '')
    expect(planCalls(bare)).toBeUndefined()
    expect(planCalls({ ...bare, op: 'delete' })).toEqual([])
  })

  it('replies only within the chat, otherwise quotes, and only on the first part', () => {
    const reply = { ref: partAt(1, 9).ref, authorName: 'Bo', excerpt: 'why?' }
    const calls = planCalls(request(1, 'x '.repeat(3000), { reply })) ?? []
    expect(calls.map((c) => c.op === 'create' && c.options.replyTo)).toEqual([9, undefined])
    expect(texts(planCalls(request(2, 'x', { reply })))).toEqual(['Bo: why?\nAnn: x'])
    expect(texts(planCalls(request(2, 'x', { reply: { excerpt: `${'w'.repeat(200)}` } })))[0]).toHaveLength(120 + 7)
  })

  it('leaves out finished parts of a create and names the topic except General', () => {
    const long = 'x '.repeat(3000)
    const calls = planCalls(
      request(1, long, { parts: [partAt(1, 5, 0)], place: { network: 'telegram', account: 'main', channel: '1', thread: '7' } }),
    )
    expect(calls?.map((c) => [c.op, c.part, c.op === 'create' && c.options.threadId])).toEqual([['create', 1, 7]])
  })

  it('edits what exists, appends what is missing, deletes what is left over', () => {
    const parts = [partAt(1, 5, 0), partAt(1, 6, 1)]
    expect(planCalls(request(1, 'short', { op: 'edit', parts }))?.map((c) => `${c.op} ${c.part}`)).toEqual(['edit 0', 'delete 1'])
    expect(planCalls(request(1, 'y '.repeat(6000), { op: 'edit', parts }))?.map((c) => `${c.op} ${c.part}`)).toEqual([
      'edit 0',
      'edit 1',
      'create 2',
    ])
  })

  it('never cuts anything: all parts together hold the whole text within the limit', () => {
    const words = fc.array(fc.constantFrom('word', '👨‍👩‍👧', 'https://e.org/a?b=c', 'é', 'x'.repeat(300)), {
      minLength: 1,
      maxLength: 900,
    })
    fc.assert(
      fc.property(words, (list) => {
        const text = list.join(' ')
        const parts = texts(planCalls(request(1, text)))
        for (const part of parts) expect(part.length <= 4096 && part.startsWith('Ann: ')).toBe(true)
        expect(
          parts
            .map((p) => p.slice(5))
            .join(' ')
            .replace(/\s+/g, ' '),
        ).toBe(text)
      }),
      { numRuns: 200, seed: 5 },
    )
  })

  it('keeps styled texts within the platform’s limits', () => {
    fc.assert(
      fc.property(anyRich(60), (rich) => {
        for (const call of planCalls(request(1, { rich, attachments: [] })) ?? []) {
          if (call.op !== 'create' && call.op !== 'edit') continue
          expect(call.text.text.length).toBeLessThanOrEqual(4096)
          expect(call.text.entities.length).toBeLessThanOrEqual(100)
        }
      }),
      { numRuns: 500, seed: 6 },
    )
  })
})
