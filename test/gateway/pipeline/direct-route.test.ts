import { expect, test } from 'vitest'
import { hashId } from '../../../src/base/ids.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import type { Place } from '../../../src/bridges/model/place.ts'
import { routeOf } from '../../../src/gateway/direct/model.ts'
import { isDirectRoute } from '../../../src/gateway/pipeline/direct-route.ts'
import { PipelineEvents } from '../../../src/gateway/pipeline/events.ts'
import { Counters } from '../../../src/gateway/pipeline/stats.ts'

const person: Place = { network: 'telegram', account: 'main', channel: '42' }
const other: Place = { network: 'p2p', account: 'self', channel: `dm:${'ab'.repeat(32)}` }
const route = (seed: number): string =>
  routeOf({
    id: hashId([seed, 7, 1_700_000_000_000], 12),
    kind: 'pair',
    personKey: 'telegram:42',
    personName: 'Tess',
    person,
    other,
    otherName: 'Bob',
    openedAt: 0,
    activeAt: 0,
  }).id

test('a route made for a direct conversation is known as one, a configured one is not', () => {
  expect(isDirectRoute(route(1))).toBe(true)
  for (const id of ['direct', 'direct-sales', 'direct-messages-x', 'goods']) expect(isDirectRoute(id)).toBe(false)
})

test('conversations of people share one label in the figures', () => {
  const counters = new Counters()
  const events = new PipelineEvents(nullLogger, counters)
  for (const seed of [1, 2, 3]) events.coalesced(person, route(seed), 2)
  events.coalesced(person, 'goods', 1)
  expect(counters.total('bridge_coalesced_total', { route: 'direct' })).toBe(6)
  expect(counters.total('bridge_coalesced_total', { route: 'goods' })).toBe(1)
})
