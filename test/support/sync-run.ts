import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { below, type Rng } from '../../src/base/random.ts'
import { type DocumentState, type FolderSide, filesBelow } from './folder-side.ts'

export interface RunOptions {
  readonly files: number
  readonly bytes: number
  /** How often one of the two processes is killed, at random points of the work. */
  readonly kills: number
  /** Seconds in which no entry may appear when everything is equal. */
  readonly idleSeconds: number
  readonly rng: Rng
  /** Longest silence without any progress, ms. */
  readonly stallMs?: number
  readonly report?: (line: string) => void
}

export interface RunFigures {
  readonly publishSeconds: number
  readonly takeSeconds: number
  readonly lookSeconds: number
  readonly kills: number
  readonly entries: number
}

const LOOK_MS = 500
/** Every look at a folder compares all of its files: large ones are looked at less often. */
const LOOK_MS_PER_FILE = 0.25
const STALL_MS = 300_000

/** Many small files, a few large ones: half of the bytes in every fiftieth file. */
export async function fillFolder(root: string, files: number, bytes: number): Promise<void> {
  const large = Math.max(1, Math.floor(files / 50))
  for (let i = 0; i < files; i++) {
    const size = i < large ? bytes / 2 / large : bytes / 2 / Math.max(1, files - large)
    const path = join(root, `d${i % 100}`, `e${i % 7}`, `file ${i}.bin`)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, randomBytes(Math.max(1, Math.floor(size))))
  }
}

/**
 * One side offers a folder of many files, the other one takes it; meanwhile processes are killed. Rejects unless both have the same
 * bytes and the same entries at the end, and neither another look nor silence adds or rewrites any.
 */
export async function runSync(offering: FolderSide, taking: FolderSide, root: string, options: RunOptions): Promise<RunFigures> {
  const { files, bytes, kills, idleSeconds, rng, report = () => {} } = options
  await fillFolder(root, files, bytes)
  await Promise.all([offering.start(), taking.start()])
  let begun = performance.now()
  const step = (what: string, count: number): number => {
    const seconds = (performance.now() - begun) / 1000
    report(`${what.padEnd(28)} ${seconds.toFixed(1).padStart(7)} s  ${Math.round(count / seconds)}/s`)
    begun = performance.now()
    return seconds
  }
  // Of 0 to 1 nothing has arrived yet at the side that takes; of 1 to 2 all is published by the one that offers.
  const points = Array.from({ length: kills }, () => (5 + below(rng, 190)) / 100).sort((a, b) => a - b)
  const killed = { count: 0 }
  const killAt = async (progress: number): Promise<void> => {
    while ((points[0] ?? 9) <= progress) {
      const victim = (points.shift() as number) < 1 || below(rng, 2) === 0 ? offering : taking
      await victim.kill()
      report(`  ${victim.name} killed at ${Math.round(progress * 100) / 100}`)
      killed.count++
      await victim.start()
    }
  }
  const doc = await offering.offer(root)
  await follow(offering, files, 0, killAt, options)
  // The last look may have jumped over points.
  await killAt(1)
  await follow(offering, files, 1, async () => {}, options)
  const publishSeconds = step('scan and publish', files)
  await taking.take(doc)
  await follow(taking, files, 1, killAt, options)
  await killAt(2)
  await Promise.all([follow(taking, files, 2, async () => {}, options), follow(offering, files, 2, async () => {}, options)])
  const takeSeconds = step('fetch and apply', files)
  const [a, b] = [await filesBelow(root), await taking.files()]
  const wrong = [...a].filter(([path, hash]) => b.get(path) !== hash).map(([path]) => path)
  if (wrong.length > 0 || a.size !== b.size || a.size !== files)
    throw new Error(`the folders differ: ${a.size} and ${b.size} files, ${wrong.length} others: ${wrong.slice(0, 5).join(', ')}`)
  report(`the folders are byte-equal: ${a.size} files by SHA-256`)
  const before = await settled(offering, taking, options)
  begun = performance.now()
  await offering.lookAgain()
  await taking.lookAgain()
  const lookSeconds = step('second look, both', files)
  await unchanged('the second look', before, offering, taking)
  if (idleSeconds > 0) {
    await pause(idleSeconds * 1000)
    await unchanged(`an idle time of ${idleSeconds} s`, before, offering, taking)
  }
  report(`no entry was added or rewritten: ${before.entries} at both sides, ${idleSeconds} s idle`)
  return { publishSeconds, takeSeconds, lookSeconds, kills: killed.count, entries: before.entries }
}

/** Looks until a side is done. Rejects when nothing moves any more. */
async function follow(
  side: FolderSide,
  files: number,
  base: number,
  at: (progress: number) => Promise<void>,
  { stallMs = STALL_MS }: RunOptions,
): Promise<void> {
  let last = -1
  let moved = performance.now()
  let failure: unknown
  // A process that is away answers nothing. One that does not come back is another matter.
  const asked = <T>(question: Promise<T>): Promise<T | undefined> =>
    question.catch((error: unknown) => {
      failure = error
      return undefined
    })
  for (;;) {
    const done = await asked(side.done())
    if (done !== undefined && done !== last) {
      moved = performance.now()
      last = done
    }
    if (done !== undefined) await at(base + Math.min(1, done / files))
    if (await asked(side.isDone(files))) return
    if (performance.now() - moved > stallMs)
      throw new Error(`${side.name} stands still at ${last} of ${files} files`, { cause: failure })
    await pause(Math.max(LOOK_MS, files * LOOK_MS_PER_FILE))
  }
}

/** Waits until both sides hold the same entries. */
async function settled(a: FolderSide, b: FolderSide, { stallMs = STALL_MS }: RunOptions): Promise<DocumentState> {
  const end = performance.now() + stallMs
  for (;;) {
    const [one, two] = [await a.document(), await b.document()]
    if (one.fingerprint === two.fingerprint) return one
    if (performance.now() > end) throw new Error(`the documents differ: ${one.entries} and ${two.entries} entries`)
    await pause(LOOK_MS)
  }
}

async function unchanged(what: string, before: DocumentState, a: FolderSide, b: FolderSide): Promise<void> {
  for (const side of [a, b]) {
    const now = await side.document()
    if (now.fingerprint !== before.fingerprint)
      throw new Error(`${what} changed the document at ${side.name}: ${before.entries} entries before, ${now.entries} after`)
  }
}
