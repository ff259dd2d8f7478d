import { describe, expect, it } from 'vitest'
import { deferred, Mutex } from '../../../src/base/async.ts'
import { fromHex, toHex } from '../../../src/base/bytes.ts'
import { ManualClock } from '../../../src/base/clock.ts'
import { K2Error } from '../../../src/base/errors.ts'
import { NET_LIMITS } from '../../../src/core/gossip/limits.ts'
import { newCounters } from '../../../src/core/gossip/metrics.ts'
import { TopicStream } from '../../../src/core/gossip/topic-stream.ts'
import type { Connection, SendHalf } from '../../../src/core/net/transport.ts'
import { settle } from '../net/manual-time.ts'
import { FRAMES, HEADER_FRAME, TOPIC } from './proto/vectors.ts'

const stopped = (): K2Error => new K2Error({ code: 'NET_STREAM_STOPPED', kind: 'network', message: 'stopped' })
const HEADER_BYTES = 36

/** A stream on a connection whose every call is answered by the test. */
function scripted(limits = NET_LIMITS) {
  const writes: number[][] = []
  const written: Uint8Array[] = []
  const finished: number[] = []
  const failures: unknown[] = []
  const clock = new ManualClock()
  const counters = newCounters()
  let streams = 0
  let done = 0
  const script = { open: async (): Promise<void> => {}, write: async (_stream: number): Promise<void> => {} }
  const connection = {
    openUni: async (): Promise<SendHalf> => {
      await script.open()
      const n = streams++
      return {
        write: async (data) => {
          await script.write(n)
          writes.push([n, data.length])
          written.push(data)
        },
        finish: async () => void finished.push(n),
        reset: async () => {},
      }
    },
  } as Partial<Connection> as Connection
  const stream = new TopicStream({
    topic: TOPIC,
    connection,
    opening: new Mutex(),
    clock,
    limits,
    counters,
    onDone: (bytes) => {
      done += bytes
    },
    onFailed: (error) => failures.push(error),
  })
  const push = (size: number, isLast = false): void => stream.push({ bytes: new Uint8Array(size), isLast })
  return { stream, push, writes, written, finished, failures, clock, counters, script, done: () => done }
}

describe('TopicStream', () => {
  it('begins with the bytes of a complete first stream (12.1, 12.4)', async () => {
    const t = scripted()
    const join = FRAMES.find((f) => f.name === 'join_full')?.hex as string
    t.stream.push({ bytes: fromHex(join), isLast: false })
    await settle()
    expect(t.written.map(toHex)).toEqual([HEADER_FRAME + join])
  })

  it('opens with header and first frame in one write, then batches what waits', async () => {
    const t = scripted()
    t.push(10)
    t.push(20)
    await settle()
    t.push(5)
    await settle()
    expect(t.writes).toEqual([
      [0, HEADER_BYTES + 30],
      [0, 5],
    ])
    expect(t.done()).toBe(35)
  })

  it('bounds the size of one write', async () => {
    const t = scripted({ ...NET_LIMITS, writeBytes: 100 })
    for (const size of [60, 40, 1, 500, 3]) t.push(size)
    await settle()
    expect(t.writes).toEqual([
      [0, HEADER_BYTES + 100],
      [0, 1],
      [0, 500],
      [0, 3],
    ])
  })

  it('finishes after the last frame and opens a new stream for later ones', async () => {
    const t = scripted()
    t.push(4, true)
    t.push(6)
    await settle()
    expect(t.writes).toEqual([
      [0, HEADER_BYTES + 4],
      [1, HEADER_BYTES + 6],
    ])
    expect(t.finished).toEqual([0])
    t.stream.end()
    await settle()
    expect(t.finished).toEqual([0, 1])
    t.push(1)
    await settle()
    expect(t.writes.at(-1)).toEqual([2, HEADER_BYTES + 1])
  })

  it('repeats a stopped write once on a new stream', async () => {
    const t = scripted()
    t.push(4)
    await settle()
    t.script.write = async (n) => {
      if (n === 0) throw stopped()
    }
    t.push(7)
    await settle()
    expect(t.writes.at(-1)).toEqual([1, HEADER_BYTES + 7])
    expect(t.failures).toEqual([])
    expect(t.counters).toMatchObject({ streamsReopened: 1, framesDropped: 0 })
  })

  it('fails when the second stream is stopped too', async () => {
    const t = scripted()
    t.script.write = async () => {
      throw stopped()
    }
    t.push(4)
    await settle()
    expect(t.failures).toMatchObject([{ code: 'NET_STREAM_STOPPED' }])
    expect(t.counters).toMatchObject({ streamsReopened: 1, framesDropped: 1 })
    expect(t.done()).toBe(4)
  })

  it('hands over what is not being written yet', async () => {
    const t = scripted()
    const gate = deferred<void>()
    t.script.write = () => gate.promise
    t.push(1)
    await settle()
    t.push(2)
    t.push(3)
    expect(t.stream.takeQueued().map((frame) => frame.bytes.length)).toEqual([2, 3])
    gate.resolve()
    await settle()
    expect(t.writes).toEqual([[0, HEADER_BYTES + 1]])
  })

  it('keeps only the newest frames while the peer allows no further stream', async () => {
    const t = scripted({ ...NET_LIMITS, openMs: 1_000, blockedFrames: 3 })
    const gate = deferred<void>()
    t.script.open = () => gate.promise
    t.push(100)
    await settle()
    for (let i = 0; i < 5; i++) t.push(1)
    expect(t.counters.framesDropped).toBe(0)
    t.clock.advance(1_001)
    for (let size = 10; size < 13; size++) t.push(size)
    expect(t.counters.framesDropped).toBe(3)
    gate.resolve()
    await settle()
    expect(t.writes).toEqual([
      [0, HEADER_BYTES + 100],
      [0, 1 + 1 + 10 + 11 + 12],
    ])
  })
})
