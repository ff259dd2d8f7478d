import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runProgram } from '../../../src/gateway/cli/program.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k2gw-rules-cli-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function k2gw(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const text = { out: '', err: '' }
  const sink = (name: 'out' | 'err'): PassThrough =>
    new PassThrough().on('data', (d: Buffer) => {
      text[name] += d.toString()
    })
  const context = {
    env: { K2_DATA_DIR: join(folder, 'data') },
    cwd: folder,
    out: sink('out'),
    err: sink('err'),
    signal: new AbortController().signal,
  }
  const code = await runProgram(argv, context)
  return { code, ...text }
}

async function ruleFile(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

const GPU = (max: string, examples: string): string => `version: 1
rules:
  - id: cheap-gpus
    if: { intent: sell, topic: computers, price: { max: "${max}" } }
    then: [{ tag: { add: [deal], on: intent } }]
    examples:
${examples}`

describe('k2gw rules and k2gw intent without a gateway', () => {
  it('checks the shipped rules', async () => {
    const { code, out } = await k2gw('rules', 'check')
    expect(out).toMatch(/3 rules in 1 file: ok/)
    expect(code).toBe(0)
  })

  it('names file, line, column, path and a hint of every fault, and fails', async () => {
    const path = await ruleFile(
      'broken.yaml',
      'version: 1\nrules:\n  - id: a\n    prority: 3\n    then: [{ tagg: { add: [x] } }]\n',
    )
    const { code, out } = await k2gw('rules', 'check', path)
    expect(code).toBe(1)
    expect(out).toContain(`${path}:4:5: error: rules[0].prority`)
    expect(out).toContain('did you mean `priority`?')
    expect(out).toContain('rules[0].then[0].tagg')
    const json = JSON.parse((await k2gw('--json', 'rules', 'check', path)).out)
    expect(json).toMatchObject({ ok: false, rules: null, problems: [{ file: path, line: 4, column: 5, severity: 'error' }, {}] })
  })

  it('refuses rules whose examples fail, and prints the difference', async () => {
    const path = await ruleFile('failing.yaml', GPU('400 USD', '      - { text: "WTS RTX 4070, $450 shipped", expect: fires }\n'))
    for (const command of ['check', 'test']) {
      const { code, out } = await k2gw('rules', command, path)
      expect(code).toBe(1)
      expect(out).toMatch(/example of `cheap-gpus`: should fire, but: false, if\.price, is 450 USD, wanted/)
    }
  })

  it('a missing file is an error of the configuration, not an empty rule set', async () => {
    const { code, err } = await k2gw('rules', 'check', join(folder, 'nowhere.yaml'))
    expect(err).toContain('RULES_MISSING')
    expect(code).toBe(3)
  })

  it('explains the first leaf that failed with the actual and the wanted value', async () => {
    const path = await ruleFile('gpus.yaml', GPU('400 USD', '      - { text: "WTS RTX 4070, $390 shipped", expect: fires }\n'))
    const no = await k2gw('rules', 'explain', '--text', 'WTS RTX 4070, $450 shipped', '--rules', path)
    expect(no.out).toMatch(/false\s+cheap-gpus: if\.price is 450 USD, wanted <= 400 USD/)
    const yes = JSON.parse((await k2gw('--json', 'rules', 'explain', '--text', 'WTS RTX 4070, $390', '--rules', path)).out)
    expect(yes.trace).toEqual([{ id: 'cheap-gpus', result: 'fired', actions: ['tag'] }])
    expect(yes.plan.effects).toHaveLength(1)
    expect(yes.reading).toMatchObject({ intent: 'sell', topic: { slug: 'computers' } })
    const bad = await k2gw('rules', 'explain', '--text', 'x', '--platform', 'irc')
    expect(bad.code).toBe(2)
  })

  it('simulates over a file of messages twice with the same answer', async () => {
    const path = await ruleFile('gpus.yaml', GPU('400 USD', '      - { text: "WTS RTX 4070, $390 shipped", expect: fires }\n'))
    const lines = [
      { id: 'a', text: 'WTS RTX 4070, $390', at: Date.UTC(2026, 0, 1) },
      { id: 'b', text: 'WTS RTX 4070, $450', at: Date.UTC(2026, 0, 2), fired: ['cheap-gpus'] },
      { id: 'c', text: 'good morning', at: Date.UTC(2026, 0, 3) },
    ]
    const file = await ruleFile('messages.jsonl', lines.map((l) => JSON.stringify(l)).join('\n'))
    const run = async (...more: string[]) =>
      JSON.parse((await k2gw('--json', 'rules', 'simulate', '--in', file, '--rules', path, ...more)).out)
    const { perSecond: _, ...first } = await run()
    const { perSecond: __, ...second } = await run()
    expect(first).toEqual(second)
    expect(first).toMatchObject({
      messages: 3,
      rules: [{ id: 'cheap-gpus', fired: 1, samples: ['a'], more: 0, fewer: 1 }],
    })
    expect(await run('--from', '2026-01-02')).toMatchObject({ messages: 2 })
    expect((await k2gw('rules', 'simulate', '--in', file, '--from', 'soon')).code).toBe(2)
  })

  it('parses a text into an intent and the K2 form', async () => {
    const { out } = await k2gw('--json', 'intent', 'parse', 'WTS ThinkPad X1 Carbon, $700 shipped')
    expect(JSON.parse(out)).toMatchObject({
      intent: 'sell',
      slots: { price: { min: '700', max: '700', currency: 'USD' } },
      topic: { slug: 'laptops', k2_topic: 'Goods' },
      k2: { action: 'sell', priceRange: { min: 700, max: 700, currency: 'USD' } },
    })
    const human = await k2gw('intent', 'parse', 'good morning everybody')
    expect(human.out).toMatch(/^none/)
    expect(human.code).toBe(0)
    expect((await k2gw('intent', 'parse')).code).toBe(2)
  })
})
