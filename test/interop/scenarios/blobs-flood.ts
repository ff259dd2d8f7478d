import { strict as assert } from 'node:assert'
import { type LabNode, refusal } from '../lab/lab-node.ts'
import type { Lab, Scenario } from '../lab/scenario.ts'

/**
 * What the attackers write in a second if the machine carries it. Not all of it leaves: a third is still on its way when its connection
 * is closed. A busy machine takes longer for as much.
 */
const OFFERED_PER_SECOND = 20_000
const LEAST_SENT = 100_000
/** Of one flood; it is repeated until enough was sent. */
const FLOOD_MS = 10_000
const MOST_FLOODS = 6
const BLOB_BYTES = 1 << 20

interface Flood {
  readonly seconds: number
  /** Requests that left in packets. */
  readonly sent: number
  readonly connections: number
  readonly closed_by_provider: number
}

interface Counted {
  readonly served: number
  readonly malformed: number
  readonly turned_away: number
  readonly requests: number
}

/** A blob nobody has asked for before, compared with its hash after the download. */
async function download(owner: LabNode, asker: LabNode, number: number): Promise<void> {
  const size = BLOB_BYTES + number
  const { hash } = await owner.peer.call<{ hash: string }>('blobs.add', { content: { pattern: size } })
  await asker.peer.call('blobs.fetch', { peer: owner.address, hash }, 60_000)
  const read = await asker.peer.call<{ size: number; matches: boolean }>('blobs.read', { hash })
  assert.deepEqual([read.size, read.matches], [size, true])
}

/** One download after the other as long as the flood goes on; answers how many. */
async function service(owner: LabNode, asker: LabNode, first: number, goesOn: () => boolean): Promise<number> {
  let got = 0
  for (; goesOn(); got++) await download(owner, asker, first + got)
  return got
}

/** Sends junk until it is enough; answers what came of all of it. */
async function floods(flooder: LabNode, owner: LabNode): Promise<Flood> {
  const order = { peer: owner.address, rate: OFFERED_PER_SECOND, ms: FLOOD_MS }
  const sum = { seconds: 0, sent: 0, connections: 0, closed_by_provider: 0 }
  for (let i = 0; i < MOST_FLOODS && sum.sent < LEAST_SENT; i++) {
    const one = await flooder.peer.call<Flood>('blobs.flood', order, 4 * FLOOD_MS)
    for (const name of ['seconds', 'sent', 'connections', 'closed_by_provider'] as const) sum[name] += one[name]
  }
  return sum
}

/** Attackers, a peer of their address that was served before, and a stranger of another one. */
export async function floodedByPeer(lab: Lab) {
  const owner = await lab.node('ts')
  const [known, stranger] = await Promise.all([
    lab.node('rust', { name: 'known' }),
    lab.node('rust', { name: 'stranger', bind: { ip: '127.0.0.2' } }),
  ])
  const flooder = await lab.node('rust', { name: 'flooder', unbound: true })
  // The attackers share its address: who was served before is not taken for one of them, and nobody elsewhere.
  await download(owner, known, 0)
  let ended = false
  const flood = floods(flooder, owner).finally(() => {
    ended = true
  })
  const [toKnown, toStranger, sent] = await Promise.all([
    service(owner, known, 10_000, () => !ended),
    service(owner, stranger, 20_000, () => !ended),
    flood,
  ])
  return { owner, known: toKnown, stranger: toStranger, flood: sent }
}

const flood: Scenario = {
  name: 'blobs.flood',
  what: '100,000 requests that are none, at 10,000 a second where the machine carries that, under ever new keys: they are cut off, honest peers are served',
  directions: ['rust→ts'],
  awaits: 'blobs',
  alone: true,
  limitMs: 180_000,
  async run(lab) {
    const { owner, known, stranger, flood } = await floodedByPeer(lab)
    const counted = await owner.peer.call<Counted>('blobs.provider')
    const perSecond = (count: number): number => Math.round(count / flood.seconds)
    assert.ok(flood.sent >= LEAST_SENT, `only ${flood.sent} requests were sent`)
    assert.ok(known > 0 && stranger > 0, `${known} and ${stranger} downloads during the flood`)
    assert.ok(counted.served >= known + stranger)
    assert.ok(counted.malformed > 0, 'no junk was counted')
    assert.ok(counted.turned_away > 0 && flood.closed_by_provider > 0, 'nobody was turned away')
    // The next one of that address that nobody knows is turned away at the door, too.
    const late = await lab.node('rust', { name: 'late' })
    const { hash } = await owner.peer.call<{ hash: string }>('blobs.add', { content: { pattern: 1 } })
    await refusal(late.peer.call('blobs.fetch', { peer: owner.address, hash }, 30_000))
    return {
      'junk requests a second': perSecond(flood.sent),
      'connections of attackers a second': perSecond(flood.connections),
      'closed by the provider': flood.closed_by_provider,
      'junk read': counted.malformed,
      'MiB/s to who was served before': (known / flood.seconds).toFixed(1),
      'MiB/s to a stranger of another address': (stranger / flood.seconds).toFixed(1),
    }
  },
}

export const blobsFlood: readonly Scenario[] = [flood]
