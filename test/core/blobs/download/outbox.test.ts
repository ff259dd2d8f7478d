import { describe, expect, it } from 'vitest'
import { FetchOutbox } from '../../../../src/core/blobs/fetch-outbox.ts'
import { BATCH_BYTES, BATCH_PAIRS, type FetchReport, WINDOW_BYTES } from '../../../../src/core/blobs/fetch-wire.ts'
import { GROUP_BYTES, PAIR_BYTES } from '../../../../src/core/blobs/tree/blake3.ts'
import { pattern } from '../../net/support.ts'

interface Batch {
  readonly indices: readonly number[]
  /** First byte of each pair. */
  readonly pairs: readonly number[]
  readonly offset: number
  readonly length: number
  readonly at: number
}

function outbox() {
  const memory = new SharedArrayBuffer(WINDOW_BYTES)
  const window = new Uint8Array(memory)
  const sent: FetchReport[] = []
  const port = { postMessage: (report: FetchReport) => void sent.push(structuredClone(report)) }
  const box = new FetchOutbox(1, port, memory)
  const batches: Batch[] = []
  const take = (): Batch[] => {
    for (const report of sent.splice(0)) {
      if (report.op !== 'batch') continue
      const { indices, offset, at, length } = report.batch
      const pairs = indices.map((_, i) => window[at + BATCH_BYTES + i * PAIR_BYTES] as number)
      batches.push({ indices, pairs, offset, length, at })
    }
    return batches
  }
  /** A pair that begins with its own number; the same memory for all, as the decoder has it. */
  const shared = new Uint8Array(PAIR_BYTES)
  const pair = async (index: number): Promise<void> => {
    shared.fill(index & 0xff)
    await box.pair(index, shared)
  }
  return { box, take, batches, pair }
}

const LEAF = pattern(GROUP_BYTES, 1)

describe('batches of verified pieces', () => {
  it('carry the pairs above their leaves; a pair without a leaf goes with the next one', async () => {
    const { box, take, pair } = outbox()
    await pair(0)
    await pair(1)
    await box.leaf(0, LEAF)
    await pair(7)
    box.flush()
    await box.leaf(GROUP_BYTES, LEAF)
    box.flush()
    expect(take()).toMatchObject([
      { indices: [0, 1], pairs: [0, 1], offset: 0, length: GROUP_BYTES },
      { indices: [7], pairs: [7], offset: GROUP_BYTES, length: GROUP_BYTES },
    ])
  })

  it('go out early when their pairs have no room, and none is lost', async () => {
    const { box, take, batches, pair } = outbox()
    let next = 0
    for (let leaf = 0; leaf < 12; leaf++) {
      for (let i = 0; i < 50; i++) await pair(next++)
      await box.leaf(leaf * GROUP_BYTES, LEAF)
      const before = batches.length
      for (const { at } of take().slice(before)) box.credit(at)
    }
    box.flush()
    take()
    expect(batches.map(({ offset, length }) => [offset / GROUP_BYTES, length / GROUP_BYTES])).toEqual([
      [0, 2],
      [2, 2],
      [4, 2],
      [6, 2],
      [8, 2],
      [10, 2],
    ])
    expect(batches.flatMap(({ indices }) => indices)).toEqual(Array.from({ length: next }, (_, i) => i))
    expect(batches.flatMap(({ pairs }) => pairs)).toEqual(Array.from({ length: next }, (_, i) => i & 0xff))
  })

  it('refuse more pairs in a row than any tree has', async () => {
    const { pair } = outbox()
    for (let i = 0; i < BATCH_PAIRS; i++) await pair(i)
    await expect(pair(BATCH_PAIRS)).rejects.toMatchObject({ code: 'BLOB_BAD_ORDER' })
  })
})
