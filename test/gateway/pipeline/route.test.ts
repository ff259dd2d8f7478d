import { describe, expect, it } from 'vitest'
import type { Author, BridgeEvent } from '../../../src/bridges/model/message.ts'
import type { Place } from '../../../src/bridges/model/place.ts'
import type { BreakerVerdict } from '../../../src/gateway/pipeline/breaker.ts'
import { planRoute, type RouteContext } from '../../../src/gateway/pipeline/route.ts'
import type { RouteDefinition } from '../../../src/gateway/pipeline/route-definition.ts'
import { compileRoutes } from '../../../src/gateway/pipeline/routes.ts'
import { compileRules, type Rule } from '../../../src/rules/index.ts'
import { body, create, discord, edit, envelope, person, remove, route, telegram } from './scripted.ts'

const web = (channel: string): Place => ({ network: 'web', account: 'main', channel })
const bot: Author = { key: 'telegram:99', displayName: 'Robot', isBot: true, kind: 'bot' }

interface Setup {
  readonly routes?: readonly RouteDefinition[]
  readonly rules?: readonly Rule[]
  readonly paused?: string
  readonly breaker?: () => BreakerVerdict
}

function context(setup: Setup = {}): RouteContext {
  return {
    table: compileRoutes(setup.routes ?? [route('r', [telegram(), discord(), web('x')])]),
    rules: compileRules(setup.rules ?? []),
    instance: 'me',
    isOwn: (key) => key === 'telegram:own',
    isPaused: (id) => id === setup.paused,
    breaker: setup.breaker ?? (() => 'pass'),
  }
}

const lanes = (decision: { readonly destinations: readonly { readonly lane: string }[] }): string[] =>
  decision.destinations.map((d) => d.lane)

const topic = (channel: string): Place => ({ network: 'p2p', account: 'self', channel })

describe('planRoute', () => {
  it('sends to every other member, in order', () => {
    const decision = planRoute(create(telegram(), '1', 'hi'), context())
    expect(decision).toMatchObject({ status: 'routed', trace: { routes: [{ route: 'r', to: 2 }] } })
    expect(lanes(decision)).toEqual(['discord/dc/500000000000000001/', 'web/main/x/'])
  })

  it('keeps what other gateways repeated apart on a topic, where it waits for its turn', () => {
    const routes = [route('r', [telegram(), topic('Goods'), topic('Jobs'), topic(`dm:${'a'.repeat(64)}`)])]
    const own = planRoute(create(telegram(), '1', 'hi'), context({ routes }))
    expect(lanes(own)).toEqual(['p2p/self/Goods/', 'p2p/self/Jobs/', `p2p/self/dm%3A${'a'.repeat(64)}/`])
    const repeated = planRoute(create(topic('Goods'), '2', 'hi', { via: ['other'] }), context({ routes }))
    expect(lanes(repeated)).toEqual(['telegram/tg/-1001/', 'p2p/self/Jobs/~repeated', `p2p/self/dm%3A${'a'.repeat(64)}/`])
  })

  it('writes a place once when several routes reach it', () => {
    const routes = [
      route('one', [telegram(), discord()], { allowChain: true }),
      route('two', [telegram(), discord(), web('x')], { allowChain: true }),
    ]
    const decision = planRoute(create(telegram(), '1', 'hi'), context({ routes }))
    expect(decision.destinations.map((d) => [d.route, d.lane])).toEqual([
      ['one', 'discord/dc/500000000000000001/'],
      ['two', 'web/main/x/'],
    ])
  })

  it('respects directions, and never leads back to the channel of another account', () => {
    const routes: RouteDefinition[] = [
      {
        ...route('r', []),
        members: [
          { place: telegram(), direction: 'in', identity: 'webhook' },
          { place: telegram('-1001', 'second'), direction: 'both', identity: 'bot' },
          { place: web('x'), direction: 'out', identity: 'bot' },
        ],
      },
    ]
    expect(lanes(planRoute(create(telegram(), '1', 'hi'), context({ routes })))).toEqual(['web/main/x/'])
    expect(planRoute(create(web('x'), '1', 'hi'), context({ routes }))).toMatchObject({ status: 'filtered', reason: 'no-route' })
  })

  it.each<[string, ReturnType<typeof create>, Setup, string, string]>([
    [
      'our own account',
      create(telegram(), '1', 'x', { author: { ...person, key: 'telegram:own' } }),
      {},
      'dropped',
      'loop:own-account',
    ],
    ['a message that passed us', create(telegram(), '1', 'x', { via: ['other', 'me'] }), {}, 'dropped', 'loop:via'],
    ['a long way', create(telegram(), '1', 'x', { via: ['a', 'b', 'c', 'd', 'e'] }), {}, 'dropped', 'loop:via-too-long'],
    ['typing', envelope(telegram(), '1', { kind: 'typing' }), {}, 'dropped', 'typing'],
    ['an unknown place', create(telegram('-5'), '1', 'x'), {}, 'filtered', 'no-route'],
    ['a paused route', create(telegram(), '1', 'x'), { paused: 'r' }, 'filtered', 'route-paused'],
    ['a bot', create(telegram(), '1', 'x', { author: bot }), {}, 'filtered', 'bots'],
    [
      'a bot while the breaker is open',
      create(telegram(), '1', 'x', { author: bot }),
      { routes: [route('r', [telegram(), discord()], { bots: 'all' })], breaker: () => 'suspended' },
      'filtered',
      'loop:breaker',
    ],
    [
      'a rule',
      create(telegram(), '1', 'spam'),
      { rules: [{ name: 'no-spam', when: { textContains: ['spam'] }, action: 'ignore' }] },
      'filtered',
      'no-spam',
    ],
    [
      'an edit that a rule ignores',
      edit(telegram(), '1', 'spam'),
      { rules: [{ name: 'no-spam', when: { textContains: ['spam'] }, action: 'ignore' }] },
      'filtered',
      'no-spam',
    ],
    [
      'a filter of the route',
      create(telegram(), '1', 'spam'),
      {
        routes: [
          route('r', [telegram(), discord()], { filters: [{ name: 'f', when: { textContains: ['spam'] }, action: 'drop' }] }),
        ],
      },
      'filtered',
      'f',
    ],
    [
      'a notice nobody asked for',
      envelope(telegram(), '1', { kind: 'notice', notice: 'join', text: 'x' }),
      {},
      'filtered',
      'notices-off',
    ],
    [
      'a reaction',
      envelope(telegram(), '1', { kind: 'reaction.set', actor: person, emojis: [{ key: '👍', name: 'up' }] }),
      {},
      'filtered',
      'reactions-off',
    ],
  ])('names why nothing is sent: %s', (_name, event, setup, status, reason) => {
    expect(planRoute(event, context(setup))).toMatchObject({ status, reason, destinations: [] })
  })

  it('lets the bots through that a route names, asking the breaker once per route', () => {
    let asked = 0
    const setup: Setup = {
      routes: [route('r', [telegram(), discord()], { bots: ['telegram:99'] })],
      breaker: () => {
        asked++
        return 'pass'
      },
    }
    expect(planRoute(create(telegram(), '1', 'x', { author: bot }), context(setup)).status).toBe('routed')
    expect(planRoute(create(telegram(), '1', 'x', { author: { ...bot, key: 'telegram:98' } }), context(setup)).reason).toBe(
      'bots',
    )
    expect(asked).toBe(1)
  })

  it('tells of missing messages whatever a route says about notices', () => {
    const gap = envelope(telegram(), '1', { kind: 'notice', notice: 'gap', text: 'x' })
    const setup: Setup = { routes: [route('r', [telegram(), discord()])] }
    expect(planRoute(gap, context(setup)).destinations).toHaveLength(1)
  })

  it('lets the first filter decide', () => {
    const filters = [
      { name: 'friends', when: { author: [person.key] }, action: 'allow' as const },
      { name: 'all', when: {}, action: 'drop' as const },
    ]
    const setup: Setup = { routes: [route('r', [telegram(), discord()], { filters })] }
    expect(planRoute(create(telegram(), '1', 'x'), context(setup)).status).toBe('routed')
    const other = create(telegram(), '1', 'x', { author: { ...person, key: 'telegram:5' } })
    expect(planRoute(other, context(setup)).reason).toBe('all')
  })

  it('holds a message for all routes when one of them wants it looked at, unless a moderator agreed', () => {
    const hold = { name: 'look', when: { textContains: ['card'] }, action: 'hold' as const }
    const routes = [route('a', [telegram(), discord()], { filters: [hold] }), route('b', [telegram(), web('x')])]
    const message = create(telegram(), '1', 'a card')
    const held = planRoute(message, context({ routes }))
    expect(held).toMatchObject({ status: 'filtered', reason: 'hold:look', hold: true, destinations: [] })
    expect(planRoute(message, { ...context({ routes }), approved: true }).destinations).toHaveLength(2)
    expect(planRoute(create(telegram(), '1', 'else'), context({ routes })).destinations).toHaveLength(2)
  })

  it('notes what a filter under trial would do, and whom to tell, and goes on', () => {
    const filters = [
      { name: 'trial', when: {}, action: 'drop' as const, dryRun: true },
      { name: 'tell', when: {}, action: 'notify' as const },
      { name: 'never', when: {}, action: 'drop' as const },
    ]
    const decision = planRoute(
      create(telegram(), '1', 'x'),
      context({ routes: [route('r', [telegram(), discord()], { filters })] }),
    )
    expect(decision).toMatchObject({
      status: 'routed',
      trace: { routes: [{ route: 'r', to: 1, would: 'trial', notify: 'tell' }] },
    })
  })

  it('asks moderation per route, and about edits on every route that reads the place', () => {
    const routes = [route('a', [telegram(), discord()]), route('b', [telegram(), web('x')])]
    const moderated = (action: 'drop' | 'hold'): RouteContext => ({
      ...context({ routes }),
      moderate: (_envelope, { id }) => (id === 'a' ? { action, reason: 'banned' } : undefined),
    })
    const dropped = planRoute(create(telegram(), '1', 'x'), moderated('drop'))
    expect(lanes(dropped)).toEqual(['web/main/x/'])
    expect(dropped.trace.routes).toContainEqual({ route: 'a', filtered: 'banned' })
    expect(planRoute(create(telegram(), '1', 'x'), moderated('hold'))).toMatchObject({ reason: 'hold:banned', hold: true })
    expect(planRoute(edit(telegram(), '1', 'x'), moderated('drop'))).toMatchObject({ status: 'filtered', reason: 'banned' })
    expect(planRoute(remove(telegram(), '1'), moderated('drop')).status).toBe('routed')
  })

  it('carries prefixes of rules and members, and leaves a trace', () => {
    const routes: RouteDefinition[] = [
      {
        ...route('r', [], { p2pEdits: 'ignore', copyDeletes: 'mirror' }),
        members: [
          { place: telegram(), direction: 'both', identity: 'bot' },
          { place: discord(), direction: 'both', identity: 'webhook', prefix: '~', suffix: ' (tg)' },
        ],
      },
    ]
    const decision = planRoute(
      create(telegram(), '1', 'x'),
      context({ routes, rules: [{ name: 'mark', when: {}, action: 'prefix', text: '[!] ' }] }),
    )
    expect(decision.destinations[0]?.render).toEqual({
      identity: 'webhook',
      text: '[!] ',
      namePrefix: '~',
      nameSuffix: ' (tg)',
      noEdits: 'ignore',
      copyDeletes: 'mirror',
    })
    expect(decision.trace).toEqual({ rule: { rule: 'mark', action: 'prefix' }, routes: [{ route: 'r', to: 1 }] })
  })

  it('sends where a rule says, also from places outside the route', () => {
    const setup: Setup = {
      routes: [route('default', [telegram(), discord()]), route('special', [web('x'), web('y')])],
      rules: [{ name: 'to-special', when: { textContains: ['deal'] }, action: 'route', routes: ['special', 'missing'] }],
    }
    expect(lanes(planRoute(create(telegram(), '1', 'a deal'), context(setup)))).toEqual(['web/main/x/', 'web/main/y/'])
  })

  it('lets edits and deletes follow their message', () => {
    expect(planRoute(edit(telegram(), '1', 'x'), context())).toMatchObject({ status: 'routed', destinations: [] })
    expect(planRoute(remove(telegram(), '1'), context())).toMatchObject({ status: 'routed', destinations: [] })
  })

  it.each<[BridgeEvent, string | undefined]>([
    [{ kind: 'notice', notice: 'join', text: 'Ann joined' }, 'Ann joined'],
    [{ kind: 'thread.create', thread: '5', title: 'News' }, 'started the thread "News"'],
    [{ kind: 'reaction.set', actor: person, emojis: [{ key: '👍', name: 'up' }] }, 'reacted 👍'],
    [{ kind: 'reaction.delta', actor: person, add: [], remove: [{ key: 'custom:1', name: 'k2' }] }, 'took back :k2:'],
    [{ kind: 'reaction.clear' }, 'removed all reactions'],
    [{ kind: 'reaction.set', actor: person, emojis: [] }, undefined],
  ])('turns %j into a line where the route asks for it', (event, text) => {
    const setup: Setup = { routes: [route('r', [telegram(), discord()], { notices: true, reactions: 'line' })] }
    const decision = planRoute(envelope(telegram(), '1', event), context(setup))
    if (text === undefined) expect(decision).toMatchObject({ status: 'dropped', reason: 'empty' })
    else expect(decision).toMatchObject({ status: 'routed', line: { body: body(text) } })
  })
})
