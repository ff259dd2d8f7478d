import { strict as assert } from 'node:assert'
import { PeerError } from '../lab/peer-process.ts'
import type { Scenario } from '../lab/scenario.ts'
import { neighbors, pause } from './gossip-basic.ts'

const hex = (text: string): string => Buffer.from(text).toString('hex')

const failedDial: Scenario = {
  name: 'gossip.defect-failed-dial',
  what: '13-D2: a Rust node that once failed to dial us never dials again; our dial takes its whole queue at once',
  directions: ['rust→ts'],
  async run(lab) {
    const [rust, ts] = await Promise.all([lab.node('rust'), lab.node('ts')])
    const topic = lab.topic()
    const theirs = await rust.subscribe(topic, [ts])
    await rust.peer.next('a failed dial', (e) => e.event === 'log' && String(e.message).includes('dial failed'))
    await rust.knows(ts)
    for (let i = 0; i < 3; i++) await theirs.join(ts)
    await pause(1_000)
    const dialledAgain = theirs.all('gossip.neighbor_up').length > 0
    await ts.knows(rust)
    const ours = await ts.subscribe(topic, [rust])
    await Promise.all([ours.up(rust), theirs.up(ts)])
    await theirs.broadcast({ text: 'after all' })
    await ours.received(hex('after all'))
    return { 'upstream dials again': dialledAgain ? 'yes' : 'no' }
  },
}

const oversize: Scenario = {
  name: 'gossip.defect-oversize',
  what: '13-D4: a Rust node that tries to send too much goes mute; we keep hearing others and being heard',
  directions: ['rust→ts'],
  async run(lab, direction) {
    const { a: rust, b: ts, ta: theirs, tb: ours } = await neighbors(lab, direction)
    const friend = await lab.node('rust')
    await friend.knows(ts)
    const other = lab.topic()
    const mine = await ts.subscribe(other)
    const friends = await friend.subscribe(other, [ts])
    await Promise.all([friends.up(ts), mine.up(friend)])

    await theirs.broadcast({ pattern: 4058 })
    await theirs.broadcast({ text: 'anybody there?' })
    const mute = await ours.received(hex('anybody there?'), 3_000).then(
      () => false,
      (error: unknown) => error instanceof PeerError && error.code === 'NO_EVENT',
    )
    assert.equal(ours.all('gossip.received').filter((e) => String(e.data).length === 2 * 4058).length, 0)
    await ours.broadcast({ text: 'we hear nothing' })
    await theirs.received(hex('we hear nothing'))
    await friends.broadcast({ text: 'business as usual' })
    await mine.received(hex('business as usual'))

    // A new connection of ours gives it its voice back.
    await ts.rebind()
    await ts.knows(rust)
    const again = await ts.subscribe(theirs.topic, [rust])
    await again.up(rust)
    await theirs.broadcast({ text: 'heard again' })
    await again.received(hex('heard again'))
    return { 'upstream goes mute': mute ? 'yes' : 'no' }
  },
}

export const gossipDefects: readonly Scenario[] = [failedDial, oversize]
