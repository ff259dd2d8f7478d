import { expect, test } from 'vitest'
import type { RouteDefinition } from '../../../src/gateway/pipeline/index.ts'
import { movedKey, movedRoutes } from '../../../src/gateway/reload/moved.ts'

const member = (network: 'telegram' | 'discord', channel: string, thread?: string) => ({
  place: { network, account: 'main', channel, ...(thread !== undefined && { thread }) },
  direction: 'both' as const,
  identity: 'bot' as const,
})
const route = (id: string, ...members: RouteDefinition['members']): RouteDefinition => ({
  id,
  members,
  bots: 'none',
  maxAge: 1,
  p2pEdits: 'ignore',
  allowChain: false,
})
const moved = new Map([[movedKey('main', '-1'), '-1001']])

test('routes follow a group to its new id, with their topics', () => {
  const [changed] = movedRoutes([route('a', member('telegram', '-1', '7'), member('discord', '-1'))], moved)
  expect(changed?.members.map(({ place }) => [place.network, place.channel, place.thread])).toEqual([
    ['telegram', '-1001', '7'],
    ['discord', '-1', undefined],
  ])
})

test('a route that names both ids names the group once; routes without it stay the very same', () => {
  const both = route('both', member('telegram', '-1'), member('telegram', '-1001'), member('discord', '5'))
  const other = route('other', member('telegram', '-2'), member('discord', '6'))
  const [changed, same] = movedRoutes([both, other], moved)
  expect(changed?.members.map(({ place }) => place.channel)).toEqual(['-1001', '5'])
  expect(same).toBe(other)
})

test('another account’s group of the same id stays where it is', () => {
  const here = route('a', member('telegram', '-1'), member('discord', '5'))
  expect(movedRoutes([here], new Map([[movedKey('second', '-1'), '-1001']]))[0]).toBe(here)
})
