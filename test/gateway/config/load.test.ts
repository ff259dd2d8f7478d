import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError, loadConfig, parseConfig } from '../../../src/gateway/config/load.ts'
import { findConfig } from '../../../src/gateway/config/paths.ts'

const parse = (text: string, env: NodeJS.ProcessEnv = {}) =>
  parseConfig(text, { file: '/etc/k2gw.yaml', env: { K2_DATA_DIR: '/tmp/k2', ...env } })

function problemsOf(text: string, env: NodeJS.ProcessEnv = {}): string[] {
  try {
    parse(text, env)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).message.split('\n')
  }
  return []
}

describe('defaults', () => {
  it('an empty file is a complete configuration', () => {
    const config = parse('')
    expect(config.dataDir).toBe('/tmp/k2')
    expect(config.http).toMatchObject({ host: '127.0.0.1', port: 8787 })
    expect(config.node.topics).toEqual(['Digital Assets', 'Goods', 'Freelance Job'])
    expect(config.shutdownTimeout).toBe(10_000)
    expect(config.sync.maxFile).toBe(4 * 1024 ** 3)
  })
})

describe('errors name line, path, expected and found', () => {
  it('a wrong type', () => {
    expect(problemsOf('http:\n  host: 127.0.0.1\n  port: soon\n')).toEqual([
      '/etc/k2gw.yaml:3:9 http.port: Invalid input: expected number, received string',
    ])
  })

  it('a value outside its range, with what was found', () => {
    expect(problemsOf('http:\n  port: 70000\n')[0]).toMatch(/^\/etc\/k2gw\.yaml:2:9 http\.port: .*65535.*found 70000$/)
  })

  it('an unknown option, at the key', () => {
    expect(problemsOf('http:\n  prot: 1\n')[0]).toMatch(/^\/etc\/k2gw\.yaml:2:3 http\.prot: unknown option/)
  })

  it('several problems at once', () => {
    expect(problemsOf('instance: "Big One"\nlog: { level: loud }\nshutdownTimeout: 10 parsecs\n')).toHaveLength(3)
  })

  it('bad YAML, with its place', () => {
    expect(problemsOf('http: { port: 1\nlog:\n')[0]).toMatch(/^\/etc\/k2gw\.yaml:\d+:\d+ /)
  })

  it('places: what is wrong and how it should look', () => {
    const text = 'routes:\n  - id: a\n    members:\n      - place: p2p/self/Goods\n      - place: discord/main/general\n'
    expect(problemsOf(text)[0]).toMatch(
      /:5:16 routes\[0\]\.members\[1\]\.place: a Discord place is discord\/<account>\/<guild id>/,
    )
  })

  it('an account that does not exist', () => {
    const text = 'routes:\n  - id: a\n    members:\n      - place: p2p/self/Goods\n      - place: telegram/shop/-100123\n'
    expect(problemsOf(text)[0]).toContain('there is no account telegram.shop')
  })

  it('a YAML alias bomb', () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 9; i++)
      lines.push(
        `b${i}: &b${i} [${Array(9)
          .fill(i === 1 ? '*a' : `*b${i - 1}`)
          .join(', ')}]`,
      )
    expect(problemsOf(lines.join('\n'))[0]).toContain('too many aliases')
  })

  it('never throws anything but ConfigError, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.string({ unit: fc.constantFrom('a', ':', ' ', '\n', '-', '[', '{', '&', '*', '!', '"') }),
        ),
        (text) => {
          try {
            parse(text)
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError)
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('secrets', () => {
  const text = 'accounts:\n  discord:\n    main:\n      token: ${env:DISCORD_TOKEN}\n'

  it('come from the environment and never print', () => {
    const config = parse(text, { DISCORD_TOKEN: 'canary-secret' })
    expect(config.accounts.discord.main?.token.reveal()).toBe('canary-secret')
    expect(`${JSON.stringify(config)}${inspect(config, { depth: 9 })}${config.accounts.discord.main?.token}`).not.toContain(
      'canary',
    )
  })

  it('come from files beside the config', () => {
    const dir = mkdtempSync(join(tmpdir(), 'k2cfg-'))
    writeFileSync(join(dir, 'token.txt'), 'from-file\n')
    writeFileSync(join(dir, 'k2gw.yaml'), text.replace('${env:DISCORD_TOKEN}', '${file:token.txt}'))
    const { config } = loadConfig({ location: { path: join(dir, 'k2gw.yaml'), explicit: true }, env: {} })
    expect(config.accounts.discord.main?.token.reveal()).toBe('from-file')
  })

  it('a missing variable is named with its place', () => {
    expect(problemsOf(text)[0]).toBe(
      '/etc/k2gw.yaml:4:14 accounts.discord.main.token: environment variable DISCORD_TOKEN is not set: set it, or remove this entry',
    )
  })

  it('a token in a wrong place is not repeated in the error', () => {
    expect(
      problemsOf('accounts: { discord: { main: { tokens: canary-secret, token: [canary-secret] } } }').join('\n'),
    ).not.toContain('canary')
  })
})

describe('environment overrides', () => {
  it('set options of any depth', () => {
    const config = parse('http: { port: 1 }', {
      K2__HTTP__PORT: '9000',
      K2__LOG__LEVEL: 'debug',
      K2__NODE__TOPICS: '["A"]',
      K2__SHUTDOWN_TIMEOUT: '3s',
    })
    expect(config.http.port).toBe(9000)
    expect(config.log.level).toBe('debug')
    expect(config.node.topics).toEqual(['A'])
    expect(config.shutdownTimeout).toBe(3000)
  })
})

describe('finding the file', () => {
  it('a named file that does not exist is an error that says so', () => {
    const location = findConfig('/nowhere/k2.yaml', {}, '/tmp')
    expect(location).toEqual({ path: '/nowhere/k2.yaml', explicit: true })
    expect(() => loadConfig({ location, env: {} })).toThrow(/cannot be read \(ENOENT\)/)
  })
})
