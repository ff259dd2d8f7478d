import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deferred } from '../../../src/base/async.ts'
import { K2Error } from '../../../src/base/errors.ts'
import { Secret } from '../../../src/base/secret.ts'
import { OwnIdentities } from '../../../src/bridges/own-identities.ts'
import { type NativePart, NOT_READY } from '../../../src/bridges/port.ts'
import type { TelegramBridge, TelegramBridgeOptions } from '../../../src/bridges/telegram/index.ts'
import { FakeTelegram } from '../../fakes/telegram/index.ts'
import { MemorySink, newBridge, partAt, request } from './support.ts'

const never = new AbortController().signal

describe('Telegram bridge', () => {
  let fake: FakeTelegram
  let botId: number
  let token: string
  let ada: number
  let group: number
  let sink: MemorySink
  let bridges: TelegramBridge[]

  beforeEach(async () => {
    fake = await new FakeTelegram().start()
    ;({ id: botId, token } = fake.control.addBot())
    ada = fake.control.addUser({ firstName: 'Ada', lastName: 'L', username: 'ada' })
    group = fake.control.addChat({ members: [botId, ada] })
    sink = new MemorySink()
    bridges = []
  })
  afterEach(async () => {
    const remarks = fake.remarks
    await Promise.all(bridges.map((b) => b.stop()))
    await fake.stop()
    expect(remarks).toEqual([])
  })

  const start = async (more: Partial<TelegramBridgeOptions> = {}): Promise<TelegramBridge> => {
    const bridge = newBridge({ fake, token }, sink, more)
    bridges.push(bridge)
    await bridge.start(never)
    return bridge
  }
  const visible = (chat = group) => fake.control.visible(chat).map((m) => m.text)
  /** Waits of the bridge end at once and are remembered. */
  const instantly = () => {
    const waits: number[] = []
    return { waits, sleep: async (ms: number) => void waits.push(ms) }
  }

  describe('receiving', () => {
    it('ingests what people write, in order, exactly once across a restart', async () => {
      const first = await start()
      fake.control.postMany(
        group,
        ada,
        Array.from({ length: 250 }, (_, i) => `m${i}`),
      )
      await sink.until(250)
      await first.stop()
      expect(fake.control.stats().pendingUpdates).toBe(0)
      await start()
      fake.control.post(group, ada, 'after')
      await sink.until(251)
      expect(sink.texts()).toEqual([...Array.from({ length: 250 }, (_, i) => `m${i}`), 'after'])
      expect(sink.batches.length).toBeLessThan(30)
    })

    it('confirms nothing that was not committed: a failed commit is tried again, a stop gives the batch back', async () => {
      const { sleep, waits } = instantly()
      let failures = 2
      sink.before = () => {
        if (failures-- > 0) throw new K2Error({ code: 'DB_DOWN', kind: 'storage', message: 'no' })
      }
      const bridge = await start({ sleep })
      fake.control.post(group, ada, 'precious')
      await sink.until(1)
      expect(waits.length).toBe(2)
      await fake.until(() => bridge.health().status === 'ok')

      const refused = deferred<void>()
      sink.before = () => {
        refused.resolve()
        throw new K2Error({ code: 'DB_DOWN', kind: 'storage', message: 'no' })
      }
      fake.control.post(group, ada, 'given back')
      await refused.promise
      expect(fake.control.stats().pendingUpdates).toBe(1)
      await bridge.stop()
      sink.before = () => {}
      await start()
      await sink.until(2)
      expect(sink.texts()).toEqual(['precious', 'given back'])
    })

    it('gives re-delivered updates the same event ids', async () => {
      await start()
      fake.control.post(group, ada, 'once')
      await sink.until(1)
      fake.control.post(group, ada, 'two')
      await sink.until(2)
      fake.control.redeliver(botId, 2)
      const seen = await sink.until(3)
      expect(new Set(seen.map((e) => e.eventId)).size).toBe(2)
    })

    it('follows a jump of the update numbers, forwards and backwards', async () => {
      await start()
      fake.control.post(group, ada, 'a')
      await sink.until(1)
      fake.control.jumpUpdateId(botId, 12)
      fake.control.post(group, ada, 'b')
      await sink.until(2)
      fake.control.jumpUpdateId(botId, 4_000_000_000)
      fake.control.post(group, ada, 'c')
      await sink.until(3)
      expect(sink.texts()).toEqual(['a', 'b', 'c'])
    })

    it('drops our own messages, also those of another account of ours', async () => {
      const own = new OwnIdentities()
      const other = fake.control.addBot({ seesBots: true })
      fake.control.setMember(group, other.id, 'member')
      const second = new MemorySink()
      await start({ own })
      const bridge = newBridge({ fake, token: other.token }, second, { own, account: 'other' })
      bridges.push(bridge)
      await bridge.start(never)
      await bridge.send(request(group, 'from us'), never)
      fake.control.post(group, ada, 'from a person')
      await Promise.all([sink.until(1), second.until(1)])
      expect(sink.texts()).toEqual(['from a person'])
      expect(second.texts()).toEqual(['from a person'])
      expect(bridges[0]?.stats().dropped).toEqual({ own: 1 })
      expect(sink.envelopes[0]?.eventId).toBe(second.envelopes[0]?.eventId)
    })

    it('names public chats as the routes do, in both directions', async () => {
      const chat = fake.control.addChat({ username: 'K2Market', members: [botId, ada] })
      const bridge = await start({ bridgedChats: () => ['@k2market', String(group)] })
      const id = fake.control.post(chat, ada, 'in')
      const [e] = await sink.until(1)
      expect(e).toMatchObject({ at: { channel: '@k2market' }, msg: { channel: '@k2market', id: String(id) } })
      const reply = { ref: partAt('@k2market', id).ref }
      const outcome = await bridge.send(request('@k2market', 'out', { reply }), never)
      expect(outcome).toMatchObject({ kind: 'done', parts: [{ ref: { channel: '@k2market' } }] })
      expect(fake.control.visible(chat).at(-1)).toMatchObject({ text: 'Ann: out', replyTo: id })
    })

    it('keeps other bots visible as bots', async () => {
      fake.control.setSeesBots(botId, true)
      const helper = fake.control.addUser({ firstName: 'Helper', isBot: true })
      await start()
      fake.control.post(group, helper, 'beep')
      const [e] = await sink.until(1)
      expect(e?.author).toMatchObject({ isBot: true, kind: 'bot', displayName: 'Helper' })
    })

    it('names another instance with the same token, waits longer each time and comes back', async () => {
      const rival = { sleep: async () => {}, waits: [] as number[] }
      const waiting = deferred<void>()
      const go = deferred<void>()
      const bridge = await start({
        rng: { u32: () => 0xffff_ffff, bytes: (n) => new Uint8Array(n) },
        sleep: async (ms) => {
          rival.waits.push(Math.round(ms))
          if (rival.waits.length === 3) {
            waiting.resolve()
            await go.promise
          }
        },
      })
      fake.control.addFault({
        method: 'getUpdates',
        times: 3,
        effect: {
          kind: 'status',
          status: 409,
          body: {
            ok: false,
            error_code: 409,
            description: 'Conflict: terminated by other getUpdates request; make sure that only one bot instance is running',
          },
        },
      })
      // The poll that is open already is not hit by the rule; a message ends it.
      fake.control.post(group, ada, 'a')
      await waiting.promise
      expect(rival.waits).toEqual([5000, 10_000, 20_000])
      expect(bridge.health()).toMatchObject({ status: 'degraded', reason: expect.stringContaining('another instance') })
      go.resolve()
      fake.control.post(group, ada, 'b')
      await sink.until(2)
      expect(bridge.health()).toEqual({ status: 'ok' })
    })

    it('two real pollers get in each other’s way and neither loses anything', async () => {
      const one = await start({ sleep: async () => {} })
      const two = await start({ sleep: async () => {} })
      fake.control.postMany(group, ada, ['a', 'b', 'c'])
      await sink.until(3)
      await one.stop()
      fake.control.post(group, ada, 'd')
      await fake.until(() => new Set(sink.texts()).size === 4)
      await two.stop()
      const unique = new Map(sink.envelopes.map((e) => [e.eventId, e]))
      expect(unique.size).toBe(4)
    })

    it('removes a webhook that somebody set, without dropping what waits', async () => {
      fake.control.setWebhook(botId, 'https://example.org/hook')
      fake.control.post(group, ada, 'waited')
      await start(instantly())
      await sink.until(1)
      expect(sink.texts()).toEqual(['waited'])
    })

    it('survives network trouble, server errors, corrupt answers and 429 while polling', async () => {
      const { waits, sleep } = instantly()
      const bridge = await start({ sleep })
      for (const effect of [
        { kind: 'response-lost' },
        { kind: 'status', status: 502, body: 'Bad Gateway' },
        { kind: 'corrupt-json' },
        { kind: 'half-response' },
        { kind: 'rate-limit', retryAfterMs: 3000 },
        { kind: 'reset-before' },
      ] as const) {
        fake.control.addFault({ method: 'getUpdates', times: 1, effect })
        fake.control.post(group, ada, effect.kind)
        await sink.until(sink.envelopes.length + 1)
      }
      fake.control.post(group, ada, 'last')
      await fake.until(() => sink.texts().includes('last'))
      expect(new Set(sink.texts()).size).toBe(7)
      expect(waits).toContain(3000)
      await fake.until(() => bridge.health().status === 'ok')
    })

    it('starts without a reachable server and connects when it comes', async () => {
      const port = new URL(fake.url).port
      await fake.stop()
      const tries = deferred<void>()
      let waits = 0
      const bridge = newBridge({ fake: { url: `http://127.0.0.1:${port}` } as FakeTelegram, token }, sink, {
        sleep: async () => {
          if (++waits === 2) tries.resolve()
          await new Promise((r) => setTimeout(r, 20))
        },
      })
      bridges.push(bridge)
      await bridge.start(never)
      expect(bridge.health()).toMatchObject({ status: 'degraded', reason: expect.stringContaining('cannot reach') })
      expect(await bridge.send(request(group, 'x'), never)).toMatchObject({ kind: 'not-sent', code: 'TELEGRAM_ECONNREFUSED' })
      await tries.promise
      fake = await new FakeTelegram({ port: Number(port) }).start()
      fake.control.addBot({ token })
      fake.control.addUser({ firstName: 'Ada', id: ada })
      fake.control.addChat({ id: group, members: [botId, ada] })
      fake.control.post(group, ada, 'back')
      await sink.until(1)
    })

    it('reports a revoked token, keeps the process and recovers with it', async () => {
      const again = deferred<void>()
      const failed = deferred<void>()
      fake.control.revoke(botId)
      const bridge = await start({
        sleep: async () => {
          failed.resolve()
          await again.promise
        },
      })
      await failed.promise
      expect(bridge.health()).toMatchObject({ status: 'failed', reason: expect.stringContaining('token is not valid') })
      expect(await bridge.send(request(group, 'x'), never)).toMatchObject({ kind: 'account-failed' })
      fake.control.revoke(botId, false)
      again.resolve()
      await fake.until(() => fake.world.bots.get(botId)?.updates.polling === true)
      expect(bridge.health()).toEqual({ status: 'ok' })
    })

    it('explains privacy mode until the bot is an administrator of the bridged group', async () => {
      fake.control.setPrivacy(botId, true)
      const bridge = await start({ bridgedChats: () => [String(group)] })
      expect(bridge.health()).toMatchObject({ status: 'degraded', reason: expect.stringContaining('privacy mode') })
      fake.control.setMember(group, botId, 'administrator')
      fake.control.post(group, ada, 'now visible')
      await sink.until(1)
      expect(bridge.health()).toEqual({ status: 'ok' })
    })

    it('tells when it was removed from a chat and when it is back', async () => {
      const standings: string[] = []
      const bridge = await start({ onMembership: (channel, status) => standings.push(`${channel} ${status}`) })
      fake.control.setMember(group, botId, 'kicked')
      await fake.until(() => fake.control.stats().pendingUpdates === 0 && standings.length === 1)
      expect(bridge.health()).toMatchObject({ reason: 'removed from: Chat' })
      fake.control.setMember(group, botId, 'member')
      fake.control.post(group, ada, 'hi again')
      await sink.until(1)
      expect(standings).toEqual([`${group} kicked`, `${group} member`])
      expect(bridge.health()).toEqual({ status: 'ok' })
    })

    it('stops promptly in the middle of a long poll', async () => {
      const bridge = await start({ pollTimeoutSec: 50 })
      await fake.until(() => fake.world.bots.get(botId)?.updates.polling === true)
      await bridge.stop()
      await bridge.stop()
      expect(await bridge.send(request(group, 'x'), never)).toEqual(NOT_READY)
    })
  })

  describe('sending', () => {
    it('sends entities under a bold name, never markup', async () => {
      const bridge = await start()
      const body = { rich: { text: 'a *b* c', spans: [{ kind: 'bold' as const, start: 0, end: 1 }] }, attachments: [] }
      const outcome = await bridge.send(request(group, body), never)
      const [message] = fake.control.visible(group)
      expect(message).toMatchObject({
        text: 'Ann: a *b* c',
        entities: [
          { type: 'bold', offset: 0, length: 3 },
          { type: 'bold', offset: 5, length: 1 },
        ],
      })
      expect(outcome).toEqual({ kind: 'done', parts: [partAt(group, message?.id ?? 0)] })
    })

    it('works with chat ids near 2^52', async () => {
      const huge = fake.control.addChat({ id: -4_503_599_627_370_495, members: [botId, ada] })
      const bridge = await start()
      await bridge.send(request(huge, 'far'), never)
      expect(visible(huge)).toEqual(['Ann: far'])
      fake.control.post(huge, ada, 'away')
      const [e] = await sink.until(1)
      expect(e?.at.channel).toBe('-4503599627370495')
    })

    it('splits long texts into whole parts and continues after the last finished one', async () => {
      const bridge = await start()
      const text = Array.from({ length: 1500 }, (_, i) => `word${i}`).join(' ')
      const done: NativePart[] = []
      fake.control.addFault({ method: 'sendMessage', nth: 2, effect: { kind: 'reset-before' } })
      const onPart = async (p: NativePart): Promise<void> => void done.push(p)
      const first = await bridge.send(request(group, text, { onPart }), never)
      expect(first.kind).toBe('ambiguous')
      expect(done).toHaveLength(1)
      const second = await bridge.send(request(group, text, { onPart, parts: done, attempt: 1, ambiguousSince: 1 }), never)
      expect(second.kind).toBe('done')
      const texts = visible()
      expect(texts.every((t) => t.length <= 4096 && t.startsWith('Ann: '))).toBe(true)
      expect(texts.map((t) => t.slice(5)).join(' ')).toBe(text)
      expect(bridge.stats().ambiguousResent).toBe(1)
    })

    it('replies natively, quotes where there is no copy, and stays in its topic', async () => {
      const forum = fake.control.addChat({ forum: true, members: [botId, ada] })
      const topic = fake.control.createTopic(forum, ada, 'Goods')
      const target = fake.control.post(forum, ada, 'question', { threadId: topic })
      const bridge = await start()
      const place = { network: 'telegram' as const, account: 'main', channel: String(forum), thread: String(topic) }
      const outcome = await bridge.send(request(forum, 'answer', { place, reply: { ref: partAt(forum, target).ref } }), never)
      await bridge.send(request(forum, 'second', { place, reply: { authorName: 'Bo', excerpt: 'what?' } }), never)
      await bridge.send(request(forum, 'in general', { place: { ...place, thread: '1' } }), never)
      const seen = fake.control.visible(forum).slice(-3)
      expect(seen.map((m) => [m.text, m.replyTo, m.threadId])).toEqual([
        ['Ann: answer', target, topic],
        ['Bo: what?\nAnn: second', topic, topic],
        ['Ann: in general', undefined, undefined],
      ])
      expect(seen[1]?.entities[0]).toMatchObject({ type: 'blockquote', offset: 0, length: 9 })
      expect(outcome).toMatchObject({ parts: [{ ref: { thread: String(topic) } }] })
    })

    it('sends without a reply when the target is gone', async () => {
      const bridge = await start()
      expect(await bridge.send(request(group, 'x', { reply: { ref: partAt(group, 999).ref } }), never)).toMatchObject({
        kind: 'done',
      })
    })

    it('shows the time of late messages', async () => {
      const bridge = await start()
      await bridge.send(request(group, 'late', { showTime: true }), never)
      expect(visible()).toEqual(['12:03 · Ann: late'])
    })

    it('turns link previews off when asked', async () => {
      const bridge = await start()
      const rich = { text: 'https://e.org', spans: [] }
      await bridge.send(request(group, { rich, attachments: [], noPreview: true }), never)
      const message = [...(fake.world.chats.get(group)?.messages.values() ?? [])][0]
      expect(message?.link_preview_options).toEqual({ is_disabled: true })
    })

    it('edits, grows, shrinks and deletes all parts', async () => {
      const bridge = await start()
      const long = (n: number): string => 'x'.repeat(n)
      const parts = async (outcome: Promise<{ kind: string }>) => {
        const o = await outcome
        expect(o.kind).toBe('done')
        return (o as unknown as { parts: NativePart[] }).parts
      }
      let now = await parts(bridge.send(request(group, 'one'), never))
      now = await parts(bridge.send(request(group, long(9000), { op: 'edit', parts: now }), never))
      expect(now).toHaveLength(3)
      expect(visible().map((t) => t.length)).toEqual([4096, 4096, 9000 - 2 * 4091 + 5])
      now = await parts(bridge.send(request(group, 'two', { op: 'edit', parts: now }), never))
      expect(visible()).toEqual(['Ann: two'])
      // Unchanged and vanished targets are fine.
      now = await parts(bridge.send(request(group, 'two', { op: 'edit', parts: now }), never))
      fake.control.delete(group, Number(now[0]?.ref.id))
      now = await parts(bridge.send(request(group, 'three', { op: 'edit', parts: now }), never))
      const { body: _b, ...gone } = request(group, '', { op: 'delete', parts: now })
      await parts(bridge.send(gone, never))
      expect(visible()).toEqual([])
    })

    it('marks copies as deleted when they are too old to delete', async () => {
      let now = Date.now()
      await using old = await new FakeTelegram({ now: () => now }).start()
      const bot = old.control.addBot()
      const chat = old.control.addChat({ members: [bot.id] })
      const bridge = newBridge({ fake: old, token: bot.token }, sink)
      bridges.push(bridge)
      await bridge.start(never)
      const sent = await bridge.send(request(chat, 'old'), never)
      now += 49 * 3600 * 1000
      const { body: _b, ...gone } = request(chat, '', { op: 'delete', parts: sent.kind === 'done' ? sent.parts : [] })
      expect(await bridge.send(gone, never)).toMatchObject({ kind: 'done' })
      expect(old.control.visible(chat).map((m) => m.text)).toEqual(['(deleted)'])
      await bridge.stop()
    })

    it('follows a group that became a supergroup, in both directions', async () => {
      const moves: string[] = []
      const old = fake.control.addChat({ type: 'group', members: [botId, ada] })
      const bridge = await start({ onMigrated: async (from, to) => void moves.push(`${from} ${to}`) })
      const before = await bridge.send(request(old, 'before'), never)
      fake.control.holdUpdates(botId, true)
      const fresh = fake.control.migrate(old)
      const outcome = await bridge.send(request(old, 'after'), never)
      expect(outcome).toMatchObject({ kind: 'done', parts: [{ ref: { channel: String(fresh) } }] })
      expect(fake.control.visible(fresh).at(-1)?.text).toBe('Ann: after')
      // What stayed behind cannot be changed; that is no failure.
      const parts = before.kind === 'done' ? before.parts : []
      expect(await bridge.send(request(old, 'edited', { op: 'edit', parts }), never)).toMatchObject({ kind: 'done' })
      fake.control.holdUpdates(botId, false)
      await sink.until(2)
      expect(moves).toEqual([`${old} ${fresh}`])
    })

    it('never sends what is empty', async () => {
      const bridge = await start()
      expect(await bridge.send(request(group, ' \n '), never)).toMatchObject({ kind: 'permanent', code: 'TELEGRAM_EMPTY' })
      expect(fake.control.requests('sendMessage')).toEqual([])
    })

    it('falls back to plain text once when entities are refused, and counts it', async () => {
      const bridge = await start()
      fake.control.addFault({
        method: 'sendMessage',
        times: 1,
        effect: {
          kind: 'status',
          status: 400,
          body: { ok: false, error_code: 400, description: 'Bad Request: ENTITY_TEXT_INVALID' },
        },
      })
      expect(await bridge.send(request(group, 'x'), never)).toMatchObject({ kind: 'done' })
      expect(bridge.stats().entityFallback).toBe(1)
    })

    it('classifies lanes that cannot work', async () => {
      const bridge = await start()
      expect(await bridge.send(request(-5, 'x'), never)).toMatchObject({ kind: 'lane-failed', code: 'TELEGRAM_CHAT_NOT_FOUND' })
      fake.control.setWritable(group, false)
      expect(await bridge.send(request(group, 'x'), never)).toMatchObject({ kind: 'lane-failed', code: 'TELEGRAM_NO_RIGHTS' })
      fake.control.setMember(group, botId, 'kicked')
      expect(await bridge.send(request(group, 'x'), never)).toMatchObject({ kind: 'lane-failed', code: 'TELEGRAM_KICKED' })
    })

    it('says what is certain and what is not when the network fails', async () => {
      const bridge = await start({ callTimeoutSec: 1 })
      const send = async (effect: Parameters<typeof fake.control.addFault>[0]['effect'], more = {}) => {
        fake.control.addFault({ times: 1, route: '/essage/', effect })
        return (await bridge.send(request(group, effect.kind, more), never)).kind
      }
      expect(await send({ kind: 'response-lost' })).toBe('ambiguous')
      expect(await send({ kind: 'reset-before' })).toBe('ambiguous')
      expect(await send({ kind: 'status', status: 500 })).toBe('ambiguous')
      expect(await send({ kind: 'half-response' })).toBe('ambiguous')
      expect(await send({ kind: 'corrupt-json' })).toBe('ambiguous')
      expect(await send({ kind: 'delay-after', ms: 1500 })).toBe('ambiguous')
      // Edits and deletes may simply be repeated.
      expect(await send({ kind: 'response-lost' }, { op: 'edit', parts: [partAt(group, 2)] })).toBe('not-sent')
      expect(await send({ kind: 'rate-limit', retryAfterMs: 2000 })).toBe('rate-limited')
    })

    it('drops instead of sending twice when the account is set so', async () => {
      const bridge = await start({ ambiguous: 'drop' })
      fake.control.addFault({ method: 'sendMessage', times: 1, effect: { kind: 'response-lost' } })
      expect((await bridge.send(request(group, 'x'), never)).kind).toBe('ambiguous')
      expect(await bridge.send(request(group, 'x', { attempt: 1, ambiguousSince: 1 }), never)).toEqual({
        kind: 'done',
        parts: [],
      })
      expect(visible()).toEqual(['Ann: x'])
      expect(bridge.stats().ambiguousDropped).toBe(1)
    })

    it('is aborted: before the call nothing was sent, during it nobody knows', async () => {
      const bridge = await start()
      expect((await bridge.send(request(group, 'x'), AbortSignal.abort())).kind).toBe('not-sent')
      fake.control.addFault({ method: 'sendMessage', times: 1, effect: { kind: 'delay-before', ms: 60_000 } })
      const stop = new AbortController()
      const sending = bridge.send(request(group, 'x'), stop.signal)
      await fake.until(() => fake.faults.counts()['delay-before'] === 1)
      stop.abort()
      expect((await sending).kind).toBe('ambiguous')
    })

    it('waits by prediction instead of collecting 429s, per chat and without a call', async () => {
      let now = 1_750_000_000_000
      const clock = { now: () => now, monotonic: () => now, after: () => () => {} }
      await using strict = await new FakeTelegram({ limits: 'real-like', now: () => now }).start()
      const bot = strict.control.addBot()
      const chats = [strict.control.addChat({ members: [bot.id] }), strict.control.addChat({ members: [bot.id] })]
      const bridge = newBridge({ fake: strict, token: bot.token }, sink, { rates: undefined as never, clock })
      await bridge.start(never)
      let sent = 0
      const wait = new Map<number, number>()
      for (const end = now + 120_000; now < end; now += 250) {
        for (const chat of chats) {
          if ((wait.get(chat) ?? 0) > now) continue
          const outcome = await bridge.send(request(chat, `m${sent}`), never)
          if (outcome.kind === 'done') sent++
          else if (outcome.kind === 'rate-limited') wait.set(chat, now + outcome.afterMs)
          else throw new Error(JSON.stringify(outcome))
        }
      }
      expect(bridge.stats().rateLimited).toBe(0)
      expect(strict.remarks).toEqual([])
      // Two groups for two minutes: a burst of 20 each, then 20 a minute.
      expect(sent).toBeGreaterThanOrEqual(0.95 * 2 * 60)
      await bridge.stop()
    })

    it('honours a 429 that prediction did not foresee', async () => {
      let now = 1_750_000_000_000
      const clock = { now: () => now, monotonic: () => now, after: () => () => {} }
      const bridge = await start({ rates: undefined as never, clock })
      fake.control.addFault({ method: 'sendMessage', times: 1, effect: { kind: 'rate-limit', retryAfterMs: 7000 } })
      expect(await bridge.send(request(group, 'a'), never)).toEqual({ kind: 'rate-limited', afterMs: 7000, scope: 'lane' })
      now += 6000
      expect(await bridge.send(request(group, 'a'), never)).toEqual({ kind: 'rate-limited', afterMs: 1000, scope: 'lane' })
      expect(fake.control.requests('sendMessage')).toHaveLength(1)
      now += 1000
      expect((await bridge.send(request(group, 'a'), never)).kind).toBe('done')
    })

    it('never lets the token out, whatever fails', async () => {
      const lines: string[] = []
      const log = {
        debug: (f: object, m?: string) => void lines.push(JSON.stringify(f) + m),
        info: (f: object, m?: string) => void lines.push(JSON.stringify(f) + m),
        warn: (f: object, m?: string) => void lines.push(JSON.stringify(f) + m),
        error: (f: object, m?: string) => void lines.push(JSON.stringify(f) + m),
        child: () => log,
      }
      const said: string[] = []
      const bridge = await start({ log, sleep: async () => {}, callTimeoutSec: 1 })
      for (const effect of [
        { kind: 'response-lost' },
        { kind: 'corrupt-json' },
        { kind: 'half-response' },
        { kind: 'status', status: 400, body: { ok: false, error_code: 400, description: `Bad Request: odd bot${token}` } },
        { kind: 'delay-after', ms: 1200 },
      ] as const) {
        fake.control.addFault({ method: 'sendMessage', times: 1, effect })
        fake.control.addFault({ method: 'getUpdates', times: 1, effect })
        fake.control.post(group, ada, 'wake')
        said.push(JSON.stringify(await bridge.send(request(group, 'x'), never)), JSON.stringify(bridge.health()))
      }
      await bridge.stop()
      const secret = token.split(':')[1] as string
      expect(lines.length).toBeGreaterThan(0)
      expect([...lines, ...said].filter((l) => l.includes(secret))).toEqual([])
      expect(JSON.stringify(new Secret(token))).not.toContain(secret)
    })
  })
})
