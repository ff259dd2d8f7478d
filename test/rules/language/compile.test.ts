import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileRuleFiles, problemLine } from '../../../src/rules/language/index.ts'
import { compile } from './support.ts'

const rule = (text: string): string => `version: 1\nrules:\n  - id: a\n${text.replace(/^/gm, '    ')}\n`
const errors = (text: string) => {
  const result = compile(text)
  return result.ok ? [] : result.problems.filter((p) => p.severity === 'error')
}

describe('errors say where and what', () => {
  it.each<[string, string, { line: number; column: number; path: string; message: string; hint?: string }]>([
    [
      'unknown key',
      rule('prority: 3\nthen: [{ react: { emoji: x } }]'),
      { line: 4, column: 5, path: 'rules[0].prority', message: 'unknown key `prority`', hint: 'did you mean `priority`?' },
    ],
    [
      'unknown file key',
      'version: 1\nruels: []\nrules: []',
      { line: 2, column: 1, path: 'ruels', message: 'unknown key `ruels`', hint: 'did you mean `rules`?' },
    ],
    [
      'unknown leaf',
      rule('if: { intnt: sell }\nthen: [{ react: { emoji: x } }]'),
      { line: 4, column: 11, path: 'rules[0].if.intnt', message: 'unknown condition `intnt`', hint: 'did you mean `intent`?' },
    ],
    [
      'unknown action',
      rule('then:\n  - alrt: { to: owner }'),
      { line: 5, column: 9, path: 'rules[0].then[0].alrt', message: 'unknown action `alrt`', hint: 'did you mean `alert`?' },
    ],
    [
      'wrong recipient',
      rule('then:\n  - alert: { to: everybody }'),
      {
        line: 5,
        column: 22,
        path: 'rules[0].then[0].alert.to',
        message: 'subscribers, owner, user:<id>, role:<id> or channel:<ref>',
      },
    ],
    [
      'wrong value',
      rule('if: { intent: sel }\nthen: [{ react: { emoji: x } }]'),
      { line: 4, column: 19, path: 'rules[0].if.intent', message: '`sel` is not allowed', hint: 'did you mean `sell`?' },
    ],
    [
      'bad comparison',
      rule('if:\n  confidence: "very"\nthen: [{ react: { emoji: x } }]'),
      { line: 5, column: 19, path: 'rules[0].if.confidence', message: '`very` is no comparison; write for example ">= 0.8"' },
    ],
    [
      'bad duration',
      rule('cooldown: { for: 10 minutes, per: rule }\nthen: [{ react: { emoji: x } }]'),
      { line: 4, column: 22, path: 'rules[0].cooldown.for', message: '`10 minutes` is no duration; write 30s, 10m, 6h or 2d' },
    ],
    [
      'bad amount',
      rule('if: { price: { max: cheap } }\nthen: [{ react: { emoji: x } }]'),
      { line: 4, column: 25, path: 'rules[0].if.price.max', message: '`cheap` is no amount; write 400 USD, 15tr or 1.5k EUR' },
    ],
    [
      'look-around',
      rule('if: { text: { regex: ["x(?=y)"] } }\nthen: [{ react: { emoji: x } }]'),
      {
        line: 4,
        column: 27,
        path: 'rules[0].if.text.regex[0]',
        message: 'this pattern is not supported: look-ahead and look-behind do not exist in RE2 syntax',
      },
    ],
    [
      'unknown list',
      rule('if: { text: { any: [$scams] } }\nthen: [{ react: { emoji: x } }]'),
      { line: 4, column: 25, path: 'rules[0].if.text.any[0]', message: 'unknown list `$scams`' },
    ],
    [
      'unknown template',
      rule('then: [{ reply: { template: x, visibility: dm } }]'),
      { line: 4, column: 33, path: 'rules[0].then[0].reply.template', message: 'unknown template `x`' },
    ],
    [
      'template path',
      'version: 1\ntemplates:\n  t: "{{ item.txt }}"\nrules: []',
      { line: 3, column: 6, path: 'templates.t', message: 'unknown template path `item.txt`', hint: 'did you mean `item.text`?' },
    ],
    [
      'missing',
      'version: 1\nrules:\n  - id: a',
      { line: 3, column: 5, path: 'rules[0].then', message: 'is missing (array needed)' },
    ],
    [
      'duplicate key',
      'version: 1\nversion: 1\nrules: []',
      { line: 2, column: 1, path: 'version', message: 'Map keys must be unique', hint: 'write each key once' },
    ],
    [
      'tag',
      'version: !!js/function 1\nrules: []',
      { line: 1, column: 10, path: 'version', message: 'Unresolved tag: tag:yaml.org,2002:js/function' },
    ],
    ['merge key', 'version: 1\n<<: { name: x }\nrules: []', { line: 2, column: 1, path: '<<', message: 'unknown key `<<`' }],
    [
      'schedule without cron',
      rule('when: { events: [schedule] }\nthen: [{ react: { emoji: x } }]'),
      { line: 4, column: 21, path: 'rules[0].when.events', message: 'the event `schedule` needs `cron`' },
    ],
    [
      'duplicate id',
      'version: 1\nrules:\n  - { id: a, then: [{ react: { emoji: x } }] }\n  - { id: a, then: [{ react: { emoji: x } }] }',
      { line: 4, column: 11, path: 'rules[1].id', message: 'the id `a` is taken by rules/test.yaml rules[0]' },
    ],
  ])('%s', (_, text, expected) => {
    const found = errors(text)
    expect(
      found.map((p) => ({
        line: p.line,
        column: p.column,
        path: p.path,
        message: p.message,
        ...(expected.hint === undefined ? {} : { hint: p.hint }),
      })),
    ).toContainEqual(expected)
    for (const p of found) {
      expect(problemLine(p)).toMatch(/^rules\/test\.yaml:\d+:\d+: error: /)
      expect(p.hint).toMatch(/\w/)
    }
  })

  it('reports every fault of every file at once', () => {
    const bad = (id: string) => ({ path: `rules/${id}.yaml`, text: rule('mode: on\nthen: [{ nope: {} }]') })
    const result = compileRuleFiles([bad('b'), bad('a')])
    expect(result.problems.map((p) => `${p.file} ${p.path}`)).toEqual([
      'rules/a.yaml rules[0].mode',
      'rules/a.yaml rules[0].then[0].nope',
      'rules/b.yaml rules[0].mode',
      'rules/b.yaml rules[0].then[0].nope',
    ])
  })

  it('refuses bombs: size, depth, aliases', () => {
    expect(errors(`# ${'x'.repeat(1_048_576)}\nversion: 1\nrules: []`)[0]?.message).toContain('1 MB')
    expect(errors(`version: 1\nname: ${'['.repeat(30)}${']'.repeat(30)}\nrules: []`)[0]?.message).toContain('deeper than 20')
    expect(errors('version: 1\n? [a]\n: b\nrules: []')[0]).toMatchObject({ line: 1, message: 'keys must be plain text' })
    expect(errors(`version: 1\nname: &a x\ntags: [${'*a, '.repeat(101)}]\nrules: []`)[0]?.message).toContain(
      'more than 100 aliases',
    )
    const nested = Array.from({ length: 7 }, () => 'not: ').reduce((inner) => `{ not: ${inner} }`, '{ intent: sell }')
    expect(errors(rule(`if: ${nested}\nthen: [{ react: { emoji: x } }]`)).some((p) => p.message.includes('deeper than 6'))).toBe(
      true,
    )
  })

  it('warns of rules without examples, never reached or never true, and unknown slugs', () => {
    const text = `version: 1
rules:
  - { id: all, priority: 5, stop: true, then: [{ react: { emoji: x } }] }
  - { id: hidden, then: [{ react: { emoji: x } }] }
  - { id: never, priority: 9, if: { all: [{ intent: sell }, { intent: buy }] }, then: [{ react: { emoji: x } }] }
  - { id: price, priority: 9, if: { price: { min: 5 USD, max: 4 USD } }, then: [{ react: { emoji: x } }] }
  - { id: slug, priority: 9, if: { topic: lapdogs }, then: [{ react: { emoji: x } }] }
  - { id: slow, priority: 9, if: { text: { regex: ["[0-9]+"] } }, then: [{ react: { emoji: x } }] }`
    const result = compile(text, { knownTopics: new Set(['laptops']) })
    expect(result.ok).toBe(true)
    const messages = result.problems.map((p) => p.message).join('\n')
    for (const part of [
      'has no examples',
      'never reached: `all`',
      'exclude each other',
      'min is above max',
      'unknown topic slug `lapdogs`',
      'runs on every message',
    ])
      expect(messages).toContain(part)
  })

  it('never throws on arbitrary text', () => {
    const pieces = fc.constantFrom(
      'version: 1\n',
      'rules:\n',
      '  - id: a\n',
      '    if: {',
      '}',
      '[',
      ']',
      'all: ',
      '- ',
      '"',
      '&x ',
      '*x',
      '!!y ',
      '\n',
      ': ',
      'text',
      '    then: [{ alert: { to: owner } }]\n',
      '? ',
      '<<',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (list) => void compile(list.join(''))),
      { numRuns: 1000 },
    )
    fc.assert(
      fc.property(
        fc.jsonValue(),
        (value) =>
          void compile(
            `{version: 1, rules: [{id: a, if: ${JSON.stringify(value)}, then: [${JSON.stringify(value)}], when: ${JSON.stringify(value)}}]}`,
          ),
      ),
      { numRuns: 500 },
    )
  })

  it('the version ignores comments and key order, not contents', () => {
    const version = (text: string) => {
      const result = compile(text)
      return result.ok ? result.ruleSet.version : ''
    }
    const one = version('version: 1\nname: x\nrules: []')
    expect(version('# hello\nrules: []\nname: x # y\nversion: 1')).toBe(one)
    expect(version('version: 1\nname: y\nrules: []')).not.toBe(one)
    expect(one).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  it('the shipped starter rules compile without an error', () => {
    const text = readFileSync('config/rules/community.yaml', 'utf8')
    expect(compileRuleFiles([{ path: 'config/rules/community.yaml', text }]).problems).toEqual([])
  })
})
