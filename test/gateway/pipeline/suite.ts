import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { deferred } from '../../../src/base/async.ts'
import { type Place, placeKey } from '../../../src/bridges/model/place.ts'
import { OwnIdentities } from '../../../src/bridges/own-identities.ts'
import type { SendOutcome, SendRequest } from '../../../src/bridges/port.ts'
import type { PipelineOptions } from '../../../src/gateway/pipeline/index.ts'
import { type Rig, ShiftedClock, startRig, type TestDatabase } from './rig.ts'
import { create, discord, edit, person, refOf, remove, route, ScriptedBridge, telegram } from './scripted.ts'

const bad = { code: 'E', message: 'why' }
const numbered = (n: number, prefix = 'm'): string[] => Array.from({ length: n }, (_, i) => `${prefix} ${i}`)

/** What the pipeline promises, run unchanged on every database. */
export function pipelineSuite(name: string, open: () => Promise<{ readonly db: TestDatabase; close(): Promise<void> }>): void {
  describe(name, () => {
    let database: Awaited<ReturnType<typeof open>>
    const rigs: Rig[] = []
    const start = async (over: Partial<PipelineOptions> & { readonly clock?: ShiftedClock } = {}): Promise<Rig> => {
      const rig = await startRig(database.db, over)
      rigs.push(rig)
      return rig
    }
    const offer = (rig: Rig, texts: readonly string[], from = rig.from): Promise<void> =>
      rig.ingest(texts.map((text) => create(from, text, text)))

    beforeAll(async () => {
      database = await open()
    })
    afterEach(async () => {
      await Promise.all(rigs.splice(0).map((rig) => rig.stop()))
    })
    afterAll(async () => {
      await database.close()
    })

    describe('delivery', () => {
      it('brings every message once and in order, into every lane', async () => {
        const places = Array.from({ length: 3 }, (_, i) => discord(`51000000000000000${i}`))
        const from = telegram('-777')
        const rig = await start({ routes: [route('r', [from, ...places])] })
        const texts = numbered(200)
        // As busy sources do: single calls, pairs, and repetitions.
        await Promise.all(
          texts.map((text, i) => rig.ingest([create(from, text, text), ...(i % 7 === 0 ? [create(from, text, text)] : [])])),
        )
        await rig.dc.until(() => rig.dc.total === 600)
        await rig.ingest(texts.map((text) => create(from, text, text)))
        for (const place of places) {
          await rig.rest(placeKey(place))
          expect(rig.dc.texts(place.channel)).toEqual(texts)
        }
        expect(rig.dc.overlaps).toBe(0)
        expect(rig.pipeline.counters.total('bridge_deliveries_total', { outcome: 'done' })).toBe(600)
        expect(rig.pipeline.counters.total('bridge_events_deduplicated_total')).toBe(229)
      })

      it('delivers what is committed after a restart, and nothing twice', async () => {
        const first = await start()
        const silent = deferred<SendOutcome>()
        first.dc.script = (_request, call) => (call > 5 ? silent.promise : 'ok')
        await offer(first, numbered(20))
        await first.dc.until(() => first.dc.total === 5)
        const stopping = first.stop(0)
        silent.resolve({ kind: 'not-sent', ...bad })
        await stopping
        const options = { routes: [route('r', [first.from, first.to])], bridges: first.bridges }
        first.dc.script = () => 'ok'
        const second = await start(options)
        await first.dc.until(() => first.dc.total === 20)
        await second.rest(first.lane)
        expect(first.dc.texts(first.to.channel)).toEqual(numbered(20))
      })

      it('tries at once after a restart what failed before, and keeps the waits a platform asked for', async () => {
        const failing = discord('520000000000000008')
        const other = discord('520000000000000009')
        const from = telegram('-779')
        const first = await start({ routes: [route('r', [from, failing, other])], limits: { sweepMs: 60_000 } })
        first.dc.script = (request) =>
          request.place.channel === other.channel
            ? { kind: 'rate-limited', afterMs: 600_000, scope: 'lane' }
            : { kind: 'not-sent', ...bad }
        await offer(first, ['hello'], from)
        await first.rest(placeKey(failing))
        await first.rest(placeKey(other))
        // Far enough that no wait of the first process ends by itself.
        await first.rows(
          `update k2.delivery set not_before = not_before + 600000 where done_at is null and failed_since is not null`,
        )
        await first.stop()
        first.dc.script = () => 'ok'
        const second = await start({ routes: [route('r', [from, failing, other])], bridges: first.bridges })
        await first.dc.until(() => first.dc.shown(failing.channel).length === 1)
        await second.rest(placeKey(other))
        expect(first.dc.shown(other.channel)).toEqual([])
        await first.rows(`update k2.delivery set state = 'cancelled', done_at = 1 where done_at is null and lane = $1`, [
          placeKey(other),
        ])
      })

      it('lets no destination wait for another', async () => {
        const slow = discord('520000000000000001')
        const fast = discord('520000000000000002')
        const from = telegram('-778')
        const rig = await start({ routes: [route('r', [from, slow, fast])], limits: { deliveries: 4 } })
        const gate = deferred<'ok'>()
        rig.dc.script = (request) => (request.place.channel === slow.channel ? gate.promise : 'ok')
        await offer(rig, numbered(50), from)
        await rig.dc.until(() => rig.dc.shown(fast.channel).length === 50)
        expect(rig.dc.shown(slow.channel)).toEqual([])
        gate.resolve('ok')
        await rig.dc.until(() => rig.dc.shown(slow.channel).length === 50)
        expect(rig.dc.texts(slow.channel)).toEqual(numbered(50))
      })

      it('shares few slots among many lanes', async () => {
        const places = Array.from({ length: 12 }, (_, i) => discord(`5300000000000000${10 + i}`))
        const sources = places.map((_, i) => telegram(`-80${i}`))
        const rig = await start({
          routes: places.map((place, i) => route(`r${i}`, [sources[i] as Place, place])),
          limits: { deliveries: 2 },
        })
        await Promise.all(sources.map((source) => offer(rig, numbered(30), source)))
        await rig.dc.until(() => rig.dc.total === 360)
        for (const place of places) expect(rig.dc.texts(place.channel)).toEqual(numbered(30))
        expect(rig.dc.overlaps).toBe(0)
      })

      it('keeps the parts of a long message, and goes on behind them', async () => {
        const rig = await start()
        const seen: number[] = []
        rig.dc.script = async (request): Promise<SendOutcome | 'ok'> => {
          if (request.op !== 'create') return 'ok'
          seen.push(request.parts.length)
          const parts = [...request.parts]
          for (let n = parts.length; n < 4; n++) {
            if (n === 2 && request.attempt === 0) return { kind: 'not-sent', ...bad }
            const made = { part: n, ref: refOf(request.place, `part-${n}`) }
            rig.dc.shown(request.place.channel).push({ id: made.ref.id, text: `part ${n}`, author: '', idemKey: '' })
            await request.onPart(made)
            parts.push(made)
          }
          return { kind: 'done', parts }
        }
        await rig.ingest([create(rig.from, '1', 'x'.repeat(5_000))])
        await rig.dc.until(() => rig.dc.shown(rig.to.channel).length === 4)
        await rig.rest()
        expect(seen).toEqual([0, 2])
        await rig.ingest([edit(rig.from, '1', 'new')])
        await rig.dc.until(() => rig.dc.texts(rig.to.channel).every((text) => text === 'new'))
        expect(rig.dc.requests.at(-1)?.parts.map((p) => p.ref.id)).toEqual(['part-0', 'part-1', 'part-2', 'part-3'])
      })
    })

    describe('failures', () => {
      it('finds what arrived although the answer was lost', async () => {
        const rig = await start()
        rig.dc.script = (request, call) => (call % 10 === 0 && request.ambiguousSince === undefined ? 'lost' : 'ok')
        await offer(rig, numbered(60))
        await rig.dc.until(() => rig.dc.texts(rig.to.channel).at(-1) === 'm 59')
        await rig.rest()
        expect(rig.dc.texts(rig.to.channel)).toEqual(numbered(60))
        const lost = rig.dc.requests.filter((r) => r.ambiguousSince !== undefined).length
        expect(lost).toBeGreaterThan(3)
        expect(rig.pipeline.counters.total('bridge_ambiguous_total', { resolution: 'response-lost' })).toBe(lost)
      })

      it('sends twice only what a platform without memory may have lost', async () => {
        const rig = await start()
        rig.dc.probes = false
        rig.dc.script = (_request, call) => (call === 3 ? 'lost' : 'ok')
        await offer(rig, numbered(6))
        await rig.dc.until(() => rig.dc.texts(rig.to.channel).at(-1) === 'm 5')
        expect(rig.dc.texts(rig.to.channel)).toEqual(['m 0', 'm 1', 'm 2', 'm 2', 'm 3', 'm 4', 'm 5'])
      })

      it('waits as a rate limit says, one lane or the whole account', async () => {
        const other = discord('540000000000000001')
        const from = telegram('-779')
        const places = [discord('540000000000000000'), other]
        const rig = await start({ routes: [route('r', [from, ...places])] })
        const log: { channel: string; at: number; limited: boolean }[] = []
        let limits = 0
        rig.dc.script = (request) => {
          const { channel } = request.place
          const limited = channel === other.channel && log.length >= 4 && limits++ === 0
          log.push({ channel, at: performance.now(), limited })
          return limited ? { kind: 'rate-limited', afterMs: 300, scope: 'account' } : 'ok'
        }
        await offer(rig, numbered(10), from)
        await rig.dc.until(() => rig.dc.total === 20)
        const hit = log.find((l) => l.limited) as (typeof log)[number]
        const after = log.filter((l) => l.at > hit.at && !l.limited)
        // One that was already on its way may still arrive; nothing else before the time is over.
        const early = after.filter((l) => l.at - hit.at < 295)
        expect(early.length).toBeLessThanOrEqual(1)
        for (const place of places) expect(rig.dc.texts(place.channel)).toEqual(numbered(10))
        expect(rig.pipeline.counters.total('bridge_rate_limited_total', { scope: 'account' })).toBe(1)
      })

      it('puts what never can be sent aside, and lets an administrator replay or discard it', async () => {
        const rig = await start()
        rig.dc.script = (request) => (/m [12]$/.test(request.body?.rich.text ?? '') ? { kind: 'permanent', ...bad } : 'ok')
        await offer(rig, numbered(4))
        await rig.dc.until(() => rig.dc.total === 2)
        await rig.rest()
        expect(rig.dc.texts(rig.to.channel)).toEqual(['m 0', 'm 3'])
        const letters = (await rig.pipeline.admin.deadLetters(10)).filter((l) => l.lane === rig.lane)
        expect(letters.map((l) => [l.code, l.message, l.op])).toEqual([
          ['E', 'why', 'create'],
          ['E', 'why', 'create'],
        ])
        expect(letters.every((l) => (l.envelope as { event: object } | null)?.event !== undefined)).toBe(true)
        rig.dc.script = () => 'ok'
        const [second, first] = letters
        await rig.pipeline.admin.replay(first?.id ?? '')
        await rig.pipeline.admin.discard(second?.id ?? '')
        await rig.dc.until(() => rig.dc.total === 3)
        expect(rig.dc.texts(rig.to.channel)).toEqual(['m 0', 'm 3', 'm 1'])
        await expect(rig.pipeline.admin.replay(first?.id ?? '')).rejects.toMatchObject({ code: 'DEAD_LETTER_UNKNOWN' })
        await expect(rig.pipeline.admin.discard('no such id')).rejects.toMatchObject({ code: 'DEAD_LETTER_UNKNOWN' })
        expect((await rig.pipeline.admin.deadLetters(10)).filter((l) => l.lane === rig.lane)).toEqual([])
      })

      it('stops a lane that cannot be written, says why, and goes on when it can', async () => {
        const rig = await start()
        rig.dc.script = () => ({ kind: 'lane-failed', code: 'NO_ACCESS', message: 'missing permission' })
        await offer(rig, numbered(5))
        await rig.dc.until(() => rig.dc.requests.length === 1)
        await rig.rest()
        const [lane] = (await rig.pipeline.admin.lanes()).filter((l) => l.lane === rig.lane)
        expect(lane).toMatchObject({ state: 'suspended', reason: 'NO_ACCESS: missing permission', depth: 5 })
        await offer(rig, ['m 5'])
        await rig.rest()
        expect(rig.dc.requests).toHaveLength(1)
        rig.dc.script = () => 'ok'
        await rig.pipeline.laneReady(rig.lane)
        await rig.dc.until(() => rig.dc.total === 6)
        await rig.rest()
        expect(rig.dc.texts(rig.to.channel)).toEqual(numbered(6))
        expect((await rig.pipeline.admin.lanes()).find((l) => l.lane === rig.lane)).toMatchObject({ state: 'idle', depth: 0 })
      })

      it('probes a stopped lane by itself', async () => {
        const rig = await start()
        rig.dc.script = () => ({ kind: 'lane-failed', ...bad })
        await offer(rig, numbered(3))
        await rig.dc.until(() => rig.dc.requests.length === 1)
        await rig.rest()
        rig.clock.shift(301_000)
        await rig.dc.until(() => rig.dc.requests.length === 2)
        await rig.rest()
        // The second probe is 10 minutes away.
        rig.clock.shift(301_000)
        await rig.rest()
        expect(rig.dc.requests).toHaveLength(2)
        rig.dc.script = () => 'ok'
        rig.clock.shift(301_000)
        await rig.dc.until(() => rig.dc.total === 3)
        expect(rig.dc.texts(rig.to.channel)).toEqual(numbered(3))
      })

      it('stops all lanes of a refused account, and only those', async () => {
        const rig = await start({
          routes: [route('r', [telegram('-1'), discord('550000000000000001'), discord('550000000000000002'), telegram('-2')])],
        })
        rig.dc.script = () => ({ kind: 'account-failed', code: 'TOKEN', message: 'revoked' })
        await offer(rig, numbered(3), telegram('-1'))
        await rig.tg.until(() => rig.tg.total === 3)
        await rig.dc.until(() => rig.dc.requests.length >= 1)
        await Promise.all([discord('550000000000000001'), discord('550000000000000002')].map((p) => rig.rest(placeKey(p))))
        expect(rig.dc.requests.length).toBeLessThanOrEqual(2)
        expect(rig.pipeline.health()).toMatchObject({ status: 'degraded', reason: 'discord/dc failed: TOKEN: revoked' })
        rig.dc.script = () => 'ok'
        await rig.pipeline.accountReady('discord', 'dc')
        await rig.dc.until(() => rig.dc.total === 6)
        expect(rig.pipeline.health()).toEqual({ status: 'ok' })
      })

      it('parks a head that keeps failing, and brings it late and marked', async () => {
        const rig = await start({ limits: { headTimeoutMs: 1 } })
        rig.dc.script = (request) =>
          request.attempt < 3 && request.body?.rich.text.endsWith('m 1') ? { kind: 'not-sent', ...bad } : 'ok'
        await offer(rig, numbered(4))
        await rig.dc.until(() => rig.dc.total === 3)
        expect(rig.dc.texts(rig.to.channel)).toEqual(['m 0', 'm 2', 'm 3'])
        await rig.rest()
        for (let i = 0; i < 3 && rig.dc.total < 4; i++) {
          const calls = rig.dc.requests.length
          rig.clock.shift(120_000)
          await rig.dc.until(() => rig.dc.requests.length > calls)
          await rig.rest()
        }
        expect(rig.dc.texts(rig.to.channel)).toEqual(['m 0', 'm 2', 'm 3', '(delayed) m 1'])
      })

      it('pauses an account that does not answer', async () => {
        const rig = await start()
        rig.dc.script = () => ({ kind: 'not-sent', code: 'ECONNREFUSED', message: 'refused' })
        const fast = new ShiftedClock()
        const other = await start({
          clock: fast,
          rng: { u32: () => 0, bytes: (n) => new Uint8Array(n).map(() => Math.random() * 256) },
        })
        other.dc.script = rig.dc.script
        await offer(other, numbered(2))
        await other.dc.until(() => other.dc.requests.length >= 10)
        await other.rest()
        expect(other.dc.requests).toHaveLength(10)
        expect(other.pipeline.health()).toMatchObject({ status: 'degraded' })
        other.dc.script = () => 'ok'
        fast.shift(6_000)
        await other.dc.until(() => other.dc.total === 2)
        expect(other.pipeline.health()).toEqual({ status: 'ok' })
        expect(other.pipeline.counters.total('bridge_circuit_opened_total')).toBe(1)
      })

      it('lets messages that are too old expire, with one notice that counts them', async () => {
        const rig = await start()
        rig.dc.script = () => ({ kind: 'lane-failed', ...bad })
        await offer(rig, numbered(7))
        await rig.dc.until(() => rig.dc.requests.length === 1)
        await rig.rest()
        rig.clock.shift(25 * 3_600_000)
        await rig.ingest([create(rig.from, 'new', 'new', { at: rig.clock.now() })])
        for (;;) {
          const open = await rig.rows<{ state: string }>('select state from k2.delivery where lane = $1 and done_at is null', [
            rig.lane,
          ])
          if (open.length === 2) break
          await rig.rest()
        }
        rig.dc.script = () => 'ok'
        await rig.pipeline.laneReady(rig.lane)
        await rig.dc.until(() => rig.dc.total === 2)
        expect(rig.dc.texts(rig.to.channel)).toEqual(['new', expect.stringMatching(/^7 messages from .* were not delivered$/)])
        expect(rig.pipeline.counters.total('bridge_deliveries_total', { outcome: 'expired', route: 'r' })).toBe(7)
        const { deliveries } = (await rig.pipeline.admin.why(refOf(rig.from, 'm 3'))) ?? { deliveries: [] }
        expect(deliveries).toMatchObject([{ state: 'expired' }])
      })

      it('survives a bridge that throws', async () => {
        const rig = await start()
        rig.dc.script = (_request, call) => {
          if (call === 1) throw new Error('a bug')
          return 'ok'
        }
        await offer(rig, numbered(2))
        await rig.dc.until(() => rig.dc.total === 2)
        expect(rig.dc.requests.map((r) => r.ambiguousSince !== undefined)).toEqual([false, true, false])
        expect(rig.pipeline.counters.total('bridge_send_bugs_total')).toBe(1)
      })
    })

    describe('edits and deletes', () => {
      /** Holds the first send until told. */
      const held = async (): Promise<{ rig: Rig; release: (outcome: 'ok' | SendOutcome) => void; begun: Promise<void> }> => {
        const rig = await start()
        const gate = deferred<'ok' | SendOutcome>()
        const begun = deferred<void>()
        rig.dc.script = (_request, call) => {
          if (call > 1) return 'ok'
          begun.resolve()
          return gate.promise
        }
        return { rig, release: gate.resolve, begun: begun.promise }
      }
      const ops = (rig: Rig): string[] => rig.dc.requests.map((r) => `${r.op} ${r.body?.rich.text ?? ''}`.trim())

      it('replaces the text of a message that still waits', async () => {
        const { rig, release, begun } = await held()
        await rig.ingest([create(rig.from, '1', 'first'), create(rig.from, '2', 'second')])
        await begun
        await rig.ingest([edit(rig.from, '2', 'second, better'), edit(rig.from, '2', 'second, best')])
        release('ok')
        await rig.dc.until(() => rig.dc.total === 2)
        await rig.rest()
        expect(ops(rig)).toEqual(['create first', 'create second, best'])
      })

      it('edits behind a message that is being sent', async () => {
        const { rig, release, begun } = await held()
        await rig.ingest([create(rig.from, '1', 'first')])
        await begun
        await rig.ingest([edit(rig.from, '1', 'better')])
        await rig.ingest([edit(rig.from, '1', 'best')])
        release('ok')
        await rig.dc.until(() => rig.dc.texts(rig.to.channel)[0] === 'best')
        await rig.rest()
        expect(ops(rig)).toEqual(['create first', 'edit best'])
      })

      it('sends what may have arrived again with its own text, then the edit', async () => {
        const { rig, release, begun } = await held()
        await rig.ingest([create(rig.from, '1', 'first')])
        await begun
        release({ kind: 'ambiguous', ...bad })
        await rig.ingest([edit(rig.from, '1', 'better')])
        await rig.dc.until(() => rig.dc.texts(rig.to.channel)[0] === 'better')
        await rig.rest()
        expect(ops(rig)).toEqual(['create first', 'create first', 'edit better'])
        expect(rig.dc.requests[1]?.idemKey).toBe(rig.dc.requests[0]?.idemKey)
      })

      it('takes back a message that still waits', async () => {
        const { rig, release, begun } = await held()
        await rig.ingest([create(rig.from, '1', 'first'), create(rig.from, '2', 'second')])
        await begun
        await rig.ingest([edit(rig.from, '2', 'changed'), remove(rig.from, '2')])
        release('ok')
        await rig.rest()
        expect(ops(rig)).toEqual(['create first'])
        const why = await rig.pipeline.admin.why(refOf(rig.from, '2'))
        expect(why?.deliveries).toMatchObject([{ op: 'create', state: 'cancelled' }])
      })

      it('deletes behind a message that is being sent', async () => {
        const { rig, release, begun } = await held()
        await rig.ingest([create(rig.from, '1', 'first')])
        await begun
        await rig.ingest([remove(rig.from, '1')])
        release('ok')
        await rig.dc.until(() => rig.dc.requests.length === 2)
        await rig.rest()
        expect(ops(rig)).toEqual(['create first', 'delete'])
        expect(rig.dc.total).toBe(0)
      })

      it('ignores edits after the delete, repeated edits and repeated deletes', async () => {
        const rig = await start()
        await rig.ingest([create(rig.from, '1', 'first')])
        await rig.dc.until(() => rig.dc.total === 1)
        await rig.ingest([edit(rig.from, '1', 'first', { discriminator: 'unchanged' })])
        await rig.ingest([remove(rig.from, '1'), edit(rig.from, '1', 'too late')])
        await rig.ingest([remove(rig.from, '1', { discriminator: 'again' })])
        await rig.dc.until(() => rig.dc.total === 0)
        await rig.rest()
        expect(ops(rig)).toEqual(['create first', 'delete'])
        const reasons = ['unchanged', 'already-deleted'].map((reason) =>
          rig.pipeline.counters.total('bridge_dropped_total', { reason }),
        )
        expect(reasons).toEqual([1, 2])
      })

      it('shows the last of many edits, everywhere', async () => {
        const from = telegram('-780')
        const places = [discord('560000000000000001'), discord('560000000000000002')]
        const rig = await start({ routes: [route('r', [from, ...places])] })
        await rig.ingest([create(from, '1', 'v0')])
        await Promise.all(
          numbered(20, 'v')
            .slice(1)
            .map((text) => rig.ingest([edit(from, '1', text)])),
        )
        for (const place of places) await rig.dc.until(() => rig.dc.texts(place.channel)[0] === 'v 19')
        expect(rig.dc.total).toBe(2)
      })

      it('holds an edit and a delete until their message comes', async () => {
        const rig = await start()
        await rig.ingest([edit(rig.from, '1', 'edited')])
        await rig.ingest([remove(rig.from, '2')])
        expect(rig.pipeline.counters.total('bridge_held_total')).toBe(2)
        await rig.ingest([edit(rig.from, '1', 'edited')])
        await rig.ingest([create(rig.from, '1', 'original'), create(rig.from, '2', 'unwanted'), create(rig.from, '3', 'last')])
        await rig.dc.until(() => rig.dc.texts(rig.to.channel).join() === 'edited,last')
        await rig.rest()
        expect(rig.dc.texts(rig.to.channel)).toEqual(['edited', 'last'])
        expect(
          await rig.rows("select 1 from k2.inbox where status = 'held' and account = 'tg' and hold_key is not null"),
        ).toEqual([])
      })

      it('bridges the edit of an unknown message as new when the message does not come', async () => {
        const rig = await start({ limits: { holdMs: 1, sweepMs: 50 } })
        await rig.ingest([edit(rig.from, '1', 'late'), remove(rig.from, '2')])
        await rig.dc.until(() => rig.dc.total === 1)
        await rig.rest()
        expect(ops(rig)).toEqual(['create late'])
        await rig.ingest([edit(rig.from, '1', 'later')])
        await rig.dc.until(() => rig.dc.texts(rig.to.channel)[0] === 'later')
      })

      it('forgets the edit of a message that is too old', async () => {
        const rig = await start({ limits: { holdMs: 1, sweepMs: 50 } })
        const longAgo = Date.now() - 3_600_000
        await rig.ingest([edit(rig.from, '1', 'late', { at: longAgo })])
        while (
          (await rig.rows("select 1 from k2.inbox where status = 'held' and hold_key like $1", [`%${rig.from.channel}%`]))
            .length > 0
        ) {
          await rig.rest()
        }
        expect(rig.dc.requests).toEqual([])
        const why = await rig.pipeline.admin.why(edit(rig.from, '1', 'late', { at: longAgo }).eventId)
        expect(why?.events).toMatchObject([{ status: 'dropped', reason: 'unknown-message' }])
      })

      it('lets only a moderator take all copies along by deleting one', async () => {
        const rig = await start()
        rig.tg.shown(rig.from.channel).push({ id: '1', text: 'first', author: 'Ann', idemKey: '' })
        await rig.ingest([create(rig.from, '1', 'first')])
        await rig.dc.until(() => rig.dc.total === 1)
        await rig.rest()
        const copy = rig.dc.shown(rig.to.channel)[0]?.id as string
        await rig.ingest([remove(rig.to, copy, { author: { ...person, key: 'discord:1' }, discriminator: 'somebody' })])
        const { eventId } = remove(rig.to, copy, { discriminator: 'somebody' })
        const why = await rig.pipeline.admin.why(eventId)
        expect(why?.events.find((e) => e.eventId === eventId)).toMatchObject({ status: 'filtered', reason: 'local-delete' })
        await rig.ingest([remove(rig.to, copy, { author: { ...person, key: 'discord:2', roles: ['moderator'] } })])
        await rig.tg.until(() => rig.tg.total === 0)
        expect(rig.tg.requests).toMatchObject([{ op: 'delete', parts: [{ ref: { id: '1', channel: rig.from.channel } }] }])
        await rig.rest()
        expect(rig.dc.requests).toHaveLength(1)
      })

      it('sends the new text where a network has no edits, unless the route does not want that', async () => {
        const from = telegram('-781')
        const topic: Place = { network: 'p2p', account: 'self', channel: 'Goods' }
        const p2p = new ScriptedBridge('p2p', 'self', { edit: false, delete: false })
        const rig = await start({ routes: [route('r', [from, topic])] })
        rig.bridges.add(p2p)
        await rig.ingest([create(from, '1', 'first')])
        await p2p.until(() => p2p.total === 1)
        await rig.ingest([edit(from, '1', 'second')])
        await p2p.until(() => p2p.total === 2)
        await rig.ingest([remove(from, '1')])
        await rig.rest(placeKey(topic))
        expect(p2p.texts('Goods')).toEqual(['first', '✏️ second'])
        rig.pipeline.reload([route('r', [from, topic], { p2pEdits: 'ignore' })], [])
        await rig.ingest([create(from, '2', 'third')])
        await p2p.until(() => p2p.total === 3)
        await rig.ingest([edit(from, '2', 'fourth')])
        await rig.rest(placeKey(topic))
        expect(p2p.total).toBe(3)
        expect(rig.pipeline.counters.total('bridge_deliveries_total', { outcome: 'cancelled' })).toBe(2)
      })
    })

    describe('replies', () => {
      it('point at the copy in each place, from the original as from any copy', async () => {
        const a = telegram('-790')
        const b = discord('570000000000000001')
        const rig = await start({ routes: [route('r', [a, b])] })
        await rig.ingest([create(a, '1', 'question'), create(a, '2', 'answer', { replyTo: refOf(a, '1') })])
        await rig.dc.until(() => rig.dc.total === 2)
        const [question, answer] = rig.dc.shown(b.channel)
        expect(answer?.replyTo).toBe(question?.id)
        await rig.rest(placeKey(b))
        await rig.ingest([
          create(b, '900', 'from the other side', {
            replyTo: refOf(b, answer?.id as string),
            author: { ...person, key: 'discord:1' },
          }),
        ])
        await rig.tg.until(() => rig.tg.total === 1)
        expect(rig.tg.shown(a.channel)[0]?.replyTo).toBe('2')
      })

      it('quote what has no copy there', async () => {
        const rig = await start()
        await rig.ingest([create(rig.from, '2', 'answer', { replyTo: refOf(rig.from, 'unknown') })])
        await rig.dc.until(() => rig.dc.total === 1)
        expect(rig.dc.requests[0]?.reply).toEqual({})
        const elsewhere = telegram('-791')
        rig.pipeline.reload([route('r', [rig.from, rig.to]), route('other', [elsewhere, discord('570000000000000009')])], [])
        await rig.ingest([create(elsewhere, '5', 'said elsewhere')])
        await rig.ingest([create(rig.from, '3', 'answer', { replyTo: refOf(elsewhere, '5') })])
        await rig.dc.until(() => rig.dc.shown(rig.to.channel).length === 2)
        expect(rig.dc.requests.at(-1)?.reply).toEqual({ authorName: 'Ann', excerpt: 'said elsewhere' })
      })
    })

    describe('loops', () => {
      it('drops the echo of its own copies, messages of its own accounts, and what passed here before', async () => {
        const own = new OwnIdentities()
        own.add('discord:me')
        const rig = await start({ own })
        await rig.ingest([create(rig.from, '1', 'hello')])
        await rig.dc.until(() => rig.dc.total === 1)
        await rig.rest()
        const copy = rig.dc.shown(rig.to.channel)[0]?.id as string
        await rig.ingest([
          create(rig.to, copy, 'hello', { author: { ...person, key: 'discord:webhook' } }),
          create(rig.to, '901', 'hello', { author: { ...person, key: 'discord:me' } }),
          create(rig.from, '2', 'round trip', { via: ['x', rig.dc.requests[0]?.via?.at(-1) as string] }),
        ])
        await rig.rest(placeKey(rig.from))
        expect(rig.tg.requests).toEqual([])
        expect(rig.dc.requests).toHaveLength(1)
        const breaks = ['copy', 'own-account', 'via'].map((r) =>
          rig.pipeline.counters.total('bridge_loop_breaks_total', { rule: r }),
        )
        expect(breaks).toEqual([1, 1, 1])
      })

      it('stops bots that echo each other', async () => {
        const a = telegram('-792')
        const b = discord('580000000000000001')
        const rig = await start({ routes: [route('r', [a, b], { bots: 'all' })] })
        const bot = { ...person, key: 'telegram:bot', isBot: true, kind: 'bot' as const }
        for (let i = 0; i < 6; i++) await rig.ingest([create(a, `e${i}`, 'I am an echo of an echo', { author: bot })])
        await rig.dc.until(() => rig.dc.total === 2)
        await rig.rest(placeKey(b))
        expect(rig.dc.total).toBe(2)
        await rig.ingest([create(a, 'person', 'people may go on')])
        await rig.dc.until(() => rig.dc.total === 3)
        expect(rig.pipeline.counters.total('bridge_loop_breaks_total', { rule: 'tripped-same-text' })).toBe(1)
      })
    })

    describe('ingest', () => {
      it('stores cursors with their events, and alone', async () => {
        const rig = await start()
        const cursor = (value: string) => ({ account: 'tg', stream: `s${rig.lane}`, value })
        await rig.ingest([create(rig.from, '1', 'x')], [cursor('1')])
        await rig.ingest([], [cursor('2')])
        await rig.ingest([edit(rig.from, '1', 'y')], [cursor('3')])
        expect(await rig.rows('select value from k2.cursor where stream = $1', [`s${rig.lane}`])).toEqual([{ value: '3' }])
      })

      it('stores any text, and drops nothing for the sake of one bad event', async () => {
        const rig = await start()
        const nasty = 'nul \u0000 lone \ud800 emoji 😀 quote \' " \\u0000'
        const impossible = { ...create(rig.from, 'bad', 'x'), occurredAt: Number.NaN }
        await rig.ingest([create(rig.from, '1', nasty), impossible, create(rig.from, '2', 'good')])
        await rig.dc.until(() => rig.dc.total === 2)
        expect(rig.dc.texts(rig.to.channel)).toEqual(['nul  lone \ufffd emoji 😀 quote \' " \\u0000', 'good'])
        expect(rig.pipeline.counters.total('bridge_dropped_total', { reason: 'unstorable' })).toBe(1)
      })

      it('rejects and stores nothing when the database fails, and takes the same events later', async () => {
        let failing = true
        const { pool } = database.db
        const flaky = {
          pool: new Proxy(pool, {
            get(target, key) {
              const value: unknown = Reflect.get(target, key)
              if (key !== 'query') return typeof value === 'function' ? value.bind(target) : value
              return (config: { name?: string }, values?: readonly unknown[]) =>
                failing && config.name?.includes('ingest')
                  ? Promise.reject(new Error('disk is gone'))
                  : target.query(config as never, values)
            },
          }),
        }
        const rig = await start({ db: flaky })
        const offers = numbered(120).map((text) => rig.ingest([create(rig.from, text, text)]))
        const answers = await Promise.allSettled(offers)
        expect(answers.every((a) => a.status === 'rejected' && a.reason.code === 'PIPELINE_NOT_STORED')).toBe(true)
        failing = false
        await Promise.all(numbered(120).map((text) => rig.ingest([create(rig.from, text, text)])))
        await rig.dc.until(() => rig.dc.total === 120)
        expect(rig.dc.texts(rig.to.channel)).toEqual(numbered(120))
      })

      it('records what was sent although the database fails in between, and sends nothing twice', async () => {
        let calls = 0
        const { pool } = database.db
        const flaky = {
          pool: new Proxy(pool, {
            get(target, key) {
              const value: unknown = Reflect.get(target, key)
              if (key !== 'query') return typeof value === 'function' ? value.bind(target) : value
              return async (config: { name?: string }, values?: readonly unknown[]) => {
                const fails = config.name?.startsWith('k2_step') && ++calls % 3 === 0
                // Half of the failures happen before the statement ran, half after: its answer is lost.
                if (fails && calls % 2 === 0) throw Object.assign(new Error('Connection terminated'), {})
                const answer = await target.query(config as never, values)
                if (fails) throw new Error('Connection terminated')
                return answer
              }
            },
          }),
        }
        const rig = await start({ db: flaky })
        await offer(rig, numbered(90))
        await rig.dc.until(() => rig.dc.texts(rig.to.channel).at(-1) === 'm 89')
        expect(rig.dc.texts(rig.to.channel)).toEqual(numbered(90))
        expect(rig.dc.requests.filter((r) => r.ambiguousSince !== undefined)).toEqual([])
        expect(rig.pipeline.counters.total('bridge_record_failures_total')).toBeGreaterThan(2)
      })

      it('says no when too much waits, per account and in all', async () => {
        const rig = await start({ limits: { ingestQueue: 20, ingestBatch: 5 } })
        const calls = numbered(30).map((text) => rig.ingest([create(rig.from, text, text)]))
        const answers = await Promise.allSettled(calls)
        const refused = answers.filter((a) => a.status === 'rejected')
        expect(refused).toHaveLength(20)
        expect(refused.every((a) => a.status === 'rejected' && a.reason.code === 'PIPELINE_OVERLOADED')).toBe(true)
        await offer(rig, numbered(30))
        await rig.dc.until(() => rig.dc.total === 30)
        expect(rig.dc.texts(rig.to.channel)).toEqual(numbered(30))
      })

      it('takes nothing after it was closed', async () => {
        const rig = await start()
        await rig.stop()
        await expect(rig.ingest([create(rig.from, '1', 'x')])).rejects.toMatchObject({ code: 'PIPELINE_CLOSED' })
      })
    })

    describe('administration', () => {
      it('tells what became of an event, by its id and by any copy', async () => {
        const rig = await start({ rules: [{ name: 'no-spam', when: { textContains: ['spam'] }, action: 'ignore' }] })
        const good = create(rig.from, '1', 'good')
        const spam = create(rig.from, '2', 'spam')
        await rig.ingest([good, spam, create(telegram('-999'), '1', 'lost')])
        await rig.dc.until(() => rig.dc.total === 1)
        await rig.rest()
        const why = await rig.pipeline.admin.why(good.eventId)
        expect(why).toMatchObject({
          events: [{ status: 'routed', trace: { routes: [{ route: 'r', to: 1 }] } }],
          message: { excerpt: 'good', author_name: 'Ann' },
          deliveries: [{ lane: rig.lane, state: 'done', attempt: 1 }],
        })
        expect(why?.copies).toHaveLength(2)
        const copy = refOf(rig.to, rig.dc.shown(rig.to.channel)[0]?.id as string)
        expect((await rig.pipeline.admin.why(copy))?.message).toEqual(why?.message)
        expect(await rig.pipeline.admin.why(spam.eventId)).toMatchObject({ events: [{ status: 'filtered', reason: 'no-spam' }] })
        expect(await rig.pipeline.admin.why('unknown')).toBeUndefined()
        expect(rig.pipeline.counters.total('bridge_filtered_total', { rule: 'no-spam' })).toBe(1)
      })

      it('pauses a route, also over a restart, and takes new routes at once', async () => {
        const rig = await start()
        await rig.pipeline.pauseRoute('r', true)
        await offer(rig, ['paused'])
        await rig.stop()
        const again = await start({ routes: [route('r', [rig.from, rig.to])], bridges: rig.bridges })
        await offer(again, ['still paused'], rig.from)
        await again.pipeline.pauseRoute('r', false)
        await offer(again, ['open'], rig.from)
        await rig.dc.until(() => rig.dc.total === 1)
        expect(rig.dc.texts(rig.to.channel)).toEqual(['open'])
        expect(() => again.pipeline.reload([route('x', [rig.from, rig.from])], [])).toThrowError(
          expect.objectContaining({ code: 'ROUTE_INVALID' }),
        )
        const elsewhere = discord('590000000000000001')
        again.pipeline.reload([route('x', [rig.from, elsewhere])], [])
        await offer(again, ['moved'], rig.from)
        await rig.dc.until(() => rig.dc.shown(elsewhere.channel).length === 1)
      })

      it('forgets after the retention times, but nothing that is still to be sent', async () => {
        const rig = await start()
        const routes = [route('r', [rig.from, rig.to], { maxAge: 1e12 })]
        rig.pipeline.reload(routes, [])
        await offer(rig, ['old'])
        await rig.dc.until(() => rig.dc.total === 1)
        await rig.rest()
        rig.dc.script = () => ({ kind: 'lane-failed', ...bad })
        await offer(rig, ['waiting'])
        await rig.dc.until(() => rig.dc.requests.length === 2)
        await rig.rest()
        await rig.stop()
        const later = new ShiftedClock()
        later.shift(91 * 86_400_000)
        const again = await start({ clock: later, bridges: rig.bridges, routes })
        const count = async (table: string, where: string): Promise<number> =>
          (await again.rows<{ n: string }>(`select count(*) as n from k2.${table} where ${where}`)).map((r) =>
            Number(r.n),
          )[0] as number
        while ((await count('message', `lane like '%${rig.from.channel}%'`)) > 1) await again.rest(rig.lane)
        expect(await count('copy', `channel = '${rig.from.channel}'`)).toBe(1)
        expect(await count('inbox', `envelope -> 'msg' ->> 'id' = 'waiting'`)).toBe(1)
      })
    })

    describe('several workers', () => {
      it('share the lanes of one database without sending anything twice', async () => {
        const first = await start()
        const shared = { bridges: first.bridges, routes: [route('r', [first.from, first.to])] }
        const second = await start(shared)
        const third = await start(shared)
        const all = [first, second, third]
        for (const [i, text] of numbered(90).entries()) await (all[i % 3] as Rig).ingest([create(first.from, text, text)])
        await first.dc.until(() => first.dc.total >= 90)
        await Promise.all(all.map((rig) => rig.rest(first.lane)))
        expect(first.dc.texts(first.to.channel).toSorted()).toEqual(numbered(90).toSorted())
        expect(first.dc.overlaps).toBe(0)
      })

      it('take over what a dead one left, and look before they send again', async () => {
        const dead = await start({ limits: { leaseMs: 6_000, renewMs: 1_000_000 } })
        const never = deferred<SendOutcome>()
        dead.dc.script = (request: SendRequest) => {
          // The platform has the message, the process never learns it.
          dead.dc
            .shown(request.place.channel)
            .push({ id: 'x', text: request.body?.rich.text ?? '', author: '', idemKey: request.idemKey })
          return never.promise
        }
        await offer(dead, numbered(3))
        await dead.dc.until(() => dead.dc.requests.length > 0)
        const clock = new ShiftedClock()
        clock.shift(7_000)
        const heir = await start({ clock, routes: [route('r', [dead.from, dead.to])] })
        heir.dc.channels.set(dead.to.channel, dead.dc.shown(dead.to.channel))
        await heir.dc.until(() => heir.dc.total === 3)
        await heir.rest(dead.lane)
        expect(heir.dc.texts(dead.to.channel)).toEqual(numbered(3))
        expect(heir.dc.requests[0]?.ambiguousSince).toBeDefined()
        expect(heir.pipeline.counters.total('bridge_ambiguous_total', { resolution: 'cut-off' })).toBe(1)
        // The dead one's answer comes after all: it is known, and changes nothing.
        never.resolve({ kind: 'done', parts: [{ part: 0, ref: refOf(dead.to, 'x') }] })
        await dead.rest()
        expect(heir.dc.total).toBe(3)
        expect(dead.pipeline.counters.total('bridge_leases_lost_total')).toBe(1)
      })
    })
  })
}
