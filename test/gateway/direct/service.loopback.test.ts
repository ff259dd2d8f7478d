import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import { cryptoRng } from '../../../src/base/random.ts'
import type { Place } from '../../../src/bridges/model/place.ts'
import { openDatabase } from '../../../src/gateway/db/database.ts'
import type { DirectConversation } from '../../../src/gateway/direct/model.ts'
import { contactPlace, DirectService } from '../../../src/gateway/direct/service.ts'
import { DirectStore } from '../../../src/gateway/direct/store.ts'
import { Counters } from '../../../src/gateway/pipeline/stats.ts'
import { embeddedDir } from '../../support/embedded.ts'
import { ShiftedClock } from '../pipeline/rig.ts'

const HOUR = 3_600_000
const NODE = 'ab'.repeat(32)
const person: Place = { network: 'telegram', account: 'main', channel: '42' }
const staffThread: Place = { network: 'telegram', account: 'main', channel: '-100500', thread: '7' }

/** Times and ends of direct conversations (bridging 19), over the real store. */
describe('direct conversations', () => {
  let db: Awaited<ReturnType<typeof openDatabase>>
  let remove: () => Promise<void>
  let said: string[] = []
  let closed: Place[] = []
  const clock = new ShiftedClock()

  beforeAll(async () => {
    const folder = await embeddedDir()
    remove = folder.remove
    db = await openDatabase({ driver: 'embedded', dir: folder.dir })
  }, 120_000)
  afterAll(async () => {
    await db?.close()
    await remove?.()
  })

  const open = async (idleMs = HOUR, found?: readonly DirectConversation[]): Promise<DirectService> => {
    const store = new DirectStore(db.pool)
    const service = new DirectService(
      {
        store,
        useRoutes: () => {},
        say: async ({ rich }) => void said.push(rich.text),
        know: () => {},
        nameOf: (id) => id.slice(0, 4),
        closeThread: (place) => closed.push(place),
        idleMs: () => idleMs,
        counters: new Counters(),
        clock,
        rng: cryptoRng,
        log: nullLogger,
      },
      found ?? (await store.open()),
    )
    await service.start()
    return service
  }
  const ask = (service: DirectService, key = 'telegram:42', place = person) =>
    service.request({ personKey: key, personName: 'Tess', person: place, contact: NODE })
  afterEach(async () => {
    const service = await open()
    for (const c of service.conversations()) await service.end(c.id, 'staff')
    said = []
    closed = []
  })

  it('end when nobody wrote for long, not while somebody writes now and then, also over a restart', async () => {
    const first = await open()
    const request = await ask(first)
    const conversation = (await first.accept(request)) as DirectConversation
    for (let n = 0; n < 4; n++) {
      clock.shift(HOUR / 2)
      await first.noteActivity(conversation)
      await first.sweep()
    }
    expect(first.conversations()).toHaveLength(1)
    const second = await open()
    clock.shift(HOUR / 2)
    await second.sweep()
    expect(second.conversations()).toHaveLength(1)
    clock.shift(HOUR)
    await second.sweep()
    expect(second.conversations()).toEqual([])
    expect(said.filter((text) => text.includes('nobody wrote for a long time'))).toHaveLength(1)
    expect((await open()).conversations()).toEqual([])
  })

  it('close the thread of the staff when they expire', async () => {
    const service = await open()
    const about = { personKey: 'telegram:42', personName: 'Tess', person, other: staffThread, otherName: 'Tess (telegram)' }
    await service.begin({ kind: 'inbox', ...about })
    clock.shift(HOUR + 1)
    await service.sweep()
    expect(closed).toEqual([staffThread])
  })

  it('begin once when an administrator agrees, and not after ten minutes', async () => {
    const service = await open()
    const late = await ask(service)
    clock.shift(10 * 60_000)
    expect(service.requests()).toEqual([])
    await service.sweep()
    expect(await service.accept(late)).toBeUndefined()

    const request = await ask(service)
    expect(service.requests().map((r) => r.code)).toEqual([request.code])
    const begun = await service.accept(request)
    expect(begun).toMatchObject({ kind: 'pair', other: contactPlace(NODE), otherName: 'abab' })
    await expect(service.accept(request)).rejects.toMatchObject({ code: 'DIRECT_BUSY' })
    expect(said.some((text) => text.includes('is stored by Telegram'))).toBe(true)
  })

  it('are not guessed: five wrong codes forget the request', async () => {
    const service = await open()
    const request = await ask(service)
    for (let n = 0; n < 5; n++) expect(await service.answer(NODE, 'AAAAAAA2')).toBe(true)
    expect(await service.answer(NODE, request.code)).toBe(false)
    expect(service.conversations()).toEqual([])
  })

  it('are asked for three times at once at most', async () => {
    const service = await open()
    for (let n = 0; n < 3; n++) await ask(service)
    await expect(ask(service)).rejects.toMatchObject({ code: 'DIRECT_TOO_MANY' })
    clock.shift(10 * 60_000)
    await expect(ask(service)).resolves.toBeDefined()
  })
})
