import { strict as assert } from 'node:assert'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Scenario } from '../lab/scenario.ts'

const COMMITTED = join(import.meta.dirname, '../../vectors')

/** The committed vectors are what the crates print today. */
export const vectors = (binary: () => string): Scenario => ({
  name: 'vectors.current',
  what: 'the committed vectors are what the pinned crates print',
  directions: ['rust→rust'],
  async run(lab) {
    const folder = await lab.folder()
    await promisify(execFile)(binary(), ['vectors', folder], { timeout: 60_000 })
    const names = (await readdir(folder)).sort()
    assert.deepEqual(names, (await readdir(COMMITTED)).filter((name) => name.endsWith('.json')).sort())
    for (const name of names) {
      const [printed, committed] = await Promise.all([
        readFile(join(folder, name), 'utf8'),
        readFile(join(COMMITTED, name), 'utf8'),
      ])
      assert.equal(printed === committed, true, `test/vectors/${name} differs from what the peer prints: run it with \`vectors\``)
    }
    return undefined
  },
})
