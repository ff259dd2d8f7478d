// npm run eval -- --in FILE --out FILE: reads lines {id, text, platform}, writes one prediction per line.
// npm run eval -- --score [--in FILE] [--misses]: scores labelled lines and the price cases.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compileLexicon, type Lexicon, type LexiconSources } from '../src/rules/reading/index.ts'
import { type Labelled, predict, priceCaseFails, score } from '../test/rules/support/score.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')

/** Lexicon texts from `config/`. */
export function readSources(): LexiconSources {
  const dir = join(root, 'config', 'lexicon')
  const languages = readdirSync(dir)
    .filter((f) => f.endsWith('.yaml') && f !== 'weights.yaml')
    .sort()
    .map((name) => ({ name, text: readFileSync(join(dir, name), 'utf8') }))
  return {
    languages,
    weights: readFileSync(join(dir, 'weights.yaml'), 'utf8'),
    taxonomy: readFileSync(join(root, 'config', 'taxonomy.yaml'), 'utf8'),
    gazetteer: readFileSync(join(root, 'config', 'gazetteer.yaml'), 'utf8'),
    wording: existsSync(join(dir, 'wording.json')) ? readFileSync(join(dir, 'wording.json'), 'utf8') : undefined,
  }
}

function lines<T>(path: string): T[] {
  const out: T[] = []
  for (const [i, line] of readFileSync(path, 'utf8').split('\n').entries()) {
    if (line.trim() === '') continue
    try {
      out.push(JSON.parse(line) as T)
    } catch {
      throw new Error(`${path}:${i + 1}: not JSON`)
    }
  }
  return out
}

function main(): void {
  const { values } = parseArgs({
    options: {
      in: { type: 'string' },
      out: { type: 'string' },
      score: { type: 'boolean', default: false },
      misses: { type: 'boolean', default: false },
    },
  })
  const lexicon: Lexicon = compileLexicon(readSources())
  const data = join(root, 'test', 'rules', 'data')
  const input = values.in ?? join(data, 'intents-dev.jsonl')
  if (values.out !== undefined) {
    const rows = lines<{ id: string; text: string }>(input).map((row) => JSON.stringify(predict(lexicon, row)))
    writeFileSync(values.out, rows.length === 0 ? '' : `${rows.join('\n')}\n`)
  }
  if (!values.score) {
    if (values.out === undefined) {
      console.error('usage: npm run eval -- --in FILE --out FILE | --score [--in FILE] [--misses]')
      process.exitCode = 2
    }
    return
  }
  const labelled = lines<Labelled>(input)
  const result = score(labelled, (row) => predict(lexicon, row))
  if (values.misses) for (const miss of result.misses) console.log(miss)
  const fails = priceCaseFails(lexicon, lines(join(data, 'price-cases.jsonl')))
  if (values.misses) for (const fail of fails) console.log(fail)
  console.log(JSON.stringify({ ...result.figures, priceCases: `${123 - fails.length}/123` }, null, 2))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
