import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { type Database, openDatabase } from '../../../src/gateway/db/database.ts'
import { Counters } from '../../../src/gateway/pipeline/stats.ts'
import { readLexicon } from '../../../src/gateway/rules/files.ts'
import { RuleService } from '../../../src/gateway/rules/service.ts'
import { compileLexicon, type Lexicon } from '../../../src/rules/index.ts'
import { embeddedDir, type TestDir } from '../../support/embedded.ts'

let dir: TestDir
let db: Database<unknown>
let lexicon: Lexicon
let folder: string
let service: RuleService

beforeAll(async () => {
  dir = await embeddedDir()
  db = await openDatabase({ driver: 'embedded', dir: dir.dir })
  lexicon = compileLexicon(readLexicon())
}, 60_000)
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'k2gw-rules-'))
})
afterEach(async () => {
  await service.stop()
  await rm(folder, { recursive: true, force: true })
  await db.pool.query('delete from k2.rule_set')
})
afterAll(async () => {
  await db.close()
  await dir.remove()
})

const rule = (id: string, expect_ = 'fires'): string =>
  `version: 1\nrules:\n  - id: ${id}\n    if: { intent: sell }\n    then: [{ tag: { add: [x], on: intent } }]\n    examples: [{ text: "WTS RTX 4070, $390 shipped", expect: ${expect_} }]\n`

async function open(path = folder): Promise<RuleService> {
  service = new RuleService({ path, lexicon, pool: db.pool, counters: new Counters(), clock: systemClock, log: nullLogger })
  await service.start()
  return service
}

async function until(what: string, look: () => boolean): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (look()) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`no ${what}`)
}

const ids = (): string[] => service.current?.rules.map((r) => r.id) ?? []

describe('rules of a running gateway', () => {
  it('are swapped when a file changes, also by an editor that renames, and a broken one changes nothing', async () => {
    await writeFile(join(folder, 'a.yaml'), rule('one'))
    await open()
    expect(ids()).toEqual(['one'])
    await writeFile(join(folder, 'a.yaml.tmp'), rule('two'))
    await rename(join(folder, 'a.yaml.tmp'), join(folder, 'a.yaml'))
    await until('swap', () => ids()[0] === 'two')
    await writeFile(join(folder, 'a.yaml'), 'version: 1\nrules: [{ id: three, then: [{ tagg: {} }] }]\n')
    await until('refusal', () => service.problems.some((p) => p.severity === 'error'))
    expect(ids()).toEqual(['two'])
    await writeFile(join(folder, 'a.yaml'), rule('four', 'silent'))
    await until('failing example', () => service.problems.some((p) => p.message.includes('should stay silent')))
    expect(ids()).toEqual(['two'])
    expect(service.versions.map((v) => v.difference.added)).toEqual([['one'], ['two']])
  })

  it('go back to a stored version, also after a restart with broken files', async () => {
    await writeFile(join(folder, 'a.yaml'), rule('one'))
    await open()
    const first = service.current?.version ?? ''
    await writeFile(join(folder, 'a.yaml'), rule('two'))
    await service.reload('test')
    expect(ids()).toEqual(['two'])
    await service.rollback(first.slice(7, 19), 'test')
    expect(ids()).toEqual(['one'])
    await expect(service.rollback('ffff', 'test')).rejects.toMatchObject({ code: 'RULES_ROLLBACK' })
    await service.stop()
    await writeFile(join(folder, 'a.yaml'), 'rules: [')
    await open()
    expect(ids()).toEqual(['one'])
  })

  it('what was gone back to runs after a restart, until the files change; restarts make no versions', async () => {
    await writeFile(join(folder, 'a.yaml'), rule('one'))
    await open()
    const first = service.current?.version ?? ''
    await writeFile(join(folder, 'a.yaml'), rule('two'))
    await service.reload('test')
    await service.rollback(first, 'test')
    await service.stop()
    await open()
    expect(ids()).toEqual(['one'])
    // Touched, not changed.
    await writeFile(join(folder, 'a.yaml'), rule('two'))
    await service.stop()
    await open()
    expect(ids()).toEqual(['one'])
    expect(service.versions).toHaveLength(3)
    await service.stop()
    await writeFile(join(folder, 'a.yaml'), rule('three'))
    await open()
    expect(ids()).toEqual(['three'])
    await service.stop()
    await open()
    expect(ids()).toEqual(['three'])
    expect(service.versions).toHaveLength(4)
    // Asked for, the files count at once.
    await service.rollback(first, 'test')
    await service.reload('test')
    expect(ids()).toEqual(['three'])
  })

  it('many rules are loaded in slices, and the operator is told every place that is wrong', async () => {
    const told: string[][] = []
    const bad =
      'version: 1\nrules:\n  - id: a\n    then: [{ tagg: {} }]\n  - id: b\n    prority: 1\n    then: [{ react: { emoji: "x" } }]\n'
    await writeFile(join(folder, 'a.yaml'), bad)
    service = new RuleService({
      path: folder,
      lexicon,
      pool: db.pool,
      counters: new Counters(),
      clock: systemClock,
      log: nullLogger,
      tell: (lines) => void told.push([...lines]),
    })
    await service.start()
    expect(service.current).toBeNull()
    expect(told).toHaveLength(1)
    expect(told[0]).toEqual([
      expect.stringMatching(/a\.yaml:4:\d+: error: rules\[0\]\.then\[0\]\.tagg: unknown action `tagg` \(/),
      expect.stringMatching(/a\.yaml:6:\d+: error: rules\[1\]\.prority: .*priority/),
    ])
    const many = Array.from(
      { length: 300 },
      (_, i) =>
        `  - id: r${i}\n    if: { intent: sell }\n    then: [{ react: { emoji: "x" } }]\n    examples: [{ text: "WTS RTX 4070, $390 shipped", expect: fires }]\n`,
    )
    await writeFile(join(folder, 'a.yaml'), `version: 1\nrules:\n${many.join('')}`)
    let turns = 0
    let loading = true
    const count = (): void => {
      turns++
      if (loading) setImmediate(count)
    }
    setImmediate(count)
    await service.reload('test')
    loading = false
    expect(ids()).toHaveLength(300)
    expect(turns).toBeGreaterThan(3)
  })

  it('a vanished folder is an error, not an empty rule set', async () => {
    const inner = join(folder, 'rules')
    await mkdir(inner)
    await writeFile(join(inner, 'a.yaml'), rule('one'))
    await open(inner)
    await rm(inner, { recursive: true })
    const result = await service.reload('test')
    expect(result.swapped).toBe(false)
    expect(result.problems[0]?.message).toContain('cannot read')
    expect(ids()).toEqual(['one'])
  })
})
