import { expect, it } from 'vitest'
import { nullLogger } from '../../../src/base/logger.ts'
import type { ReactiveBridge } from '../../../src/bridges/reactions.ts'
import { openDatabase } from '../../../src/gateway/db/database.ts'
import { Reactions } from '../../../src/gateway/reactions/service.ts'
import { ReactionStore } from '../../../src/gateway/reactions/store.ts'
import { embeddedDir } from '../../support/embedded.ts'
import { startRig } from '../pipeline/rig.ts'
import { create, envelope, person, route } from '../pipeline/scripted.ts'

/** A bound for hanging, not a measure of speed. */
const PATIENCE = { timeout: 60_000 }
const HOUR = 3_600_000

it('a count below a message never stands in front of what people said, however long their lane has to wait', async () => {
  const { dir, remove } = await embeddedDir()
  const db = await openDatabase({ driver: 'embedded', dir })
  const rig = await startRig(db)
  const { dc, clock } = rig
  const react: ReactiveBridge['react'] = async () => ({ kind: 'done', shown: [] })
  Object.assign(dc, { react })
  const reactions = new Reactions({
    store: new ReactionStore(db.pool),
    bridges: rig.bridges,
    routes: () => [{ ...route('r', [rig.from, rig.to]), reactions: 'tally' }],
    clock,
    log: nullLogger,
  })
  try {
    await reactions.start()
    const say = (id: string) => rig.ingest([create(rig.from, id, id, { at: clock.now() })])
    await say('one')
    await expect.poll(() => dc.texts(rig.to.channel), PATIENCE).toEqual(['one'])
    // The platform wants silence: what is said next waits.
    dc.script = () => ({ kind: 'rate-limited', afterMs: HOUR, scope: 'lane' })
    await say('two')
    await expect.poll(() => dc.requests.length, PATIENCE).toBe(2)
    const fire = { key: '🔥', name: '🔥' }
    const event = { kind: 'reaction.set' as const, actor: { ...person, key: 'telegram:7002' }, emojis: [fire] }
    const sink = reactions.sink({ ingest: async () => {} })
    await sink.ingest([envelope(rig.from, 'one', event, { at: clock.now() })])
    const due = async () => Number((await rig.rows<{ at: string }>('select due_at as at from k2.reaction_due'))[0]?.at)
    const first = await due()
    await expect.poll(due, PATIENCE).toBeGreaterThan(first)
    await say('three')
    dc.script = () => 'ok'
    clock.shift(2 * HOUR)
    await expect.poll(() => dc.texts(rig.to.channel), PATIENCE).toEqual(['one\n🔥 1', 'two', 'three'])
    const sent = dc.requests.slice(2).map(({ op, body }) => `${op} ${body?.rich.text}`)
    expect(sent).toEqual(['create two', 'create three', 'edit one\n🔥 1'])
  } finally {
    await reactions.stop()
    await rig.stop()
    await db.close()
    await remove()
  }
}, 120_000)
