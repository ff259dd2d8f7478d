import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { checkExamples, EMPTY_LIBRARY, type ExampleReader, simulateRules } from '../../../src/rules/language/index.ts'
import { compilePattern } from '../../../src/rules/language/regex.ts'
import { parseAmount } from '../../../src/rules/match/amount.ts'
import { compile, facts, money, NOON, reading, reloadRules, rollbackRules, ruleSet } from './support.ts'

/** Reads the few listings of these tests; the shipped lexicon has its own tests. */
const read: ExampleReader = (messages) =>
  messages.map(({ text }) => {
    const intent = /\b(?:wts|selling)\b/i.test(text) ? 'sell' : /\bwtb\b/i.test(text) ? 'buy' : 'none'
    const amount = parseAmount(/\$\d+/.exec(text)?.[0] ?? '')
    const slots = { price: amount === undefined ? null : money(amount.value, amount.value), condition: 'used' as const }
    return {
      reading: reading({
        intent,
        act: intent === 'none' ? 'interest' : 'open',
        confidence: intent === 'none' ? 0.4 : 0.95,
        slots,
      }),
    }
  })
const options = { now: NOON, author: 'op', read }
const file = (text: string) => [{ path: 'rules/a.yaml', text }]
const good = (limit: number) => `version: 1
rules:
  - id: cheap
    if: { intent: sell, price: { max: "${limit} USD" } }
    then: [{ alert: { to: owner } }]
    examples:
      - { text: "WTS RTX 4070, $390", expect: fires, actions: [alert], reading: { intent: sell, price: { min: 390, currency: USD } } }
      - { text: "WTS RTX 4070, $450", expect: silent }
`

describe('examples', () => {
  it('the shipped starter rules keep theirs', () => {
    const result = compile(readFileSync('config/rules/community.yaml', 'utf8'))
    expect(result.ok && checkExamples(result.ruleSet, read)).toEqual([])
  })

  it('a failing one names its place and the leaf that kept the rule from firing', () => {
    const result = compile(good(100))
    expect(result.ok && checkExamples(result.ruleSet, read)).toEqual([
      {
        severity: 'error',
        file: 'rules/test.yaml',
        line: 7,
        column: 9,
        path: 'rules[0].examples[0]',
        message: 'example of `cheap`: should fire, but: false, if.price, is 390 USD, wanted <= 100 USD ("WTS RTX 4070, $390")',
        hint: expect.stringContaining('rules explain'),
      },
      expect.objectContaining({ message: 'example of `cheap`: expected the actions alert' }),
    ])
  })

  it('conversations tell at which message the rule fires; dry-run rules only warn', () => {
    const set = (mode: string, at: string) =>
      ruleSet(`
  - id: interest
    mode: ${mode}
    if: { act: interest }
    then: [{ react: { emoji: x } }]
    examples:
      - messages: [{ author: a, text: "WTS Steam Deck $300" }, { author: b, text: "still available?", reply_to: 0, after: 2m }]
        expect: { fires_at: ${at}, act: interest }`)
    expect(checkExamples(set('live', '[1]'), read)).toEqual([])
    expect(checkExamples(set('live', '[0]'), read)).toMatchObject([{ severity: 'error' }])
    expect(checkExamples(set('dry_run', '[0]'), read)).toMatchObject([{ severity: 'warning' }])
  })
})

describe('reload', () => {
  it('swaps only a set that compiles and keeps its examples; rolls back to any version', () => {
    const first = reloadRules(EMPTY_LIBRARY, file(good(400)), options)
    expect(first.swapped).toBe(true)
    for (const bad of ['version: 1\nrules: [{', good(100), '']) {
      const failed = reloadRules(first.library, file(bad), options)
      expect(failed.swapped).toBe(false)
      expect(failed.library).toBe(first.library)
      expect(failed.problems.some((p) => p.severity === 'error')).toBe(true)
    }
    expect(reloadRules(first.library, [], options).problems[0]?.message).toBe('there is no rule file')
    const second = reloadRules(first.library, file(good(420)), options)
    expect(second.library.versions.map((v) => v.difference)).toEqual([
      { added: ['cheap'], removed: [], changed: [] },
      { added: [], removed: [], changed: ['cheap'] },
    ])
    const version = first.library.current?.version as string
    const back = rollbackRules(second.library, version, options)
    expect(back.library.current?.version).toBe(version)
    expect(rollbackRules(second.library, version.slice(7, 20), options).swapped).toBe(true)
    expect(rollbackRules(second.library, 'beef', options)).toMatchObject({ swapped: false, library: second.library })
  })

  it('keeps fifty versions', () => {
    let { library } = reloadRules(EMPTY_LIBRARY, file(good(400)), { now: 0, author: 'op' })
    for (let i = 0; i < 60; i++) library = reloadRules(library, file(good(401 + i)), { now: i, author: 'op' }).library
    expect(library.versions).toHaveLength(50)
  })
})

describe('simulate', () => {
  it('replays with its own clock and state, twice the same', () => {
    const set = ruleSet('  - { id: a, cooldown: { for: 10m, per: author }, then: [{ react: { emoji: x } }] }')
    const messages = Array.from({ length: 30 }, (_, i) => ({
      facts: facts({ id: `m${i}` }),
      at: NOON + i * 60_000,
      fired: i === 5 ? ['a', 'gone'] : [],
    }))
    const once = simulateRules(set, messages)
    expect(once.messages).toBe(30)
    expect(once.rules.get('a')).toEqual({ fired: 3, more: 3, fewer: 1, samples: ['m0', 'm10', 'm20'] })
    expect(once.rules.get('gone')).toMatchObject({ fired: 0, fewer: 1 })
    expect(simulateRules(set, messages)).toEqual(once)
  })
})

describe('patterns', () => {
  it('end on 4,000 characters, whatever they are (a backtracking engine does not)', () => {
    for (const source of ['(a+)+$', '(a|aa)+$', '(a*)*b', '(?:a?){50}a{50}', '(.*)(.*)(.*)(.*)x$']) {
      const text = `${'a'.repeat(4000)}!`
      expect(compilePattern(source).find(text, text)).not.toBe(undefined)
    }
  })
  it.each([
    ['(?<=x)y', 'look-ahead and look-behind'],
    ['(x)\\1', 'back-references'],
    ['x{1001}', 'repeat count'],
    ['(x{500}){500}', 'repeat count'],
    ['x'.repeat(513), 'longer than 512'],
    ['(', 'missing'],
  ])('%s is refused', (source, why) => {
    expect(() => compilePattern(source)).toThrow(why)
  })
  it('filters by a literal that every match holds', () => {
    expect(compilePattern('telegram +recovery').literal).toBe('telegram ')
    expect(compilePattern('(abc)?def?').literal).toBe('')
    expect(compilePattern('a|bcdef').literal).toBe('')
    expect(compilePattern('rtx[0-9]+turbo').literal).toBe('turbo')
    expect(compilePattern('abcde?').literal).toBe('abcd')
    expect(compilePattern('RTX (\\d+)').find('my rtx 4070', 'my rtx 4070')).toEqual(['rtx 4070', '4070'])
  })
})
