import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const run = promisify(execFile)

describe('k2gw in a clone', () => {
  let clone: string

  beforeEach(() => {
    clone = mkdtempSync(join(tmpdir(), 'k2gw-build-'))
    for (const path of ['bin', join('scripts', 'build.mjs'), join('scripts', 'as-javascript.mjs'), 'package.json']) {
      cpSync(join(ROOT, path), join(clone, path), { recursive: true })
    }
    mkdirSync(join(clone, 'node_modules'))
    for (const name of ['es-module-lexer', 'esbuild', 'yaml']) {
      symlinkSync(join(ROOT, 'node_modules', name), join(clone, 'node_modules', name))
    }
    mkdirSync(join(clone, 'config', 'lexicon'), { recursive: true })
    for (const name of [join('lexicon', 'xx.yaml'), 'taxonomy.yaml', 'gazetteer.yaml']) {
      writeFileSync(join(clone, 'config', name), 'words: [one]\n')
    }
    source(
      'main.ts',
      `import { WORD } from './word.ts'\nexport async function main(): Promise<number> { console.log(WORD); return 0 }\n`,
    )
    source('word.ts', `export const WORD: string = 'one'\n`)
    // What a build compiles the word lists with.
    source('rules/files.ts', `export const readLexicon = (): string => 'lists'\n`)
    source('rules/lexicon.ts', `export const imageName = (sources: string): string => \`\${sources}.image\`\n`)
    source('../rules/index.ts', `export const lexiconImage = (sources: string): string => \`compiled \${sources}\`\n`)
  })

  afterEach(() => rmSync(clone, { recursive: true, force: true }))

  function source(name: string, text: string): void {
    const path = join(clone, 'src', 'gateway', name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }

  const said = async () => (await run(process.execPath, [join(clone, 'bin', 'k2gw.mjs')])).stdout.trim()
  const builds = () => readdirSync(join(clone, 'node_modules', '.cache', 'k2gw'))

  it('runs a build of the sources as they are, made again only when they changed', async () => {
    expect(await said()).toBe('one')
    expect(await said()).toBe('one')
    expect(builds()).toHaveLength(1)
    expect(readdirSync(join(clone, 'node_modules', '.cache', 'k2gw', builds()[0] ?? '', 'lexicon'))).toEqual(['lists.image'])
    source('word.ts', `export const WORD: string = 'another'\n`)
    expect(await said()).toBe('another')
    expect(builds()).toHaveLength(2)
  })

  it('prefers a build for packing only while it is current', async () => {
    await run(process.execPath, [join(clone, 'scripts', 'build.mjs')])
    rmSync(join(clone, 'node_modules', 'esbuild'))
    expect(await said()).toBe('one')
    source('word.ts', `export const WORD: string = 'later'\n`)
    await expect(said()).rejects.toThrow(/esbuild/)
  })

  it('survives several starts at once', async () => {
    expect(await Promise.all([said(), said(), said()])).toEqual(['one', 'one', 'one'])
    expect(builds()).toHaveLength(1)
  })

  it('keeps few builds, and leaves no drafts', async () => {
    for (let i = 0; i < 6; i += 1) {
      source('word.ts', `export const WORD: string = '${'x'.repeat(i + 1)}'\n`)
      expect(await said()).toBe('x'.repeat(i + 1))
    }
    expect(builds()).toHaveLength(4)
    expect(builds().filter((name) => name.endsWith('.new'))).toEqual([])
  })
})
