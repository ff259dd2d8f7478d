import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { fromUtf8 } from '../../../src/base/bytes.ts'
import { below, seededRng } from '../../../src/base/random.ts'
import { isEmptyHash, KvDocStore, keyOf, lmdbMap, writeCapability } from '../../../src/core/docs/index.ts'
import { Replica } from '../../../src/core/docs/replica.ts'
import { TsChild } from '../../support/ts-child.ts'

const CHILD = join(import.meta.dirname, 'doc-writer-child.ts')

it('documents keep everything they acknowledged through kills, deletions too', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'k2-docs-'))
  const rng = seededRng(20_263)
  let last = 0
  try {
    for (let round = 0; round < 5; round++) {
      // Groups of seven begin anew, so that a killed one is never gone on with.
      const child = new TsChild(CHILD, [folder, String(Math.ceil((last + 1) / 7) * 7)])
      const writes = 20 + below(rng, 200)
      await child.until((lines) => lines.length > writes)
      await child.end('SIGKILL')
      last = Number(child.lines.at(-1))
      const store = await KvDocStore.open(await lmdbMap(folder))
      const { id } = writeCapability(new Uint8Array(32).fill(1))
      const replica = new Replica(Buffer.from(id, 'hex'))
      for await (const entry of store.entries(id)) replica.load(entry)
      const keys = new Map([...replica.index.rows()].map((row) => [fromUtf8(keyOf(row.entry.id)) as string, row.entry]))
      for (const n of child.lines.slice(1).map(Number)) {
        const group = Math.floor(n / 7)
        const tombstone = keys.get(`${group}/`)
        if (n % 7 === 6) expect(tombstone && isEmptyHash(tombstone.hash)).toBe(true)
        // The deletion may have been written without having been printed.
        else expect(keys.has(`${group}/${n}`)).toBe(tombstone === undefined)
      }
      await store.close()
    }
    expect(last).toBeGreaterThan(200)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
