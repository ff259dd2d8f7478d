// npm run wording: trains config/lexicon/wording.json from the labelled lines of test/rules/data (and files given as arguments).
// The same lines give the same file, byte for byte.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { signsOf } from '../src/rules/classify/read.ts'
import { MAX_WORDING_SIGNS, WORDING_CLASSES } from '../src/rules/lexicon/wording.ts'
import { compileLexicon, type Lexicon } from '../src/rules/reading/index.ts'
import { readSources } from './eval.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const data = join(root, 'test', 'rules', 'data')
const CLASSES = WORDING_CLASSES.length
const EPOCHS = 30
const RATE = 0.5
const BIAS_RATE = 0.01
const DECAY = 1e-5
/** Runs in other orders; their mean is kept. */
const RUNS = 5
/** Measured on lines the cues had not seen: more and the cues' mistakes win, less and their knowledge is lost. */
const VOTE = 1.5
/** Measured likewise: no cue at all tells little, there are more ways to ask and offer than cues. */
const SILENCE = -0.25
const VERSION = 2
/** Lines a sign must stand in: what was met once tells as much of its line as of its class. */
const LEAST_LINES = 2

/** Cases of prices and slots alone. */
const WITHOUT_INTENTS: ReadonlySet<string> = new Set(['price-cases.jsonl', 'slot-cases.jsonl'])

interface Row {
  readonly id: string
  readonly text: string
  readonly expected: { readonly intent: (typeof WORDING_CLASSES)[number] }
}
interface Sample {
  readonly rows: readonly number[]
  readonly label: number
}
/** Samples name signs by their place in the ascending list of signs. */
interface Samples {
  readonly all: readonly Sample[]
  readonly signs: Int32Array
}

function samples(lexicon: Lexicon, skip: RegExp | undefined, more: readonly string[]): Samples {
  const files = readdirSync(data)
    .filter((f) => f.endsWith('.jsonl') && !WITHOUT_INTENTS.has(f) && !f.startsWith('unseen-') && !skip?.test(f))
    .sort()
    .map((f) => join(data, f))
  const read: { readonly signs: ReadonlySet<number>; readonly label: number }[] = []
  const lines = new Map<number, number>()
  for (const file of [...files, ...more]) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (line.trim() === '') continue
      const row = JSON.parse(line) as Row
      const signs = new Set<number>()
      signsOf({ id: row.id, text: row.text }, { lexicon }, { add: (sign) => void signs.add(sign) })
      for (const sign of signs) lines.set(sign, (lines.get(sign) ?? 0) + 1)
      read.push({ signs, label: WORDING_CLASSES.indexOf(row.expected.intent) })
    }
  }
  const signs = Int32Array.from([...lines].filter(([, n]) => n >= LEAST_LINES).map(([sign]) => sign)).sort()
  if (signs.length > MAX_WORDING_SIGNS) throw new Error(`${signs.length} signs are more than ${MAX_WORDING_SIGNS}`)
  const places = new Map([...signs].map((sign, place) => [sign, place]))
  const all = read
    .map(({ signs, label }) => ({ rows: [...signs].flatMap((sign) => places.get(sign) ?? []), label }))
    .filter(({ rows }) => rows.length > 0)
  return { all, signs }
}

/** Logistic regression by steps along the gradient, each scaled by what its row has moved so far. */
function train({ all, signs }: Samples, run: number): { weights: Float64Array; bias: Float64Array } {
  const weights = new Float64Array(signs.length * CLASSES)
  const moved = new Float64Array(signs.length * CLASSES).fill(1e-6)
  const bias = new Float64Array(CLASSES)
  let state = run + 1
  const random = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff
    return state / 0x80000000
  }
  const order = all.map((_, i) => i)
  const z = new Float64Array(CLASSES)
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1))
      const kept = order[i] as number
      order[i] = order[j] as number
      order[j] = kept
    }
    for (const i of order) {
      const { rows, label } = all[i] as Sample
      const share = 1 / Math.sqrt(rows.length)
      z.set(bias)
      for (const r of rows)
        for (let c = 0; c < CLASSES; c++) z[c] = (z[c] as number) + (weights[r * CLASSES + c] as number) * share
      const top = Math.max(...z)
      let sum = 0
      for (let c = 0; c < CLASSES; c++) sum += z[c] = Math.exp((z[c] as number) - top)
      for (let c = 0; c < CLASSES; c++) {
        const error = (z[c] as number) / sum - (c === label ? 1 : 0)
        bias[c] = (bias[c] as number) - BIAS_RATE * error
        if (Math.abs(error) < 1e-4) continue
        for (const r of rows) {
          const at = r * CLASSES + c
          const slope = error * share + DECAY * (weights[at] as number)
          moved[at] = (moved[at] as number) + slope * slope
          weights[at] = (weights[at] as number) - (RATE * slope) / Math.sqrt(moved[at] as number)
        }
      }
    }
  }
  return { weights, bias }
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: 'string' }, skip: { type: 'string' }, check: { type: 'boolean', default: false } },
  })
  const lexicon = compileLexicon({ ...readSources(), wording: undefined })
  const read = samples(lexicon, values.skip === undefined ? undefined : new RegExp(values.skip, 'u'), positionals)
  const { all, signs } = read
  const weights = new Float64Array(signs.length * CLASSES)
  const bias = new Float64Array(CLASSES)
  for (let run = 0; run < RUNS; run++) {
    const one = train(read, run)
    for (let k = 0; k < weights.length; k++) weights[k] = (weights[k] as number) + (one.weights[k] as number) / RUNS
    for (let c = 0; c < CLASSES; c++) bias[c] = (bias[c] as number) + (one.bias[c] as number) / RUNS
  }
  const step = Number((weights.reduce((most, w) => Math.max(most, Math.abs(w)), 0) / 127).toPrecision(6))
  const bytes = Int8Array.from(weights, (w) => Math.round(w / step))
  const file = {
    version: VERSION,
    step,
    bias: [...bias].map((b) => Number(b.toFixed(4))),
    vote: VOTE,
    silence: SILENCE,
    signs: Buffer.from(signs.buffer).toString('base64'),
    weights: Buffer.from(bytes.buffer).toString('base64'),
  }
  const text = `${JSON.stringify(file, null, 2)}\n`
  const path = values.out ?? join(root, 'config', 'lexicon', 'wording.json')
  if (!values.check) writeFileSync(path, text)
  else if (readFileSync(path, 'utf8') !== text) {
    console.error('the lexica or the lines changed since config/lexicon/wording.json was trained: npm run wording')
    process.exitCode = 1
  }
  console.log(`${all.length} lines, ${signs.length} signs`)
}

main()
