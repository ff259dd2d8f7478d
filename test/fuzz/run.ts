import { parseArgs } from 'node:util'
import { seededRng } from '../../src/base/random.ts'
import { corpusOf, saveCorpus } from './corpus.ts'
import { fuzz } from './fuzz.ts'
import { TARGETS } from './targets.ts'

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    /** In all, over all decoders. */
    seconds: { type: 'string' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000_000) },
    /** Part of a decoder's name. */
    only: { type: 'string' },
    /** Exact names, with commas between them. */
    names: { type: 'string' },
    /** Keeps what was read in test/fuzz/corpus. */
    save: { type: 'boolean', default: false },
  },
})
const names = values.names?.split(',')
const targets = TARGETS.filter(
  ({ name }) => (values.only === undefined || name.includes(values.only)) && (names === undefined || names.includes(name)),
)
const seed = Number(values.seed)
console.log(`seed ${seed}, ${targets.length} decoders`)
for (const [i, target] of targets.entries()) {
  const result = fuzz(target, seededRng(seed + i), {
    known: corpusOf(target),
    inputs: Number(values.inputs),
    hangMs: 50,
    ...(values.seconds !== undefined && { ms: (Number(values.seconds) * 1000) / targets.length }),
  })
  const { inputs, accepted, slowestMs } = result
  if (values.save) saveCorpus(target, result.corpus)
  console.log(
    `${target.name.padEnd(30)} ${String(inputs).padStart(8)} inputs, ${accepted} read, slowest ${slowestMs.toFixed(1)} ms`,
  )
}
