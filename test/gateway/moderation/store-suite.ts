import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PgPool } from '../../../src/gateway/db/pool.ts'
import { ModerationStore } from '../../../src/gateway/moderation/store.ts'

/** What the moderation store promises, on whichever database. */
export function moderationStoreSuite(
  name: string,
  open: () => Promise<{ readonly db: { readonly pool: PgPool }; close(): Promise<void> }>,
): void {
  describe(name, () => {
    let opened: Awaited<ReturnType<typeof open>>
    let store: ModerationStore

    beforeAll(async () => {
      opened = await open()
      store = new ModerationStore(opened.db.pool)
    }, 120_000)
    afterAll(() => opened?.close())

    const bars = async (now: number) =>
      (await store.state(now)).bars.map((b) => [b.account, b.kind, b.route ?? ''].join(' ')).sort()

    it('keeps bars per account, kind and route, replaces them, and lifts them', async () => {
      const bar = { account: 'telegram:1', kind: 'ban', by: 'op', at: 1_000 } as const
      await store.bar({ ...bar, reason: "it's spam" })
      await store.bar({ ...bar, route: 'market' })
      await store.bar({ ...bar, kind: 'mute', until: 5_000 })
      await store.bar({ ...bar, reason: 'again' })
      expect(await bars(2_000)).toEqual(['telegram:1 ban ', 'telegram:1 ban market', 'telegram:1 mute '])
      expect((await store.state(2_000)).bars.find((b) => b.kind === 'ban' && b.route === undefined)?.reason).toBe('again')
      expect(await store.lift(['telegram:1', 'discord:1'], ['ban'], 'market')).toBe(1)
      expect(await bars(2_000)).toEqual(['telegram:1 ban ', 'telegram:1 mute '])
    })

    it('keeps limits of routes, and forgets what has ended', async () => {
      await store.slow('market', 10_000, 'op', 1_000)
      await store.slow(undefined, 2_000, 'op', 1_000)
      await store.raid('market', { until: 4_000, since: 1_000 }, 'op', 1_000)
      const limits = async (now: number) => (await store.state(now)).limits.map((l) => [l.route ?? '', l.slowMs]).sort()
      expect(await limits(2_000)).toEqual([
        ['', 2_000],
        ['market', 10_000],
      ])
      await store.slow(undefined, undefined, 'op', 1_500)
      await store.prune(10_000)
      expect((await bars(10_000)).filter((b) => b.includes('mute'))).toEqual([])
      expect((await limits(10_000)).filter(([, ms]) => ms !== undefined)).toEqual([['market', 10_000]])
    })

    it('remembers once which notice tells of a waiting message', async () => {
      const ref = { network: 'discord', account: 'main', channel: '1', id: '2' } as const
      await store.keepNotice('event-1', ref, 1_000)
      expect([...(await store.noticed(['event-1', 'event-2']))]).toEqual(['event-1'])
      expect(await store.takeNotices(['event-1'])).toMatchObject([ref])
      expect(await store.takeNotices(['event-1'])).toEqual([])
    })

    it('knows which accounts are of one person', async () => {
      const link = 'insert into k2.account_link (account, person, at) values ($1, $2, $3)'
      await opened.db.pool.query(link, ['discord:1', 'discord:1', 1])
      await opened.db.pool.query(link, ['telegram:1', 'discord:1', 2])
      expect((await store.links()).get('telegram:1')).toEqual(['discord:1', 'telegram:1'])
    })
  })
}
