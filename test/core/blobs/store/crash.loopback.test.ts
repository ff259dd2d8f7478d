import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { verifiedBytes } from '../../../../src/core/blobs/blob-bytes.ts'
import { FsBlobStore } from '../../../../src/core/blobs/fs-store.ts'
import { hashBlob } from '../../../../src/core/blobs/tree/outboard.ts'
import { type ChunkRanges, subtract } from '../../../../src/core/blobs/tree/ranges.ts'
import { type Hash, hashOf } from '../../../../src/core/ids.ts'
import { TsChild } from '../../../support/ts-child.ts'
import { collect, collectBytes } from './support.ts'

const KILLS = 14
/** Calls into files and index at which it ends. */
const STEPS = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597]
const child = fileURLToPath(new URL('./crash-child.ts', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'k2gw-blob-crash-'))
const dir = join(root, 'blobs')
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Reads what is claimed without the store's own checks and hashes it again; answers how many bytes that were. */
async function rehash(store: FsBlobStore): Promise<number> {
  let bytes = 0
  for await (const { hash, kind, size } of store.list()) {
    const source = await store.open(hash)
    if (!source) throw new Error(`${hash} is listed and does not open`)
    const status = await store.status(hash)
    if (kind === 'complete') {
      const data = await source.read(0, size)
      expect(hashOf(hashBlob(data).hash)).toBe(hash)
      bytes += size
    } else {
      if (status.kind !== 'partial') throw new Error(`${hash} is listed as partial`)
      for (const [from, to] of byteRuns(status.ranges, size)) {
        bytes += (await collectBytes(verifiedBytes(source, hash, from, to))).length
      }
    }
    await source.close()
    // Checking again finds nothing to correct.
    expect(await store.verify(hash)).toEqual(status)
  }
  return bytes
}

function byteRuns(ranges: ChunkRanges, size: number): [number, number][] {
  const out: [number, number][] = []
  for (let i = 0; i < ranges.length; i += 2)
    out.push([Number(ranges[i]) * 1024, Math.min(size, Number(ranges[i + 1] ?? 2n ** 53n) * 1024)])
  return out
}

/** What one run was promised, and what the next must find. */
async function check(lines: readonly string[]): Promise<{ promised: number; partials: number; rehashed: number }> {
  const store = new FsBlobStore({ dir, maxBytes: 1e9 })
  const found = { promised: 0, partials: 0, rehashed: 0 }
  for (const line of lines) {
    const [what, tag = '', hash = '', size = '', ranges = ''] = line.split(' ')
    if (what !== 'tag' && what !== 'ranges') continue
    found.promised++
    expect(await store.getTag(tag)).toEqual({ name: tag, hash, format: 'raw' })
    const status = await store.status(hash as Hash)
    if (what === 'tag') expect(status).toEqual({ kind: 'complete', size: Number(size) })
    else if (status.kind === 'partial') {
      found.partials++
      expect(subtract(ranges.split(',').filter(Boolean).map(BigInt), status.ranges)).toEqual([])
    } else expect(status.kind).toBe('complete')
  }
  found.rehashed = await rehash(store)
  const listed = await collect(store.list())
  expect(await store.usage()).toEqual({ bytes: listed.reduce((sum, b) => sum + b.stored, 0), blobs: listed.length })
  // Half of it goes, so that later rounds work on what earlier ones left.
  for await (const { name } of store.listTags()) if (Math.random() < 0.5) await store.deleteTag(name)
  await store.gc()
  const files = (await readdir(join(dir, 'content'))).length
  const inFiles = (await collect(store.list())).filter((b) => b.size > 16_384).length
  expect(files).toBe(inFiles)
  await store.close()
  return found
}

describe('a store whose process is killed', () => {
  it(`opens and has everything it promised, ${KILLS} times at random and ${STEPS.length} times at a step with unsynced data lost`, async () => {
    const total = { promised: 0, partials: 0, rehashed: 0 }
    for (let round = 1; round <= KILLS + STEPS.length; round++) {
      const step = STEPS[round - KILLS - 1] ?? 0
      const worker = new TsChild(child, [dir, String(round), String(step)])
      if (step > 0) await once(worker.child, 'close')
      else {
        await worker.until((lines) => lines.includes('ready'))
        // At the first writes, in the middle of the work, and anywhere between two events of either.
        const events = (round * 7) % 40
        await worker.until((lines) => lines.length > events)
        await sleep(Math.random() * 30)
        await worker.end('SIGKILL')
      }
      expect(worker.child.signalCode, worker.errors).toBe('SIGKILL')
      const found = await check(worker.lines)
      total.promised += found.promised
      total.partials += found.partials
      total.rehashed += found.rehashed
    }
    expect(total.rehashed).toBeGreaterThan(0)
    expect(total.promised).toBeGreaterThan(KILLS)
    expect(total.partials).toBeGreaterThan(0)
  }, 500_000)
})
