import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { K2Error } from '../../base/errors.ts'
import type { LexiconSources, language } from '../../rules/index.ts'
import { PACKAGE_ROOT } from '../package-root.ts'

/** `config/` of the package. */
const SHIPPED = join(PACKAGE_ROOT, 'config')
export const SHIPPED_LEXICON = join(SHIPPED, 'lexicon')
export const SHIPPED_RULES = join(SHIPPED, 'rules')
/** Files taken from one folder of rules; the compiler bounds their sizes. */
const MAX_FILES = 200
/** Bytes of one file; a larger one is not even read. */
const MAX_FILE_BYTES = 4 * 1024 * 1024

/**
 * Texts of a lexicon folder: one file per language, `weights.yaml`, `wording.json` where there is one, and `taxonomy.yaml` and
 * `gazetteer.yaml` there or the shipped ones.
 */
export function readLexicon(dir: string = SHIPPED_LEXICON): LexiconSources {
  const beside = join(dir, 'taxonomy.yaml')
  const places = join(dir, 'gazetteer.yaml')
  const wording = join(dir, 'wording.json')
  const languages = yamlFiles(dir)
    .filter((name) => name !== 'weights.yaml' && name !== 'taxonomy.yaml' && name !== 'gazetteer.yaml')
    .map((name) => ({ name, text: readText(join(dir, name)) }))
  return {
    languages,
    weights: readText(join(dir, 'weights.yaml')),
    taxonomy: readText(existsSync(beside) ? beside : join(SHIPPED, 'taxonomy.yaml')),
    gazetteer: readText(existsSync(places) ? places : join(SHIPPED, 'gazetteer.yaml')),
    wording: existsSync(wording) ? readText(wording) : undefined,
  }
}

/** Rule files named one by one or as folders of `*.yaml`. Throws `RULES_MISSING`: a vanished folder is no empty rule set. */
export function readRuleFiles(paths: readonly string[]): language.RuleFile[] {
  return paths.flatMap((path) => {
    const names = isFolder(path) ? yamlFiles(path).map((name) => join(path, name)) : [path]
    return names.map((name) => ({ path: name, text: readText(name) }))
  })
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (cause) {
    throw missing(path, cause)
  }
}

function yamlFiles(dir: string): string[] {
  try {
    const names = readdirSync(dir).filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.'))
    return names.sort().slice(0, MAX_FILES)
  } catch (cause) {
    throw missing(dir, cause)
  }
}

function readText(path: string): string {
  try {
    if (statSync(path).size <= MAX_FILE_BYTES) return readFileSync(path, 'utf8')
  } catch (cause) {
    throw missing(path, cause)
  }
  throw new K2Error({ code: 'RULES_TOO_LARGE', kind: 'config', message: `${path} is larger than ${MAX_FILE_BYTES} bytes` })
}

function missing(path: string, cause: unknown): K2Error {
  return new K2Error({ code: 'RULES_MISSING', kind: 'config', message: `cannot read ${path}`, cause })
}
