import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compileRuleFiles,
  EMPTY_LIBRARY,
  type Evaluation,
  type ExampleReader,
  evaluateRules,
  type RuleProblem,
  RuleState,
  reloadingRules,
  simulateRules,
} from '../../../src/rules/language/index.ts'
import { compilePattern } from '../../../src/rules/language/regex.ts'
import { readMessage } from '../../../src/rules/reading/index.ts'
import { shippedLexicon } from '../support/lexicon.ts'
import { compile, facts, money, NOON, reading, reloadRules, rollbackRules, ruleSet } from './support.ts'

const STARTER = readFileSync('config/rules/community.yaml', 'utf8')
const read: ExampleReader = (messages) =>
  messages.map(({ id, text }) => ({ reading: readMessage({ id, text }, { lexicon: shippedLexicon() }) }))
const options = { now: NOON, author: 'op', read }
const files = (text: string) => [{ path: 'rules/a.yaml', text }]
const rule = (limit: string, expected = 'fires') => `version: 1
rules:
  - id: cheap
    if: { intent: sell, price: { max: "${limit}" } }
    cooldown: { for: 1h, per: author }
    then: [{ alert: { to: subscribers } }]
    examples: [{ text: "WTS RTX 4070, $390 shipped", expect: ${expected} }]
`

/** What every error must have. */
function complete(problem: RuleProblem): void {
  expect(problem.file).not.toBe(undefined)
  expect(problem.line).toBeGreaterThanOrEqual(1)
  expect(problem.column).toBeGreaterThanOrEqual(1)
  expect(problem.message.length).toBeGreaterThan(3)
  if (problem.severity === 'error') expect(problem.hint).toMatch(/\w/)
}

describe('acceptance 4: the same input gives the same bytes', () => {
  it('evaluated twice, with rules from files in another order', () => {
    const parts = ['b', 'a', 'c'].map((name) => ({
      path: `${name}.yaml`,
      text: rule('400 USD').replace('cheap', `cheap-${name}`),
    }))
    const answers = [parts, [...parts].reverse()].map((list) => {
      const compiled = compileRuleFiles(list)
      if (!compiled.ok) throw new Error('compiles')
      return JSON.stringify(evaluateRules(compiled.ruleSet, facts(), new RuleState(), NOON, { explain: true }))
    })
    expect(answers[0]).toBe(answers[1])
  })
})

describe('acceptance 5: errors, loading, rollback, state', () => {
  it('whatever is broken in a valid file: an error with place and hint, never a throw, and the running set goes on', () => {
    const running = reloadRules(EMPTY_LIBRARY, files(rule('400 USD')), { now: NOON, author: 'op' }).library
    const lines = STARTER.split('\n')
    const damage = fc.record({
      at: fc.nat(STARTER.length - 1),
      length: fc.nat(40),
      text: fc.oneof(
        fc.constantFrom('{', '}', '[', '"', ':', '- ', '\t', '&a ', '*a ', '!!js ', '0x', '\u0000', '---\n', '<<: '),
        fc.string({ maxLength: 8 }),
      ),
    })
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), (list) => {
        let text = STARTER
        for (const d of list) text = text.slice(0, d.at) + d.text + text.slice(d.at + d.length)
        const result = reloadRules(running, files(text), { now: NOON, author: 'op' })
        for (const problem of result.problems) {
          complete(problem)
          expect(problem.line).toBeLessThanOrEqual(text.split(/\r\n|\r|\n/).length + 1)
        }
        if (!result.swapped && result.library !== running) throw new Error('the running set changed')
        if (result.swapped) expect(result.problems.filter((p) => p.severity === 'error')).toEqual([])
      }),
      { numRuns: 150 },
    )
    expect(lines.length).toBeGreaterThan(10)
  })

  it('arbitrary bytes are problems of their own', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const text of [new TextDecoder().decode(bytes), Buffer.from(bytes).toString('latin1')]) {
          const result = compile(text)
          for (const problem of result.problems) complete(problem)
          if (!result.ok) expect(result.problems.some((p) => p.severity === 'error')).toBe(true)
        }
      }),
      { numRuns: 400 },
    )
  })

  it('a failing example refuses the set; rollback brings back any version; nothing else swaps', () => {
    const first = reloadRules(EMPTY_LIBRARY, files(rule('400 USD')), options)
    expect([first.swapped, first.problems]).toEqual([true, []])
    const refused = reloadRules(first.library, files(rule('300 USD')), options)
    expect(refused).toMatchObject({ swapped: false, library: first.library })
    refused.problems.forEach(complete)
    const second = reloadRules(first.library, files(rule('300 USD', 'silent')), options)
    expect(second.swapped).toBe(true)
    const back = rollbackRules(second.library, first.library.current?.version as string, options)
    expect([back.swapped, back.library.current?.version]).toEqual([true, first.library.current?.version])
    rollbackRules(second.library, 'nothing', options).problems.forEach(complete)
    reloadRules(second.library, [], options).problems.forEach(complete)
  })

  it('in steps it gives the same, and the old set answers meanwhile', () => {
    const work = reloadingRules(EMPTY_LIBRARY, files(rule('400 USD')), options)
    let steps = 0
    let step = work.next()
    for (; step.done !== true; step = work.next()) steps++
    expect(steps).toBeGreaterThan(1)
    expect(step.value.library.current?.version).toBe(
      reloadRules(EMPTY_LIBRARY, files(rule('400 USD')), options).library.current?.version,
    )
  })

  it('state survives reload and restart by rule id, and goes a day after its rule', () => {
    const before = ruleSet('  - { id: a, cooldown: { for: 3d, per: author }, then: [{ react: { emoji: x } }] }')
    const after = ruleSet('  - { id: a, priority: 5, cooldown: { for: 3d, per: author }, then: [{ react: { emoji: y } }] }')
    const state = new RuleState()
    state.apply(evaluateRules(before, facts(), state, NOON).state)
    const restarted = new RuleState()
    restarted.apply(JSON.parse(JSON.stringify(state.rows())))
    for (const s of [state, restarted]) {
      expect(evaluateRules(after, facts(), s, NOON + 1).plan.effects).toEqual([])
      s.sweep(NOON, new Set())
      s.sweep(NOON + 86_399_999, new Set())
      expect(s.size).toBe(1)
      s.sweep(NOON + 86_400_000, new Set())
      expect(s.size).toBe(0)
    }
  })
})

describe('acceptance 6: why a rule did not fire', () => {
  const set = ruleSet(`
  - id: cheap-gpus
    when: { platforms: [discord], authors: { trust: ">= verified" } }
    if:
      all:
        - intent: sell
        - any: [{ topic: computers }, { topic: phones }]
        - price: { max: "400 USD" }
        - not: { author: { roles: [dealer] } }
        - text: { any: [shipped] }
    active: { hours: ["08:00-20:00"] }
    then: [{ react: { emoji: x } }]`)
  const explain = (part: Parameters<typeof facts>[0], now = NOON) =>
    evaluateRules(set, facts(part), new RuleState(), now, { explain: true }).trace[0]
  it.each<[string, Parameters<typeof facts>[0], object]>([
    ['all holds', {}, { result: 'fired' }],
    [
      'intent',
      { reading: reading({ intent: 'buy' }) },
      { result: 'false', first_false: 'if.all[0].intent', actual: 'buy', wanted: 'sell' },
    ],
    [
      'price',
      { reading: reading({ slots: { price: money(475, 475) } }) },
      { result: 'false', first_false: 'if.all[2].price', actual: '475 USD', wanted: '<= 400 USD', near: true },
    ],
    ['no price', { reading: reading({ slots: { price: null } }) }, { result: 'unknown', leaf: 'if.all[2].price' }],
    ['text', { text: 'WTS RTX 4070, $390' }, { result: 'false', first_false: 'if.all[4].text', wanted: 'any of shipped' }],
    [
      'role',
      { author: { key: 'd:1', kind: 'user', trust: 'verified', roles: ['dealer'] } },
      { result: 'false', first_false: 'if.all[3].not.author' },
    ],
    [
      'trust of the trigger',
      { author: { key: 'd:1', kind: 'user', trust: 'unknown', roles: [] } },
      { result: 'trigger', first_false: 'when.authors.trust', actual: 'unknown', wanted: '>= verified' },
    ],
    ['event', { event: 'intent.opened' }, { result: 'trigger', first_false: 'when.events', actual: 'intent.opened' }],
  ])('%s', (_, part, expected) => expect(explain(part)).toMatchObject(expected))
  it('its schedule', () => {
    expect(explain({}, NOON + 9 * 3_600_000)).toMatchObject({ result: 'schedule', first_false: 'active.hours', actual: '21:00' })
  })
})

describe('acceptance 7: trying out leaves nothing behind', () => {
  const set = ruleSet(`
  - { id: live, cooldown: { for: 10m, per: author }, then: [{ react: { emoji: x } }, { count: { name: hits, per: author } }] }
  - { id: dry, mode: dry_run, cooldown: { for: 10m, per: author }, limit: { max: 1, per: 1h, key: rule }, then: [{ alert: { to: owner } }] }`)
  const messages = Array.from({ length: 40 }, (_, i) => ({ facts: facts({ id: `m${i}` }), at: NOON + i * 60_000 }))

  it('a simulation run twice is the same, and the state of the running rules is not touched', () => {
    const state = new RuleState()
    const live = (): Evaluation => evaluateRules(set, facts(), state, NOON)
    const before = live()
    const once = simulateRules(set, messages)
    expect(simulateRules(set, messages)).toEqual(once)
    expect(live()).toEqual(before)
    expect(state.size).toBe(0)
  })

  it('a rule in dry run has no effects, uses up nothing, and does not change what the others do', () => {
    const state = new RuleState()
    for (let i = 0; i < 3; i++) {
      const { plan, state: changes } = evaluateRules(set, facts({ id: `m${i}` }), state, NOON + i)
      state.apply(changes)
      expect(plan.dry).toHaveLength(1)
      expect(plan.effects.some((e) => e.rule === 'dry')).toBe(false)
    }
    expect(state.rows().some((r) => r.rule === 'dry')).toBe(false)
  })
})

describe('acceptance 8: patterns of operators', () => {
  const hostile = [
    '(a+)+$',
    '(a|a)*$',
    '(a|aa)+$',
    '(.*a){20}',
    '(a*)*b',
    '((a+)+)+$',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    '(x+x+)+y',
    '([a-zA-Z]+)*$',
    '(?:a?){60}a{60}',
  ]
  it.each(hostile)('%s ends in time linear in the text', (source) => {
    const pattern = compilePattern(source)
    const text = (n: number) => `${'a'.repeat(n)}!`
    // A backtracking engine needs 2^n steps: it would not come back from the first of these.
    for (const n of [28, 1_000, 4_095])
      expect([null, 'object']).toContain(typeof pattern.find(text(n), text(n)) === 'object' ? 'object' : null)
  })

  it('random patterns compile or are refused with a reason, and end on hostile text', () => {
    const atom = fc.constantFrom(
      'a',
      'b',
      '.',
      '[ab]',
      '\\w',
      '\\d',
      '(?=a)',
      '\\1',
      '(?<=b)',
      '^',
      '$',
      '(?:',
      '(',
      ')',
      '|',
      '*',
      '+',
      '?',
      '{2,5}',
      '{900}',
      '{1001}',
    )
    fc.assert(
      fc.property(fc.array(atom, { minLength: 1, maxLength: 14 }), (atoms) => {
        let pattern: ReturnType<typeof compilePattern> | undefined
        try {
          pattern = compilePattern(atoms.join(''))
        } catch (error) {
          expect(error).toMatchObject({ code: 'RULES_PATTERN', message: expect.stringMatching(/^this pattern is \S/) })
        }
        const text = `${'ab'.repeat(1_000)}!`
        pattern?.find(text, text)
      }),
      { numRuns: 300 },
    )
  })
})
