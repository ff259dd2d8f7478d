import { describe, expect, it } from 'vitest'
import type { Place } from '../../../src/bridges/model/place.ts'
import { compileRoutes } from '../../../src/gateway/pipeline/index.ts'
import type { RouteDefinition } from '../../../src/gateway/pipeline/route-definition.ts'
import { findRouteCycle } from '../../../src/gateway/pipeline/route-graph.ts'
import { discord, route, telegram } from './scripted.ts'

const web = (channel: string): Place => ({ network: 'web', account: 'main', channel })
const a = web('a')
const b = web('b')
const c = web('c')
const oneWay = (id: string, from: Place, to: Place, over: Partial<RouteDefinition> = {}): RouteDefinition => ({
  ...route(id, [], over),
  members: [
    { place: from, direction: 'in', identity: 'webhook' },
    { place: to, direction: 'out', identity: 'webhook' },
  ],
})

describe('route table', () => {
  it('finds the routes that read a place, whichever account sees it', () => {
    const table = compileRoutes([route('r', [discord('1'), web('x')]), oneWay('in', discord('1'), web('y'))])
    expect(table.reading({ ...discord('1'), account: 'other' }).map((m) => m.route.id)).toEqual(['r', 'in'])
    expect(table.reading(web('y'))).toEqual([])
    expect(table.reading(web('nowhere'))).toEqual([])
  })

  it('keeps the private chats of two Telegram bots apart', () => {
    const table = compileRoutes([route('r', [telegram('777', 'one'), web('x')])])
    expect(table.reading(telegram('777', 'one'))).toHaveLength(1)
    expect(table.reading(telegram('777', 'two'))).toEqual([])
  })

  it('reads threads with their channel, except those that a member names', () => {
    const table = compileRoutes([
      route('all', [telegram('-1'), web('x')]),
      route('one', [{ ...telegram('-1'), thread: '42' }, web('y')]),
    ])
    const ids = (thread: string | undefined): string[] =>
      table.reading({ ...telegram('-1'), ...(thread !== undefined && { thread }) }).map((m) => m.route.id)
    expect(ids(undefined)).toEqual(['all'])
    expect(ids('42')).toEqual(['one'])
    expect(ids('43')).toEqual(['all'])
  })

  it.each([
    ['the same id twice', [route('r', [a, b]), route('r', [b, c])]],
    ['the same member twice', [route('r', [a, a])]],
    ['a circle', [oneWay('ab', a, b), oneWay('ba', b, a)]],
  ])('refuses %s', (_name, routes) => {
    expect(() => compileRoutes(routes)).toThrowError(expect.objectContaining({ code: 'ROUTE_INVALID' }))
  })
})

describe('route circles', () => {
  it.each<[string, RouteDefinition[], readonly string[] | undefined]>([
    ['one route with both directions is no circle', [route('r', [a, b, c])], undefined],
    ['a chain is no circle', [route('ab', [a, b]), route('bc', [b, c])], undefined],
    ['two routes over the same places', [route('x', [a, b]), route('y', [a, b])], ['x', 'y']],
    ['three routes in a ring', [route('ab', [a, b]), route('bc', [b, c]), route('ca', [c, a])], ['ab', 'bc', 'ca']],
    ['a ring of one-way routes', [oneWay('ab', a, b), oneWay('bc', b, c), oneWay('ca', c, a)], ['ab', 'bc', 'ca']],
    ['one-way routes that do not close', [oneWay('ab', a, b), oneWay('cb', c, b), oneWay('ca', c, a)], undefined],
    ['a circle that is allowed', [oneWay('ab', a, b), oneWay('ba', b, a, { allowChain: true })], undefined],
    ['two accounts in one channel', [oneWay('x', discord('1', 'p'), a), oneWay('y', a, discord('1', 'q'))], ['x', 'y']],
  ])('%s', (_name, routes, expected) => {
    const found = findRouteCycle(routes)
    expect(found === undefined ? undefined : [...found].sort()).toEqual(expected)
  })

  it('takes long chains', () => {
    const rooms = Array.from({ length: 2_000 }, (_, i) => web(`room ${i}`))
    const chain = rooms.slice(1).map((room, i) => route(`r${i}`, [rooms[i] as Place, room]))
    expect(findRouteCycle(chain)).toBeUndefined()
    const closed = [...chain, route('last', [rooms.at(-1) as Place, rooms[0] as Place])]
    expect(findRouteCycle(closed)).toHaveLength(2_000)
  })
})
