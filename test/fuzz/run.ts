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
    only: { type: 'string' },
    /** Keeps what was read in test/fuzz/corpus. */
    save: { type: 'boolean', default: false },
  },
})
const targets = TARGETS.filter((target) => values.only === undefined || target.name.includes(values.only))
const seed = Number(values.seed)
console.log(`seed ${seed}, ${targets.length} decoders`)
for (const [i, target] of targets.entries()) {
  const known = corpusOf(target)
  const result = fuzz({ ...target, seeds: [...target.seeds, ...known] }, seededRng(seed + i), {
    inputs: Number(values.inputs),
    hangMs: 50,
    ...(values.seconds !== undefined && { ms: (Number(values.seconds) * 1000) / targets.length }),
  })
  const { inputs, accepted, slowestMs } = result
  if (values.save) saveCorpus(target, [...known, ...result.corpus])
  console.log(
    `${target.name.padEnd(30)} ${String(inputs).padStart(8)} inputs, ${accepted} read, slowest ${slowestMs.toFixed(1)} ms`,
  )
}
