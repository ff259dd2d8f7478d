import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { streamCodeOf } from '../../../src/core/net/net-errors.ts'
import { originOf } from '../../../src/core/net/origin.ts'
import { PIECE_BYTES } from '../../../src/core/net/stream-halves.ts'
import type { Connection, Transport } from '../../../src/core/net/transport.ts'
import { ALPN, acceptOne, codeOf, connectPair, isPending, pattern, readAll } from './support.ts'

export interface ConformanceSetup {
  bind(alpns: readonly string[]): Promise<Transport>
  /** An address where nobody answers. */
  readonly deadAddr: string
  /** Lets everything under way arrive. */
  settle(): Promise<void>
}

const text = (s: string): Uint8Array => new TextEncoder().encode(s)
const string = (b: Uint8Array | null): string | null => (b === null ? null : new TextDecoder().decode(b))

/** Behaviour every implementation of the transport port must show (discovery 16-18, gossip 15). */
export function transportConformance(name: string, setup: () => ConformanceSetup): void {
  describe(`${name}: dialing and accepting`, () => {
    const env = setup()
    let a: Transport
    let b: Transport

    beforeEach(async () => {
      a = await env.bind([ALPN])
      b = await env.bind([ALPN])
    })
    afterEach(async () => {
      await Promise.all([a.close(), b.close()])
    })

    test('both ends know peer, protocol and side', async () => {
      const [ca, cb] = await connectPair(a, b)
      expect([ca.peer, ca.alpn, ca.side, ca.isClosed]).toEqual([b.id, ALPN, 'dialer', false])
      expect([cb.peer, cb.alpn, cb.side, cb.isClosed]).toEqual([a.id, ALPN, 'acceptor', false])
      expect(ca.rttMs()).toBeGreaterThanOrEqual(0)
    })

    test('the accepting end knows where the other one called from', async () => {
      const [ca, cb] = await connectPair(a, b)
      expect(a.localAddr().direct.map(originOf)).toContain(cb.origin)
      expect(cb.origin).toBeDefined()
      expect(ca.origin).toBeUndefined()
    })

    test('several connections between one pair are independent', async () => {
      const [ca1, cb1] = await connectPair(a, b)
      const [ca2, cb2] = await connectPair(a, b)
      const [cb3, ca3] = await connectPair(b, a)
      expect(new Set([ca1, ca2, ca3, cb1, cb2, cb3].map((c) => c.serial)).size).toBe(6)
      ca1.close(1n, 'only this one')
      expect(await cb1.closed).toMatchObject({ by: 'remote', code: 1n })
      for (const [from, to] of [
        [ca2, cb2],
        [cb3, ca3],
      ] as const) {
        const send = await from.openUni()
        await send.write(text('still here'))
        await send.finish()
        expect(string(await readAll(await to.acceptUni()))).toBe('still here')
      }
    })

    test('a wrong protocol fails on both sides and the acceptor goes on', async () => {
      const dial = codeOf(a.connect(b.localAddr(), 'other/9'))
      expect(await codeOf(acceptOne(b))).toBe('NET_HANDSHAKE_FAILED')
      expect(await dial).toBe('NET_ALPN')
      const [ca] = await connectPair(a, b)
      expect(ca.peer).toBe(b.id)
    })

    test('protocols can be added while running', async () => {
      b.setAlpns([ALPN, 'late/1'])
      const [ca, cb] = await connectPair(a, b, 'late/1')
      expect([ca.alpn, cb.alpn]).toEqual(['late/1', 'late/1'])
    })

    test('an address that belongs to another peer fails on both sides and the acceptor goes on', async () => {
      const stranger = await env.bind([ALPN])
      const dial = codeOf(a.connect({ id: stranger.id, direct: b.localAddr().direct.slice(0, 1) }, ALPN))
      expect(await codeOf(acceptOne(b))).toBe('NET_HANDSHAKE_FAILED')
      expect(await dial).toBe('NET_WRONG_PEER')
      await stranger.close()
      const fresh = await env.bind([ALPN])
      const [cf] = await connectPair(fresh, b)
      expect(cf.peer).toBe(b.id)
      await fresh.close()
    })

    test('dialing oneself, without an address, or with an impossible protocol name fails at once', async () => {
      expect(await codeOf(a.connect(a.localAddr(), ALPN))).toBe('NET_SELF')
      expect(await codeOf(a.connect({ id: b.id, direct: [] }, ALPN))).toBe('NET_NO_ADDRESS')
      expect(await codeOf(a.connect(b.localAddr(), ''))).toBe('NET_ALPN')
      expect(await codeOf(a.connect(b.localAddr(), 'x'.repeat(256)))).toBe('NET_ALPN')
    })

    test('an address without an answer ends at the deadline or at the signal', async () => {
      const nobody = { id: b.id, direct: [env.deadAddr] }
      expect(await codeOf(a.connect(nobody, ALPN, { deadlineMs: 30 }))).toBe('NET_TIMEOUT')
      const stop = new AbortController()
      const dial = codeOf(a.connect(nobody, ALPN, { signal: stop.signal }))
      stop.abort()
      expect(await dial).toBe('ABORTED')
      expect(await codeOf(a.connect(nobody, ALPN, { signal: stop.signal }))).toBe('ABORTED')
    })

    test('dead and malformed addresses cost nothing while one works', async () => {
      const addr = { id: b.id, direct: [env.deadAddr, 'not an address', ...b.localAddr().direct] }
      const [ca] = await Promise.all([a.connect(addr, ALPN), acceptOne(b)])
      expect(ca.peer).toBe(b.id)
    })

    test('a refused dial fails at once', async () => {
      const dial = codeOf(a.connect(b.localAddr(), ALPN))
      const incoming = await b.nextIncoming()
      await incoming?.refuse()
      expect(await dial).toBe('NET_REFUSED')
    })

    test('a dial given up earlier leaves no connection behind', async () => {
      const stop = new AbortController()
      const dial = codeOf(a.connect(b.localAddr(), ALPN, { signal: stop.signal }))
      const incoming = await b.nextIncoming()
      stop.abort()
      expect(await dial).toBe('ABORTED')
      const late = await incoming?.accept().catch((error) => error.code)
      if (late !== 'NET_HANDSHAKE_FAILED') expect((await (late as Connection).closed).by).toBe('remote')
    })

    test('after one connection the peer can be dialed by bare id, in both directions', async () => {
      expect(await a.knownAddr(b.id)).toBeUndefined()
      await connectPair(a, b)
      expect((await a.knownAddr(b.id))?.direct.length).toBeGreaterThan(0)
      const [ca] = await Promise.all([a.connect({ id: b.id, direct: [] }, ALPN), acceptOne(b)])
      const [cb] = await Promise.all([b.connect({ id: a.id, direct: [] }, ALPN), acceptOne(a)])
      expect([ca.peer, cb.peer]).toEqual([b.id, a.id])
    })

    test('closing an endpoint ends its connections with code 0, its accept loop and its dials', async () => {
      const [, cb] = await connectPair(a, b)
      const next = a.nextIncoming()
      const dial = codeOf(a.connect({ id: b.id, direct: b.localAddr().direct }, ALPN))
      await a.close()
      expect(await cb.closed).toMatchObject({ by: 'remote', code: 0n })
      expect(await next).toBeNull()
      expect(await dial).toBe('NET_CLOSED')
      expect(await a.nextIncoming()).toBeNull()
      expect(await codeOf(a.connect(b.localAddr(), ALPN))).toBe('NET_CLOSED')
      expect(await a.knownAddr(b.id)).toBeUndefined()
      await a.close()
    })
  })

  describe(`${name}: streams`, () => {
    const env = setup()
    let a: Transport
    let b: Transport
    let ca: Connection
    let cb: Connection

    beforeAll(async () => {
      a = await env.bind([ALPN])
      b = await env.bind([ALPN])
    })
    beforeEach(async () => {
      ;[ca, cb] = await connectPair(a, b)
    })
    afterEach(() => {
      ca.close(0n, '')
    })
    afterAll(async () => {
      await Promise.all([a.close(), b.close()])
    })

    test('bytes arrive in order and FIN is reported again and again', async () => {
      const send = await ca.openUni()
      await send.write(text('hello '))
      await send.write(new Uint8Array())
      await send.write(text('world'))
      await send.finish()
      const recv = await cb.acceptUni()
      expect(string(await readAll(recv, 3))).toBe('hello world')
      expect([await recv.read(10), await recv.read(10)]).toEqual([null, null])
    })

    test('writes started together stay in call order', async () => {
      const send = await ca.openUni()
      const parts = Array.from({ length: 20 }, (_, i) => pattern(1 + i * 997, i + 1))
      const work = Promise.all([...parts.map((part) => send.write(part)), send.finish()])
      expect(Buffer.from(await readAll(await cb.acceptUni())).equals(Buffer.concat(parts))).toBe(true)
      await work
    })

    test('streams in use at the same time keep their bytes apart, also when each reads into memory of its own again and again', async () => {
      const pieces = (n: number): Uint8Array[] => Array.from({ length: 6 }, (_, i) => pattern(8_192, 10 * n + i))
      const writing = [1, 2, 3].map(async (n) => {
        const send = await ca.openUni()
        await send.write(new Uint8Array([n]))
        for (const piece of pieces(n)) await send.write(piece)
        await send.finish()
      })
      const reading = [1, 2, 3].map(async () => {
        const recv = await cb.acceptUni()
        const first = await recv.read(1)
        const into = new Uint8Array(5_000)
        const parts: Uint8Array[] = []
        for (let part = await recv.read(5_000, { into }); part !== null; part = await recv.read(5_000, { into }))
          parts.push(part.slice())
        expect(Buffer.concat(parts).equals(Buffer.concat(pieces(first?.[0] ?? 0)))).toBe(true)
      })
      await Promise.all([...writing, ...reading])
    })

    test('the other direction works on after a half-close', async () => {
      const ours = await ca.openBi()
      await ours.send.write(text('question'))
      await ours.send.finish()
      const theirs = await cb.acceptBi()
      expect(string(await readAll(theirs.recv))).toBe('question')
      await theirs.send.write(text('answer'))
      await theirs.send.finish()
      expect(string(await readAll(ours.recv))).toBe('answer')
    })

    test('an empty stream is a FIN', async () => {
      const send = await ca.openUni()
      await send.finish()
      expect(await (await cb.acceptUni()).read(1)).toBeNull()
    })

    test('a reset is an error for ever, never a FIN', async () => {
      const send = await ca.openUni()
      await send.write(text('half of it'))
      const recv = await cb.acceptUni()
      await recv.read(4)
      await send.reset(42n)
      const errors: unknown[] = []
      while (errors.length < 3)
        await recv.read(2).then(
          () => {},
          (error) => errors.push(error),
        ) // bytes may come first
      expect(errors.map(streamCodeOf)).toEqual([42n, 42n, 42n])
      expect(errors[0]).toMatchObject({ code: 'NET_STREAM_RESET' })
      await recv.stop(1n)
      expect(await codeOf(send.write(text('more')))).toBe('NET_STREAM_ENDED')
      await send.reset(43n)
    })

    test('a stopped stream fails the writer with the code, again and again', async () => {
      const send = await ca.openUni()
      await send.write(text('x'))
      const recv = await cb.acceptUni()
      await recv.stop(7n)
      expect(await codeOf(recv.read(1))).toBe('NET_STREAM_ENDED')
      await env.settle()
      const error = await send.write(text('y')).catch((e) => e)
      expect([error.code, streamCodeOf(error)]).toEqual(['NET_STREAM_STOPPED', 7n])
      expect(await codeOf(send.write(text('z')))).toBe('NET_STREAM_STOPPED')
      expect(await codeOf(send.finish())).toBe('NET_STREAM_STOPPED')
      await send.reset(1n)
    })

    test('stop waits for a pending read and takes effect when that ends', async () => {
      const send = await ca.openUni()
      await send.write(text('1'))
      const recv = await cb.acceptUni()
      await recv.read(1)
      const pending = recv.read(1)
      await recv.stop(9n)
      expect(await isPending(pending, env.settle)).toBe(true)
      await send.write(text('2'))
      expect(string(await pending)).toBe('2')
      await env.settle()
      expect(await codeOf(send.write(text('3')))).toBe('NET_STREAM_STOPPED')
    })

    test('only one read at a time is allowed', async () => {
      const send = await ca.openUni()
      await send.write(text('1'))
      const recv = await cb.acceptUni()
      await recv.read(1)
      const first = recv.read(1)
      expect(await codeOf(recv.read(1))).toBe('NET_STREAM_BUSY')
      await send.write(text('2'))
      expect(string(await first)).toBe('2')
    })

    test('a read past its deadline ends that stream only', async () => {
      const send = await ca.openUni()
      await send.write(text('1'))
      const recv = await cb.acceptUni()
      await recv.read(1)
      expect(await codeOf(recv.read(1, { deadlineMs: 20 }))).toBe('NET_TIMEOUT')
      expect(await codeOf(recv.read(1))).toBe('NET_TIMEOUT')
      await recv.stop(2n)
      const other = await ca.openUni()
      await other.write(text('ok'))
      await other.finish()
      expect(string(await readAll(await cb.acceptUni()))).toBe('ok')
    })

    test('a finished stream takes no more writes, and finish and reset after it do nothing', async () => {
      const send = await ca.openUni()
      await send.write(text('all'))
      await send.finish()
      await send.finish()
      expect(await codeOf(send.write(text('more')))).toBe('NET_STREAM_ENDED')
      await send.reset(5n)
      expect(string(await readAll(await cb.acceptUni()))).toBe('all')
    })

    test('a big write waits for a slow reader and arrives complete', async () => {
      const sent = pattern(3_000_000)
      const send = await ca.openUni()
      const write = send.write(sent).then(() => send.finish())
      const recv = await cb.acceptUni()
      expect(await isPending(write, env.settle)).toBe(true)
      const got = await readAll(recv, 100_000)
      await write
      expect(Buffer.compare(got, sent)).toBe(0)
    })

    test('a stuck write ends at its deadline, and a reset reaches the peer once it reads again', async () => {
      const send = await ca.openUni()
      expect(await codeOf(send.write(pattern(2_000_000), { deadlineMs: 300 }))).toBe('NET_TIMEOUT')
      expect(await codeOf(send.write(text('x')))).toBe('NET_TIMEOUT')
      await send.reset(11n)
      const recv = await cb.acceptUni()
      const error = await readAll(recv).catch((e) => e)
      expect([error.code, streamCodeOf(error)]).toEqual(['NET_STREAM_RESET', 11n])
    })

    test('a read gives at most what was asked for, and at most one piece', async () => {
      const send = await ca.openUni()
      const write = send.write(pattern(300_000)).then(() => send.finish())
      const recv = await cb.acceptUni()
      expect((await recv.read(1))?.length).toBe(1)
      await env.settle()
      expect((await recv.read(10))?.length).toBe(10)
      expect((await recv.read(1_000_000))?.length).toBeLessThanOrEqual(PIECE_BYTES)
      await readAll(recv)
      await write
    })

    test('a silent stream surfaces only with data, and before later ones', async () => {
      const first = await ca.openUni()
      await first.write(new Uint8Array())
      const accepted = cb.acceptUni()
      expect(await isPending(accepted, env.settle)).toBe(true)
      const second = await ca.openUni()
      await second.write(text('second'))
      const early = await accepted
      expect(string(await (await cb.acceptUni()).read(10))).toBe('second')
      await first.write(text('first'))
      expect(string(await early.read(10))).toBe('first')
    })

    test('a bidirectional stream is visible once the opener has sent', async () => {
      const ours = await ca.openBi()
      const accepted = cb.acceptBi()
      expect(await isPending(accepted, env.settle)).toBe(true)
      await ours.send.write(text('!'))
      const theirs = await accepted
      await theirs.send.write(text('?'))
      expect(string(await ours.recv.read(1))).toBe('?')
    })

    test('giving up an accept loses no stream', async () => {
      expect(await codeOf(cb.acceptUni({ deadlineMs: 20 }))).toBe('NET_TIMEOUT')
      expect(await codeOf(cb.acceptBi({ deadlineMs: 20 }))).toBe('NET_TIMEOUT')
      for (const word of ['one', 'two']) {
        const send = await ca.openUni()
        await send.write(text(word))
        await send.finish()
      }
      await env.settle()
      expect(string(await readAll(await cb.acceptUni()))).toBe('one')
      expect(string(await readAll(await cb.acceptUni()))).toBe('two')
    })

    test.each(['uni', 'bi'] as const)('the 101st %s stream waits until one has ended', async (kind) => {
      const open = async (): Promise<() => Promise<void>> => {
        if (kind === 'uni') {
          const send = await ca.openUni()
          await send.write(text('x'))
          return () => send.finish()
        }
        const both = await ca.openBi()
        await both.send.write(text('x'))
        return () => both.send.finish()
      }
      const take = async () => {
        if (kind === 'uni') return { recv: await cb.acceptUni(), end: async () => {} }
        const both = await cb.acceptBi()
        return { recv: both.recv, end: () => both.send.finish() }
      }
      const ends: (() => Promise<void>)[] = []
      for (let i = 0; i < 100; i++) ends.push(await open()) // opens started together may come in any order
      const next = open()
      expect(await isPending(next, env.settle)).toBe(true)
      // Slots are handed out again in groups of an eighth of the limit.
      for (const end of ends.slice(0, 13)) {
        const oldest = await take()
        await end()
        expect(string(await readAll(oldest.recv))).toBe('x')
        await oldest.end()
      }
      await next
      await Promise.all(Array.from({ length: 12 }, open))
      const over = open()
      expect(await isPending(over, env.settle)).toBe(true)
      cb.setMaxStreams({ [kind]: 150 })
      await over
      await Promise.all(Array.from({ length: 49 }, open))
      const beyond = open().catch(() => {})
      expect(await isPending(beyond, env.settle)).toBe(true)
    })

    test('an open given up does not cost a slot for ever', async () => {
      const sends = await Promise.all(Array.from({ length: 100 }, () => ca.openUni()))
      for (const send of sends) await send.write(text('x'))
      expect(await codeOf(ca.openUni({ deadlineMs: 20 }))).toBe('NET_TIMEOUT')
      for (const send of sends) await send.finish()
      for (let i = 0; i < 100; i++) expect(string(await readAll(await cb.acceptUni()))).toBe('x')
      for (let i = 0; i < 150; i++) {
        const send = await ca.openUni({ deadlineMs: 5_000 })
        await send.write(text('y'))
        await send.finish()
        let got = await readAll(await cb.acceptUni()).catch(() => undefined) // the given-up one comes as a reset
        got ??= await readAll(await cb.acceptUni())
        expect(string(got)).toBe('y')
      }
    })

    test('stopped streams free their slots once the writer has noticed', async () => {
      const sends = await Promise.all(Array.from({ length: 100 }, () => ca.openUni()))
      for (const send of sends) await send.write(text('x'))
      for (let i = 0; i < 100; i++) await (await cb.acceptUni()).stop(1n)
      await env.settle()
      const next = ca.openUni()
      expect(await isPending(next, env.settle)).toBe(true)
      for (const send of sends) expect(await codeOf(send.write(text('x')))).toBe('NET_STREAM_STOPPED')
      await next
    })

    test('many streams in both directions at once do not mix', async () => {
      const count = 40
      const run = async (from: Connection, to: Connection, seed: number): Promise<void> => {
        const senders = Array.from({ length: count }, async (_, i) => {
          const send = await from.openUni()
          await send.write(Uint8Array.of(i))
          await send.write(pattern(5_000 + i, seed + i))
          await send.finish()
        })
        const receivers = Array.from({ length: count }, async () => {
          const all = await readAll(await to.acceptUni(), 777)
          const i = all[0] as number
          expect(Buffer.compare(all.subarray(1), pattern(5_000 + i, seed + i))).toBe(0)
          return i
        })
        await Promise.all(senders)
        const seen = await Promise.all(receivers)
        expect(seen.sort((x, y) => x - y)).toEqual(Array.from({ length: count }, (_, i) => i))
      }
      await Promise.all([run(ca, cb, 100), run(cb, ca, 900)])
    })

    test('close tells the peer code and reason, and ends everything that waits', async () => {
      const send = await ca.openUni()
      await send.write(text('x'))
      const recv = await cb.acceptUni()
      await recv.read(1)
      const big = await cb.openUni()
      const waiting = [recv.read(1), cb.acceptUni(), cb.acceptBi(), big.write(pattern(2_000_000)), ca.acceptBi()].map(codeOf)
      await env.settle()
      ca.close(77n, 'enough')
      ca.close(78n, 'twice')
      expect(ca.isClosed).toBe(true)
      expect(await ca.closed).toEqual({ by: 'local', code: 77n, reason: 'enough' })
      expect(await cb.closed).toEqual({ by: 'remote', code: 77n, reason: 'enough' })
      expect(await Promise.all(waiting)).toEqual(Array(5).fill('NET_CLOSED'))
      for (const end of [ca, cb]) {
        expect(await codeOf(end.openUni())).toBe('NET_CLOSED')
        expect(await codeOf(end.openBi())).toBe('NET_CLOSED')
        expect(await codeOf(end.acceptUni())).toBe('NET_CLOSED')
        end.setMaxStreams({ uni: 5 })
        expect(end.rttMs() === undefined || end.isClosed).toBe(true)
      }
      expect(await codeOf(send.write(text('y')))).toBe('NET_CLOSED')
      await send.reset(1n)
      await recv.stop(1n)
      cb.close(1n, '')
      expect(await cb.closed).toMatchObject({ by: 'remote' })
    })

    test('a close without a reason, and with codes and reasons out of range', async () => {
      ca.close(0n, '')
      expect(await cb.closed).toEqual({ by: 'remote', code: 0n, reason: '' })
      const [ca2, cb2] = await connectPair(a, b)
      cb2.close(2n ** 62n + 5n, 'r'.repeat(5_000))
      const info = await ca2.closed
      expect(info).toMatchObject({ by: 'remote', code: 2n ** 62n - 1n })
      expect(info.reason.length).toBe(200)
      const [ca3, cb3] = await connectPair(a, b)
      ca3.close(-1n, 'Reset(5) timed out\nStack backtrace: (code 9)')
      expect(await cb3.closed).toMatchObject({ by: 'remote', code: 0n })
    })

    test('what arrived before the peer closed can still be taken, then the end is reported', async () => {
      const send = await ca.openUni()
      await send.write(text('last words'))
      await send.finish()
      const unfinished = await ca.openUni()
      await unfinished.write(text('cut'))
      await env.settle()
      ca.close(3n, 'bye')
      await cb.closed
      expect(string(await readAll(await cb.acceptUni()))).toBe('last words')
      const cut = await cb.acceptUni()
      expect(string(await cut.read(10))).toBe('cut')
      expect(await codeOf(cut.read(10))).toBe('NET_CLOSED')
      expect(await codeOf(cb.acceptUni())).toBe('NET_CLOSED')
    })

    test('after our own close nothing can be read', async () => {
      const send = await ca.openUni()
      await send.write(text('x'))
      const recv = await cb.acceptUni()
      await env.settle()
      cb.close(0n, '')
      expect(await codeOf(recv.read(1))).toBe('NET_CLOSED')
    })
  })
}
