import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plain } from '../../../src/bridges/model/rich-text.ts'
import { MemoryWebChatStore, type WebChatRecord } from '../../../src/bridges/webchat/index.ts'
import { delivery, FakePage, settle, setup } from './support.ts'

const never = new AbortController().signal

describe('web chat', () => {
  it('welcomes a page with its public key, the rooms and the limits', async () => {
    const { bridge } = setup()
    const page = await new FakePage(bridge).enter('secret-client-id', 'Ann')
    const { you, rooms, limits, version } = page.last('welcome')
    expect({ rooms, limits, version }).toEqual({ rooms: ['lobby', 'Goods'], limits: { text: 4000, name: 64 }, version: 1 })
    expect(you.name).toBe('Ann')
    expect(you.key).toMatch(/^web:[a-z2-7]{20}$/)
    expect(JSON.stringify(page.got)).not.toContain('secret-client-id')
  })

  it('carries a line to everybody in the room and to the pipeline, then acknowledges it', async () => {
    const { bridge, sink } = setup()
    const ann = await new FakePage(bridge).enter('ann', 'Ann')
    const bo = await new FakePage(bridge).enter('bo', 'Bo')
    const elsewhere = await new FakePage(bridge).enter('cy', 'Cy', 'Goods')
    const id = ann.say(' hello \u0000\u202eyou ')
    await settle()
    expect(bo.lines()).toEqual(['Ann: hello you'])
    expect(ann.lines()).toEqual(['Ann: hello you'])
    expect(elsewhere.lines()).toEqual([])
    const message = ann.last('ack')
    expect(message).toMatchObject({ id, message: bo.shown()[0]?.id })
    expect(sink.envelopes).toMatchObject([
      {
        account: 'main',
        at: { network: 'web', account: 'main', channel: 'lobby' },
        msg: { id: message.message },
        author: { key: ann.last('welcome').you.key, displayName: 'Ann', kind: 'user', isBot: false },
        event: { kind: 'message.create', body: { rich: { text: 'hello you' } } },
      },
    ])
  })

  it('acknowledges nothing before the commit, and a resend after a failure is one message', async () => {
    const { bridge, sink } = setup()
    const ann = await new FakePage(bridge).enter('ann', 'Ann')
    sink.fail = true
    const id = ann.say('precious')
    await settle()
    expect(ann.all('ack')).toEqual([])
    expect(ann.last('error')).toMatchObject({ id, code: 'not-stored', retryAfterMs: 2000 })
    expect(ann.lines()).toEqual([])
    expect(bridge.health()).toMatchObject({ status: 'degraded' })
    sink.fail = false
    ann.tell({ type: 'send', id, room: 'lobby', text: 'precious' })
    await settle()
    expect(ann.all('ack')).toHaveLength(1)
    expect(ann.lines()).toEqual(['Ann: precious'])
    expect(bridge.health()).toEqual({ status: 'ok' })
  })

  it('a resend after a lost acknowledgement changes nothing, even across a restart', async () => {
    const { bridge, sink, store } = setup()
    const ann = await new FakePage(bridge).enter('ann', 'Ann')
    const id = ann.say('once')
    await settle()
    ann.drop()
    const again = await new FakePage(bridge).enter('ann', 'Ann')
    again.tell({ type: 'send', id, room: 'lobby', text: 'once' })
    await settle()
    expect(again.all('ack')).toHaveLength(1)
    await bridge.stop()

    const next = setup({ store }, 2)
    const third = await new FakePage(next.bridge).enter('ann', 'Ann')
    third.tell({ type: 'send', id, room: 'lobby', text: 'once' })
    await settle()
    expect(third.lines()).toEqual(['Ann: once'])
    expect(third.all('ack')).toHaveLength(1)
    const ids = [...sink.envelopes, ...next.sink.envelopes].map((e) => e.eventId)
    expect(ids).toHaveLength(3)
    expect(new Set(ids).size).toBe(1)
  })

  it('lets two people use the same operation id', async () => {
    const { bridge } = setup()
    const ann = await new FakePage(bridge).enter('ann', 'Ann')
    const bo = await new FakePage(bridge).enter('bo', 'Bo')
    ann.say('a')
    bo.say('b')
    await settle()
    expect(ann.lines()).toEqual(['Ann: a', 'Bo: b'])
  })

  it('replies with name and words of the target', async () => {
    const { bridge, sink } = setup()
    const ann = await new FakePage(bridge).enter('ann', 'Ann')
    ann.say('the question')
    await settle()
    const target = ann.last('ack').message
    const bo = await new FakePage(bridge).enter('bo', 'Bo')
    bo.say('the answer', { replyTo: target })
    bo.say('to nothing', { replyTo: 'aaaaaaaaaaaa' })
    await settle()
    expect(bo.shown()[1]?.reply).toEqual({ id: target, name: 'Ann', excerpt: 'the question' })
    expect(bo.shown()[2]?.reply).toBeUndefined()
    expect(sink.envelopes[1]?.event).toMatchObject({
      replyTo: { ref: { network: 'web', channel: 'lobby', id: target }, authorName: 'Ann', excerpt: 'the question' },
    })
  })

  it('edits and deletes own messages only, once each', async () => {
    const { bridge, sink } = setup()
    const ann = await new FakePage(bridge).enter('ann', 'Ann')
    const bo = await new FakePage(bridge).enter('bo', 'Bo')
    ann.say('helo')
    await settle()
    const message = ann.last('ack').message
    bo.tell({ type: 'edit', id: 'edit-0001', room: 'lobby', message, text: 'stolen' })
    bo.tell({ type: 'delete', id: 'dele-0001', room: 'lobby', message })
    await settle()
    expect(bo.all('error').map((e) => e.code)).toEqual(['not-yours', 'not-yours'])
    for (let i = 0; i < 2; i++) ann.tell({ type: 'edit', id: 'edit-0001', room: 'lobby', message, text: 'hello' })
    await settle()
    expect(bo.shown()[0]).toMatchObject({ text: [{ text: 'hello' }], editedAt: expect.any(Number) })
    for (let i = 0; i < 2; i++) ann.tell({ type: 'delete', id: 'dele-0001', room: 'lobby', message })
    await settle()
    expect(bo.shown()).toEqual([])
    expect(bo.last('message').message).toMatchObject({ deleted: true, text: [] })
    ann.tell({ type: 'edit', id: 'edit-0002', room: 'lobby', message, text: 'too late' })
    await settle()
    expect(ann.last('error').code).toBe('not-found')
    const events = new Map(sink.envelopes.map((e) => [e.eventId, e.event.kind]))
    expect([...events.values()]).toEqual(['message.create', 'message.edit', 'message.delete'])
  })

  it('takes a message and its edit in one batch in order', async () => {
    const { bridge, sink, store } = setup()
    const ann = await new FakePage(bridge).enter('ann', 'Ann')
    ann.say('first')
    await settle()
    const target = ann.last('ack').message
    ann.tell({ type: 'edit', id: 'edit-0001', room: 'lobby', message: target, text: 'second' })
    ann.tell({ type: 'edit', id: 'edit-0002', room: 'lobby', message: target, text: 'third' })
    await settle()
    expect(ann.lines()).toEqual(['Ann: third'])
    expect((await store.get('lobby', target))?.body.rich.text).toBe('third')
    expect(sink.envelopes.map((e) => ('body' in e.event ? e.event.body.rich.text : ''))).toEqual(['first', 'second', 'third'])
  })

  it('shares commits between lines said at once and keeps their order', async () => {
    const { bridge, sink } = setup()
    const pages = await Promise.all(
      Array.from({ length: 10 }, (_, i) => new FakePage(bridge, `10.0.0.${i}`).enter(`c${i}`, `P${i}`)),
    )
    for (let n = 0; n < 4; n++) for (const page of pages) page.say(`line ${n}`)
    await settle()
    const seen = pages[0]?.lines() ?? []
    expect(seen).toHaveLength(40)
    expect(pages.every((p) => JSON.stringify(p.lines()) === JSON.stringify(seen))).toBe(true)
    expect(sink.batches.length).toBeLessThan(20)
    for (let i = 0; i < 10; i++)
      expect(seen.filter((l) => l.startsWith(`P${i}:`))).toEqual([0, 1, 2, 3].map((n) => `P${i}: line ${n}`))
  })

  describe('coming back', () => {
    it('gets exactly what was missed: new lines, edits, deletions', async () => {
      const { bridge } = setup()
      const ann = await new FakePage(bridge).enter('ann', 'Ann')
      const bo = await new FakePage(bridge).enter('bo', 'Bo')
      for (const text of ['one', 'two', 'three']) ann.say(text)
      await settle()
      const ids = bo.shown().map((m) => m.id)
      const { epoch } = bo.last('joined')
      const version = bo.last('message').message.version
      bo.drop()
      ann.say('four')
      ann.tell({ type: 'edit', id: 'edit-0001', room: 'lobby', message: ids[0], text: 'ONE' })
      ann.tell({ type: 'delete', id: 'dele-0001', room: 'lobby', message: ids[1] })
      await settle()
      const back = await new FakePage(bridge).enter('bo', 'Bo', 'lobby', { epoch, version })
      const joined = back.last('joined')
      expect(joined.reset).toBe(false)
      expect(joined.messages).toHaveLength(3)
      bo.got.push(...back.got)
      expect(bo.lines()).toEqual(ann.lines())
      expect(bo.lines()).toEqual(['Ann: ONE', 'Ann: three', 'Ann: four'])
    })

    it('starts anew after a restart or when it was away too long', async () => {
      const { bridge } = setup({ history: 5 })
      const ann = await new FakePage(bridge).enter('ann', 'Ann')
      ann.say('0')
      await settle()
      const { epoch } = ann.last('joined')
      const since = { epoch, version: ann.last('message').message.version }
      for (let i = 1; i <= 6; i++) ann.say(String(i))
      await settle()
      const late = await new FakePage(bridge).enter('bo', 'Bo', 'lobby', since)
      expect(late.last('joined')).toMatchObject({ reset: true })
      expect(late.lines()).toHaveLength(5)
      const stranger = await new FakePage(bridge).enter('cy', 'Cy', 'lobby', { epoch: 'other', version: 3 })
      expect(stranger.last('joined').reset).toBe(true)
      const future = await new FakePage(bridge).enter('di', 'Di', 'lobby', { epoch, version: 999 })
      expect(future.last('joined').reset).toBe(true)
    })

    it('reads the last messages from the store', async () => {
      const store = new MemoryWebChatStore()
      const record = (i: number): WebChatRecord => ({
        room: 'lobby',
        id: `aaaaaaaa${'abcdefghij'[i % 10]}${'abcdefghij'[Math.floor(i / 10) % 10]}${'abcdefghij'[Math.floor(i / 100)]}`,
        author: { key: 'discord:1', name: 'Dora', network: 'discord' },
        body: { rich: plain(`m${i}`) },
        at: i,
        ...(i === 298 ? { deletedAt: 1 } : {}),
      })
      await store.save(Array.from({ length: 300 }, (_, i) => record(i)))
      const { bridge } = setup({ store })
      const ann = await new FakePage(bridge).enter('ann', 'Ann')
      expect(ann.lines()).toHaveLength(200)
      expect(ann.lines().slice(-2)).toEqual(['Dora: m297', 'Dora: m299'])
    })

    it('says so when the history cannot be read, and works when it can', async () => {
      const store = new MemoryWebChatStore()
      let down = true
      const load = store.load.bind(store)
      store.load = async (room, limit) => {
        if (down) throw new Error('away')
        return load(room, limit)
      }
      const { bridge } = setup({ store })
      const ann = await new FakePage(bridge).enter('ann', 'Ann')
      expect(ann.last('error')).toMatchObject({ code: 'not-stored', retryAfterMs: 2000 })
      expect(await bridge.send(delivery('x'), never)).toMatchObject({ kind: 'not-sent' })
      down = false
      ann.tell({ type: 'join', room: 'lobby' })
      await settle()
      expect(ann.last('joined').room).toBe('lobby')
    })
  })

  describe('people', () => {
    it('are told apart when they choose the same name', async () => {
      const { bridge } = setup()
      const first = await new FakePage(bridge).enter('first', 'Ann')
      const same = await new FakePage(bridge).enter('other', 'ＡＮＮ')
      const tab = await new FakePage(bridge).enter('first', 'Ann')
      expect(first.last('welcome').you.name).toBe('Ann')
      expect(same.last('welcome').you.name).toMatch(/^ＡＮＮ #[a-z2-7]{4}$/)
      expect(tab.last('welcome').you.name).toBe('Ann')
    })

    it('have clean names of at most 64 characters', async () => {
      const { bridge } = setup()
      const name = async (wanted: string) =>
        (await new FakePage(bridge).enter(`c${wanted.length}`, wanted)).last('welcome').you.name
      expect(await name('  a\n\u202e\u0000b  ')).toBe('a b')
      expect((await name('x'.repeat(200))).length).toBeLessThanOrEqual(64)
      expect(await name('\u200b\u200b')).toBe('Guest')
    })

    it('are seen coming, renaming and going', async () => {
      const { bridge, clock } = setup()
      const ann = await new FakePage(bridge).enter('ann', 'Ann')
      const bo = await new FakePage(bridge).enter('bo', 'Bo')
      expect(bo.last('joined').people.map((p) => p.name)).toEqual(['Ann', 'Bo'])
      clock.advance(250)
      await settle()
      expect(ann.last('people')).toMatchObject({ room: 'lobby', count: 2, people: [{ name: 'Ann' }, { name: 'Bo' }] })
      bo.tell({ type: 'rename', name: 'Robert' })
      await settle()
      clock.advance(250)
      await settle()
      expect(ann.last('people').people.map((p) => p.name)).toEqual(['Ann', 'Robert'])
      bo.drop()
      await settle()
      clock.advance(250)
      await settle()
      expect(ann.last('people')).toMatchObject({ count: 1 })
      expect(bridge.stats().sessions).toBe(1)
    })

    it('move from room to room', async () => {
      const { bridge } = setup()
      const ann = await new FakePage(bridge).enter('ann', 'Ann')
      const bo = await new FakePage(bridge).enter('bo', 'Bo')
      ann.tell({ type: 'join', room: 'Goods' })
      await settle()
      bo.say('still here?')
      ann.say('wrong room')
      await settle()
      expect(ann.lines()).toEqual([])
      expect(ann.last('error').code).toBe('not-in-room')
      expect(bo.lines()).toEqual(['Bo: still here?'])
    })
  })

  describe('deliveries', () => {
    it('appear with author, network, styles and reply; repeating one changes nothing', async () => {
      const { bridge } = setup()
      const ann = await new FakePage(bridge).enter('ann', 'Ann')
      ann.say('question')
      await settle()
      const target = ann.last('ack').message
      const request = delivery('', {
        body: { rich: { text: 'see it', spans: [{ kind: 'bold', start: 0, end: 3 }] }, attachments: [] },
        reply: { ref: { network: 'web', account: 'main', channel: 'lobby', id: target }, authorName: 'Ann', excerpt: 'question' },
      })
      const outcome = await bridge.send(request, never)
      expect(outcome).toMatchObject({
        kind: 'done',
        parts: [{ part: 0, ref: { network: 'web', account: 'main', channel: 'lobby' } }],
      })
      expect(await bridge.send({ ...request, attempt: 1, ambiguousSince: 1 }, never)).toEqual(outcome)
      expect(ann.shown()).toHaveLength(2)
      expect(ann.shown()[1]).toMatchObject({
        author: { key: 'discord:1', name: 'Dora', network: 'discord' },
        text: [{ text: 'see', styles: ['bold'] }, { text: ' it' }],
        reply: { id: target, name: 'Ann', excerpt: 'question' },
        at: 1_750_000_000_000,
      })
    })

    it('show offers as cards and say who is not proven', async () => {
      const { bridge } = setup()
      const ann = await new FakePage(bridge).enter('ann', 'Ann')
      const card = { kind: 'offer' as const, topic: 'Goods', title: '🏷 Offer: Bike', lines: ['Selling · 10 EUR'], intentKey: 'k' }
      const author = {
        key: 'p2p:ab',
        displayName: 'Sam (ab)',
        isBot: false,
        kind: 'peer' as const,
        senderClass: 'claimed' as const,
      }
      await bridge.send(delivery('', { body: { rich: plain(''), attachments: [], card }, author }), never)
      expect(ann.shown()[0]).toMatchObject({
        text: [],
        card: { kind: 'offer', title: '🏷 Offer: Bike', lines: ['Selling · 10 EUR'], topic: 'Goods' },
        author: { network: 'p2p', senderClass: 'claimed' },
      })
    })

    it('are edited and deleted in place; what is gone is no failure', async () => {
      const { bridge } = setup()
      const ann = await new FakePage(bridge).enter('ann', 'Ann')
      const sent = await bridge.send(delivery('one'), never)
      const parts = sent.kind === 'done' ? sent.parts : []
      await bridge.send(delivery('two', { op: 'edit', parts }), never)
      expect(ann.lines()).toEqual(['Dora: two'])
      expect(await bridge.send(delivery('', { op: 'delete', parts }), never)).toEqual({ kind: 'done', parts })
      expect(await bridge.send(delivery('', { op: 'delete', parts }), never)).toEqual({ kind: 'done', parts })
      expect(await bridge.send(delivery('x', { op: 'edit', parts }), never)).toEqual({ kind: 'done', parts })
      expect(ann.lines()).toEqual([])
    })

    it('print everything that is not text', async () => {
      const { bridge } = setup()
      const ann = await new FakePage(bridge).enter('ann', 'Ann')
      const poll = { question: 'Q', options: ['a'], multiple: false }
      await bridge.send(delivery('', { body: { rich: plain(''), attachments: [], poll } }), never)
      expect(ann.lines()).toEqual(['Dora: 📊 Q\n○ a'])
    })

    it('are kept when nobody is there, and refused when they cannot be stored', async () => {
      const { bridge, store } = setup()
      await bridge.send(delivery('for later'), never)
      expect((await new FakePage(bridge).enter('ann', 'Ann')).lines()).toEqual(['Dora: for later'])
      store.save = async () => {
        throw new Error('disk full')
      }
      expect(await bridge.send(delivery('x'), never)).toMatchObject({ kind: 'not-sent', code: 'WEB_NOT_STORED' })
      expect(await bridge.send(delivery('x'), AbortSignal.abort())).toMatchObject({ kind: 'not-sent', code: 'WEB_STOPPED' })
    })

    it('do not suffer when lines of people cannot be stored', async () => {
      const { bridge, sink } = setup()
      const ann = await new FakePage(bridge).enter('ann', 'Ann')
      sink.fail = true
      ann.say('lost for now')
      expect(await bridge.send(delivery('through'), never)).toMatchObject({ kind: 'done' })
      expect(ann.lines()).toEqual(['Dora: through'])
    })
  })

  describe('limits', () => {
    it('slow a page down and tell it for how long', async () => {
      const { bridge, clock } = setup()
      const ann = await new FakePage(bridge).enter('ann', 'Ann')
      for (let i = 0; i < 15; i++) ann.say(`m${i}`)
      await settle()
      expect(ann.all('ack')).toHaveLength(9)
      expect(ann.last('error')).toMatchObject({ code: 'rate-limited', retryAfterMs: 500 })
      clock.advance(500)
      ann.say('later')
      await settle()
      expect(ann.all('ack')).toHaveLength(10)
    })

    it('count all pages of an address together', async () => {
      const { bridge } = setup()
      const pages = await Promise.all(
        Array.from({ length: 8 }, (_, i) => new FakePage(bridge, '10.0.0.9').enter(`c${i}`, `P${i}`)),
      )
      for (const page of pages) for (let i = 0; i < 9; i++) page.say(`m${i}`)
      await settle()
      expect(pages.reduce((sum, p) => sum + p.all('ack').length, 0)).toBe(40 - 8)
      const other = await new FakePage(bridge, '10.0.0.10').enter('other', 'Other')
      other.say('free')
      await settle()
      expect(other.all('ack')).toHaveLength(1)
    })

    it('close slow readers, silent pages and too many pages', async () => {
      const { bridge, clock } = setup({ maxSessions: 4, maxSessionsPerAddress: 3 })
      const slow = await new FakePage(bridge).enter('slow', 'Slow')
      const ann = await new FakePage(bridge).enter('ann', 'Ann')
      slow.bufferedBytes = 2 * 1024 * 1024
      ann.say('x')
      await settle()
      expect(slow.closedWith).toEqual({ code: 1013, reason: 'reading too slowly' })
      const silent = new FakePage(bridge)
      const third = new FakePage(bridge)
      const fourth = new FakePage(bridge)
      expect(third.closedWith).toBeUndefined()
      expect(fourth.closedWith).toMatchObject({ code: 1013 })
      clock.advance(10_000)
      expect(silent.closedWith).toMatchObject({ code: 1008, reason: 'no hello' })
      const elsewhere = Array.from({ length: 4 }, (_, i) => new FakePage(bridge, `10.0.0.${i}`))
      expect(elsewhere.map((p) => p.closedWith?.code)).toEqual([undefined, undefined, undefined, 1013])
    })

    it('refuse malformed messages and close after a few', async () => {
      const { bridge } = setup()
      const page = await new FakePage(bridge).enter('ann', 'Ann')
      for (const bad of ['{', '[]', '"x"', JSON.stringify({ type: 'send', id: 'short', room: 'lobby', text: 'x' })]) page.raw(bad)
      expect(page.all('error').map((e) => e.code)).toEqual(['bad-message', 'bad-message', 'bad-message', 'bad-message'])
      page.raw('x'.repeat(40_000))
      expect(page.closedWith).toMatchObject({ code: 1008 })
    })

    it('refuse texts that are too long or empty, unknown rooms and unknown fields', async () => {
      const { bridge } = setup()
      const page = await new FakePage(bridge).enter('ann', 'Ann')
      page.say('x'.repeat(4001))
      page.say(' \u200b ')
      page.tell({ type: 'join', room: 'secret' })
      page.tell({ type: 'join', room: 'lobby', admin: true })
      page.say('y'.repeat(4000))
      await settle()
      expect(
        page
          .all('error')
          .map((e) => e.code)
          .sort(),
      ).toEqual(['bad-message', 'bad-message', 'empty', 'unknown-room'])
      expect(page.all('ack')).toHaveLength(1)
    })

    it('want a hello first', async () => {
      const { bridge } = setup()
      const page = new FakePage(bridge)
      page.say('x')
      await settle()
      expect(page.last('error')).toMatchObject({ code: 'bad-message', text: 'say hello first' })
    })

    it('survive whatever a page sends', () => {
      const fields = fc.dictionary(
        fc.constantFrom('type', 'version', 'client', 'name', 'room', 'id', 'text', 'message', 'replyTo', 'since', '__proto__'),
        fc.oneof(
          fc.jsonValue(),
          fc.constantFrom('hello', 'join', 'send', 'edit', 'delete', 'rename', 'lobby', 1, 'a'.repeat(20)),
        ),
      )
      return fc.assert(
        fc.asyncProperty(fc.array(fc.oneof(fields, fc.string()), { maxLength: 8 }), async (messages) => {
          const { bridge } = setup()
          const page = new FakePage(bridge)
          for (const m of messages) page.raw(typeof m === 'string' ? m : JSON.stringify(m))
          await settle()
          const next = await new FakePage(bridge).enter('ann', 'Ann')
          expect(next.last('joined').room).toBe('lobby')
        }),
        { numRuns: 200, seed: 4 },
      )
    })
  })

  it('answers what it has taken, then says goodbye', async () => {
    const { bridge, sink } = setup()
    const ann = await new FakePage(bridge).enter('ann', 'Ann')
    ann.say('last words')
    await settle()
    await bridge.stop()
    await bridge.stop()
    expect(sink.envelopes).toHaveLength(1)
    expect(ann.closedWith).toMatchObject({ code: 1001 })
    expect(new FakePage(bridge).closedWith).toMatchObject({ code: 1001 })
  })
})
