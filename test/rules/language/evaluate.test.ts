import { describe, expect, it } from 'vitest'
import { evaluateRules, muteRule, RuleState } from '../../../src/rules/language/index.ts'
import { emptySlots } from '../../../src/rules/model.ts'
import { facts, money, NOON, reading, ruleSet } from './support.ts'

const GPU = `
  - id: cheap-gpus
    if:
      all:
        - intent: sell
        - confidence: ">= 0.8"
        - topic: computers
        - item: { any: ["rtx 40*", "rx 7*"] }
        - price: { max: "400 USD" }
        - not: { condition: for_parts }
    then: [{ react: { emoji: "👀" } }]
`
const react = (id: string, rest: string): string => `
  - id: ${id}
${rest.replace(/^/gm, '    ')}
    then: [{ react: { emoji: x } }]`
const fired = (set: ReturnType<typeof ruleSet>, f = facts(), state = new RuleState(), now = NOON): string[] => {
  const e = evaluateRules(set, f, state, now)
  state.apply(e.state)
  return e.trace.filter((t) => t.result === 'fired').map((t) => t.id)
}

describe('triggers', () => {
  it('an event no rule waits for does not hide the rules of others', () => {
    const set = ruleSet(react('closing', 'when: { events: [intent.closed] }'))
    expect(fired(set)).toEqual([])
    expect(fired(set, facts({ event: 'intent.closed' }))).toEqual(['closing'])
  })
})

describe('conditions', () => {
  it('a missing value makes a leaf unknown; not-unknown stays unknown, and only true fires', () => {
    const set = ruleSet(GPU.replace('not: { condition: for_parts }', 'not: { place: { country: DE } }'))
    expect(fired(set)).toEqual([])
    const [trace] = evaluateRules(set, facts(), new RuleState(), NOON, { explain: true }).trace
    expect(trace).toMatchObject({ result: 'unknown', leaf: 'if.all[5].not.place', near: true })
    const place = { text: 'Wien', country: 'AT', region: null, city: 'Wien', lat: null, lon: null, radius_km: null }
    expect(fired(set, facts({ reading: reading({ slots: { place } }) }))).toEqual(['cheap-gpus'])
  })

  it('text leaves look at the own words: quotes, code and struck text do not count, unless raw is asked for', () => {
    const looks = (where: string) => ruleSet(react('a', `if: { text: { any: ["double your"], in: ${where} } }`))
    for (const text of ['> double your money\nno way', '~~double your~~ money', '```\ndouble your\n```', '`double your = x;`']) {
      expect(fired(looks('clean'), facts({ text }))).toEqual([])
      expect(fired(looks('raw'), facts({ text }))).toEqual(['a'])
    }
    expect(fired(looks('clean'), facts({ text: 'we **double** your money' }))).toEqual(['a'])
    const base = facts({ text: 'double your money' })
    const quoted = { ...base, message: { ...base.message, entities: [{ kind: 'quote' as const, start: 0, end: 17 }] } }
    expect(fired(looks('clean'), quoted)).toEqual([])
  })

  it('an offer that says nothing of its condition is not for parts, and not new either', () => {
    expect(fired(ruleSet(GPU))).toEqual(['cheap-gpus'])
    expect(fired(ruleSet(react('a', 'if: { condition: [new, like_new] }')))).toEqual([])
    const parts = facts({ reading: reading({ slots: { condition: 'for_parts' } }) })
    expect(fired(ruleSet(GPU), parts)).toEqual([])
    expect(fired(ruleSet(react('a', 'if: { not: { condition: new } }')), facts({ reading: null }))).toEqual([])
  })

  it('explains the first failing leaf with actual and wanted value', () => {
    const dear = facts({ reading: reading({ slots: { price: money(475, 475), condition: 'used' } }) })
    expect(evaluateRules(ruleSet(GPU), dear, new RuleState(), NOON, { explain: true }).trace).toEqual([
      { id: 'cheap-gpus', result: 'false', first_false: 'if.all[4].price', actual: '475 USD', wanted: '<= 400 USD', near: true },
    ])
  })

  it('explains a rule whose trigger passed the message over', () => {
    const set = ruleSet(react('only-telegram', 'when: { platforms: [telegram] }'))
    expect(evaluateRules(set, facts(), new RuleState(), NOON, { explain: true }).trace).toEqual([
      { id: 'only-telegram', result: 'trigger', first_false: 'when.platforms', actual: 'discord', wanted: 'telegram' },
    ])
    expect(evaluateRules(set, facts(), new RuleState(), NOON).trace).toEqual([])
  })

  it('amounts in other currencies need a rate, and never compare as bare numbers', () => {
    const set = ruleSet(react('a', 'if: { price: { max: "400 USD" } }'))
    const euros = facts({ reading: reading({ slots: { price: money(370, 370, 'EUR') } }) })
    expect(fired(set, euros)).toEqual([])
    const rates = { base: 'USD', time: NOON, rates: { EUR: 0.9 } }
    expect(fired(set, { ...euros, rates })).toEqual([])
    expect(fired(set, { ...euros, rates: { ...rates, rates: { EUR: 0.95 } } })).toEqual(['a'])
    expect(fired(set, { ...euros, rates: { ...rates, rates: { EUR: 0.95 }, time: NOON - 8 * 86_400_000 } })).toEqual([])
  })

  it.each([
    ['if: { at_least: { n: 2, of: [{ intent: sell }, { lang: ru }, { act: open }] } }', true],
    ['if: { at_least: { n: 3, of: [{ intent: sell }, { lang: ru }, { act: open }] } }', false],
    ['if: { any: [{ lang: ru }, { text: { any: ["rtx {0,1} 4070"] } }] }', true],
    ['if: { text: { all: ["(wts|wtb)", "*70"], none: [broken] } }', true],
    ['if: { text: { regex: ["rtx\\\\s+(\\\\d{4})"] } }', true],
    ['if: { channel: ["discord:guild/#mar*", "!*test*"] }', true],
    ['if: { channel: "telegram:*" }', false],
    ['if: { author: { trust: ">= contact" } }', false],
    ['if: { price: { missing: true } }', false],
    ['if: { place: { missing: true } }', true],
    ['if: { topic: { k2: Goods, level1: "Electronics & Devices" } }', true],
    ['if: { topic: goods }', true],
    ['if: { intent: offer_side, flags: { none: [quoted] } }', true],
    ['if: { time: { hours: "12:00-12:01", days: mon } }', true],
    ['if: { time: { hours: "22:00-07:00", time_zone: Asia/Tokyo } }', false],
    ['if: { quantity: "> 1" }', false],
    ['if: { attachments: { kind: image, count: ">= 1" } }', false],
  ])('%s is %s', (rule, expected) => {
    expect(fired(ruleSet(react('a', rule)))).toEqual(expected ? ['a'] : [])
  })
})

describe('order and plan', () => {
  it('goes by priority, file order, and stops', () => {
    const set = ruleSet(react('low', 'priority: -1') + react('b', '') + react('a', '') + react('top', 'priority: 5'))
    expect(fired(set)).toEqual(['top', 'b', 'a', 'low'])
    expect(fired(ruleSet(react('b', 'if: { intent: sell }\nstop: true') + react('a', '')))).toEqual(['b'])
  })

  it('tags are visible to later rules of the pass', () => {
    const set = ruleSet(`
  - { id: first, then: [{ tag: { add: [deal] } }] }
  - { id: second, if: { tag: deal }, then: [{ react: { emoji: x } }] }`)
    expect(fired(set)).toEqual(['first', 'second'])
  })

  it('ignore takes emit, alert, ask and route of equal and lower rules, and keeps the rest', () => {
    const set = ruleSet(
      `
  - { id: high, priority: 2, then: [{ alert: { to: owner } }] }
  - { id: block, priority: 1, then: [{ ignore: { reason: spam } }, { ask: { for: price } }, { react: { emoji: x } }] }
  - { id: low, then: [{ emit: {} }, { route: { to: ["x"] } }, { notify_admin: { template: t } }] }`,
      'templates: { t: "{{ author }}" }',
    )
    const { plan } = evaluateRules(set, facts(), new RuleState(), NOON)
    expect(plan.effects.map((e) => `${e.rule}:${e.action}`)).toEqual([
      'high:alert',
      'block:ignore',
      'block:react',
      'low:notify_admin',
    ])
    expect(plan.dropped.map((d) => `${d.effect.action}/${d.status}/${d.by}`)).toEqual([
      'ask/ignored/block',
      'emit/ignored/block',
      'route/ignored/block',
    ])
    expect(plan.ignored).toEqual({ rule: 'block', reason: 'spam' })
  })

  it('resolves emits, replies, alerts, routes, tags and jobs', () => {
    const set = ruleSet(
      `
  - id: one
    priority: 9
    then:
      - emit: { set: { condition: used } }
      - reply: { template: t, visibility: thread }
      - alert: { to: [owner, "user:5"], urgency: digest }
      - route: { to: [a, b] }
      - tag: { add: [x] }
      - job: { queue: q, name: n, id: same }
  - id: two
    then:
      - emit: { set: { condition: new, quantity: 2 } }
      - reply: { template: t, visibility: dm }
      - alert: { to: [owner], urgency: instant }
      - route: { to: [b, c] }
      - route: { to: [a], drop: true }
      - tag: { remove: [x], add: [y] }
      - job: { queue: q, name: n, id: same }`,
      'templates: { t: "{{ item.text }} {{ price | money }}" }',
    )
    const { plan } = evaluateRules(set, facts(), new RuleState(), NOON)
    const of = (action: string) => plan.effects.filter((e) => e.action === action).map((e) => [e.rule, e.fields])
    expect(of('emit')).toMatchObject([['one', { set: { condition: 'used', quantity: 2 } }]])
    expect(of('reply')).toMatchObject([['one', { text: 'RTX 4070 390 USD' }]])
    expect(of('alert')).toMatchObject([
      ['one', { to: ['user:5'] }],
      ['two', { to: ['owner'], urgency: 'instant' }],
    ])
    expect(of('route')).toMatchObject([
      ['one', { to: ['b'] }],
      ['two', { to: ['c'] }],
      ['two', { drop: true }],
    ])
    expect(of('tag')).toMatchObject([
      ['one', { add: ['x'] }],
      ['two', { add: ['y'], remove: [] }],
    ])
    expect(of('job')).toHaveLength(1)
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  })

  it('captures fill slots only with valid values; ids are stable', () => {
    const set = ruleSet(`
  - id: cap
    if: { text: { regex: ["qty (\\\\w+)"] } }
    then: [{ emit: { set: { quantity: { from: "$1" } } } }]`)
    const run = (text: string) => evaluateRules(set, facts({ text }), new RuleState(), NOON).plan.effects[0]
    expect(run('qty 4')?.fields.set).toEqual({ quantity: 4 })
    expect(run('qty many')?.fields.set).toEqual({})
    expect(run('qty 4')?.id).toBe(run('qty 5')?.id)
  })

  it('neutralises mentions and markup of values', () => {
    const set = ruleSet(
      '  - { id: a, then: [{ reply: { template: t, visibility: dm } }] }',
      'templates: { t: "**{{ item.text }}**" }',
    )
    const f = facts({
      reading: reading({
        slots: { ...emptySlots(), item: { text: '@everyone *x* <@1>', head: null, model_tokens: [], brand: null } },
      }),
    })
    const text = String(evaluateRules(set, f, new RuleState(), NOON).plan.effects[0]?.fields.text)
    expect(text).not.toMatch(/@everyone|<@/)
    expect(text).toContain('\\*x\\*')
    expect(text.startsWith('**') && text.endsWith('**')).toBe(true)
  })
})

describe('state', () => {
  it('cooldowns hold per key and are used up by live rules only', () => {
    const set = ruleSet(
      react('a', 'cooldown: { for: 10m, per: author+item }') + react('dry', 'mode: dry_run\ncooldown: { for: 10m, per: author }'),
    )
    const state = new RuleState()
    expect(fired(set, facts(), state)).toEqual(['a'])
    expect(fired(set, facts(), state, NOON + 599_999)).toEqual([])
    expect(fired(set, facts({ author: { key: 'other', kind: 'user', trust: 'verified', roles: [] } }), state)).toEqual(['a'])
    expect(fired(set, facts(), state, NOON + 600_000)).toEqual(['a'])
    expect(state.rows().some((r) => r.rule === 'dry')).toBe(false)
    const restarted = new RuleState()
    restarted.apply(state.rows())
    expect(fired(set, facts(), restarted, NOON + 600_001)).toEqual([])
  })

  it('limits drop, queue or keep the latest', () => {
    const run = (overflow: string) => {
      const set = ruleSet(react('a', `limit: { max: 2, per: 10m, key: author, overflow: ${overflow} }`))
      const state = new RuleState()
      return Array.from({ length: 5 }, () => {
        const e = evaluateRules(set, facts(), state, NOON)
        state.apply(e.state)
        const effect = e.plan.effects[0]
        return effect === undefined ? 'dropped' : (effect.not_before ?? NOON) - NOON
      })
    }
    expect(run('drop')).toEqual([0, 0, 'dropped', 'dropped', 'dropped'])
    expect(run('queue')).toEqual([0, 0, 300_000, 600_000, 900_000])
    expect(run('latest')).toEqual([0, 0, 300_000, 300_000, 300_000])
  })

  it('counts within sliding windows, the message itself included', () => {
    const set = ruleSet(react('flood', 'if: { count: { of: intents, per: author, within: 10m, is: "> 5" } }'))
    const state = new RuleState()
    const times = Array.from({ length: 7 }, (_, i) => fired(set, facts({ id: `m${i}` }), state, NOON + i * 1000).length)
    expect(times).toEqual([0, 0, 0, 0, 0, 1, 1])
    expect(fired(set, facts(), state, NOON + 700_000)).toEqual([])
  })

  it('evaluation changes nothing by itself: twice the same answer', () => {
    const set = ruleSet(react('a', 'cooldown: { for: 1h, per: rule }\nlimit: { max: 1, per: 1h, key: rule }'))
    const state = new RuleState()
    const once = evaluateRules(set, facts(), state, NOON, { explain: true })
    expect(evaluateRules(set, facts(), state, NOON, { explain: true })).toEqual(once)
    expect(state.size).toBe(0)
  })

  it('mutes end by themselves', () => {
    const set = ruleSet(react('a', ''))
    const state = new RuleState()
    state.apply([muteRule('a', NOON + 1000)])
    expect(fired(set, facts(), state, NOON + 999)).toEqual([])
    expect(fired(set, facts(), state, NOON + 1000)).toEqual(['a'])
  })

  it('a rule over its budget is skipped, suspended after five times, and comes back', () => {
    const set = ruleSet(react('slow', 'if: { text: { regex: ["rtx +4070"] } }') + react('fast', ''))
    let ms = 0
    const stopwatch = () => (ms += 1.5)
    const state = new RuleState()
    const run = (now: number) => {
      ms = 0
      const e = evaluateRules(set, facts(), state, now, { stopwatch })
      state.apply(e.state)
      return e
    }
    for (let i = 0; i < 4; i++)
      expect(run(NOON + i).trace).toMatchObject([
        { id: 'slow', result: 'budget' },
        { id: 'fast', result: 'fired' },
      ])
    expect(run(NOON + 4).suspended).toEqual(['slow'])
    expect(run(NOON + 5).trace[0]).toEqual({ id: 'slow', result: 'suspended' })
    expect(run(NOON + 4 + 600_000).trace[0]).toMatchObject({ result: 'budget' })
  })
})
