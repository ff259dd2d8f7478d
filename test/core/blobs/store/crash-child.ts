import { FsBlobStore } from '../../../../src/core/blobs/fs-store.ts'
import { hashBlob } from '../../../../src/core/blobs/tree/outboard.ts'
import { ALL, subtract } from '../../../../src/core/blobs/tree/ranges.ts'
import { hashOf } from '../../../../src/core/ids.ts'
import { pattern } from '../../net/support.ts'
import { deliver } from './support.ts'

/** Works on a store without end until it is killed: `crash-child <dir> <round>`. Prints what it was promised. */
const [dir = '', round = ''] = process.argv.slice(2)
const store = new FsBlobStore({ dir, maxBytes: 1e9 })
let seed = Number(round) * 100_000
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const next = (max: number): number => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
  return (seed >>> 8) % max
}

async function imports(): Promise<never> {
  for (let i = 0; ; i++) {
    const data = pattern([10, 16_384, 16_385, 200_000, 1_500_000][next(5)] ?? 0, next(1 << 30))
    const tag = `r${round}/import/${i}`
    const { hash } = await store.importBytes(data, { tag })
    say(`tag ${tag} ${hash} ${data.length}`)
  }
}

/** Fetches blobs in several pieces through several handles, says what is promised after each flush. */
async function downloads(name: string): Promise<never> {
  for (let i = 0; ; i++) {
    const data = pattern(20_000 + next(2_000_000), next(1 << 30))
    const hash = hashOf(hashBlob(data).hash)
    const tag = `r${round}/${name}/${i}`
    await store.setTag({ name: tag, hash, format: 'raw' })
    for (let part = 0; part < 3; part++) {
      const partial = await store.resume(hash)
      const start = BigInt(next(data.length >> 14)) * 16n
      const want = part === 2 ? ALL : [start, start + 16n * BigInt(1 + next(40))]
      const missing = subtract(want, partial.state().ranges)
      await deliver(partial.sink(), data, hash, missing)
      await partial.flush()
      say(`ranges ${tag} ${hash} ${data.length} ${partial.state().ranges.join(',')}`)
      if (part === 2) say(`tag ${tag} ${hash} ${await partial.complete()}`)
      await partial.close()
    }
  }
}

/** Forgets what it has made, and collects garbage all the time. */
async function garbage(): Promise<never> {
  for (let i = 0; ; i++) {
    const tag = `r${round}/waste/${i}`
    await store.importBytes(pattern(1000 + next(400_000), next(1 << 30)), { tag })
    await store.deleteTag(tag)
    await store.gc()
    say('collected')
  }
}

await store.usage()
say('ready')
await Promise.all([imports(), downloads('a'), downloads('b'), garbage()])
