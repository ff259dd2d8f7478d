import { openFsBackend } from '../../../../src/core/blobs/fs-store.ts'
import type { Content, StoreBackend } from '../../../../src/core/blobs/store/backend.ts'
import { BlobEngine } from '../../../../src/core/blobs/store/engine.ts'
import { hashBlob } from '../../../../src/core/blobs/tree/outboard.ts'
import { ALL, subtract } from '../../../../src/core/blobs/tree/ranges.ts'
import { hashOf } from '../../../../src/core/ids.ts'
import { pattern } from '../../net/support.ts'
import { deliver } from './support.ts'

/**
 * Works on a store without end until it is killed: `crash-child <dir> <round> <step>`. Prints what it was promised. With a step
 * it kills itself there: steps are the calls into files and index. What was written to a file and not synced is lost
 * then, as in a power cut.
 */
const [dir = '', round = '', step = '0'] = process.argv.slice(2)
let steps = 0
const tick = (): void => {
  if (++steps === Number(step)) process.kill(process.pid, 'SIGKILL')
}

/** Holds back what is written until it is synced. */
function unsynced(file: Content): Content {
  const waiting: { offset: number; data: Uint8Array }[] = []
  const push = async (): Promise<void> => {
    for (const { offset, data } of waiting.splice(0)) await file.write(offset, data)
  }
  return {
    async read(offset, length) {
      tick()
      // Only this process may see what is not on disk.
      await push()
      return file.read(offset, length)
    },
    async write(offset, data) {
      tick()
      waiting.push({ offset, data: data.slice() })
    },
    async sync() {
      tick()
      await push()
      await file.sync()
      tick()
    },
    close: () => file.close(),
  }
}

function stepwise(backend: StoreBackend): StoreBackend {
  const { meta, area } = backend
  const commit = meta.commit.bind(meta)
  meta.commit = async (changes) => {
    tick()
    const done = commit(changes)
    tick()
    await done
    tick()
  }
  return {
    ...backend,
    area: {
      create: async (id) => {
        tick()
        return unsynced(await area.create(id))
      },
      open: async (id, mode) => unsynced(await area.open(id, mode)),
      remove: async (id) => {
        tick()
        await area.remove(id)
        tick()
      },
      list: () => area.list(),
      freeBytes: () => area.freeBytes(),
      pathOf: (id) => area.pathOf(id),
    },
  }
}

const store = new BlobEngine(async () => stepwise(await openFsBackend({ dir })), { limits: { maxBytes: 1e9, minFreeBytes: 0 } })
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
