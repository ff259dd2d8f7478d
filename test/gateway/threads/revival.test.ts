import { beforeEach, expect, test } from 'vitest'
import { Mutex } from '../../../src/base/async.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import type { Bridge, SendOutcome, SendRequest } from '../../../src/bridges/port.ts'
import type { ThreadedBridge } from '../../../src/bridges/threads.ts'
import { BridgeSet } from '../../../src/gateway/pipeline/bridge-set.ts'
import type { ThreadPair } from '../../../src/gateway/threads/pairs.ts'
import { ThreadRevival } from '../../../src/gateway/threads/revival.ts'

const channel = { network: 'discord', account: 'main', space: '1', channel: '2' } as const
const chat = { network: 'telegram', account: 'main', channel: '-100', thread: '7' } as const
const signal = new AbortController().signal

let pair: ThreadPair
let isLive: boolean
/** Threads that are there. */
let there: string[]
let opened: string[]
let sent: { readonly op: string; readonly thread: string | undefined }[]
let mayOpen: boolean
let revival: ThreadRevival

beforeEach(() => {
  pair = { id: 'p', route: 'room', title: 'sales', places: [{ ...channel, thread: '10' }, chat] }
  there = ['10']
  opened = []
  sent = []
  isLive = true
  mayOpen = true
  const bridges = new BridgeSet()
  const bridge: Bridge & Pick<ThreadedBridge, 'openThread'> = {
    name: 'discord-main',
    network: 'discord',
    account: 'main',
    capabilities: { maxText: 2000, edit: true, delete: true, reply: true, senderName: true },
    health: () => ({ status: 'ok' }),
    deletesTogether: () => true,
    send: async ({ op, place }): Promise<SendOutcome> => {
      sent.push({ op, thread: place.thread })
      return place.thread === undefined || there.includes(place.thread)
        ? { kind: 'done', parts: [] }
        : { kind: 'lane-failed', code: 'DISCORD_UNKNOWN_CHANNEL', message: 'gone' }
    },
    openThread: async (_place, title) => {
      if (!mayOpen) throw new Error('not allowed')
      const id = String(11 + opened.length)
      opened.push(title)
      there.push(id)
      return id
    },
  }
  bridges.add(bridge)
  revival = new ThreadRevival({
    bridges,
    pairs: () => [pair],
    change: async (next) => {
      pair = next
    },
    isLive: () => isLive,
    turn: new Mutex(),
    clock: systemClock,
    log: nullLogger,
  })
})

const send = (op: SendRequest['op'], thread?: string): Promise<SendOutcome> | undefined =>
  revival.find('discord', 'main')?.send({ op, place: { ...channel, ...(thread && { thread }) } } as SendRequest, signal)

test('a thread that is gone is made once, however many messages find out, and later ones for the old id go to the new one', async () => {
  there = []
  expect(await Promise.all([send('create', '10'), send('create', '10')])).toEqual(Array(2).fill({ kind: 'done', parts: [] }))
  expect(opened).toEqual(['sales'])
  expect(pair.places).toEqual([{ ...channel, thread: '11', was: ['10'] }, chat])
  sent = []
  await send('create', '10')
  expect(sent).toEqual([{ op: 'create', thread: '11' }])
})

test('edits and deletes of what went with it are done with, and make nothing', async () => {
  there = []
  for (const op of ['edit', 'delete'] as const) expect(await send(op, '10')).toEqual({ kind: 'done', parts: [] })
  expect(opened).toEqual([])
})

test('the failure stays what it was where the thread may not come back', async () => {
  const failure = { kind: 'lane-failed', code: 'DISCORD_UNKNOWN_CHANNEL', message: 'gone' }
  there = []
  mayOpen = false
  expect(await send('create', '10')).toEqual(failure)
  mayOpen = true
  isLive = false
  expect(await send('create', '10')).toEqual(failure)
  isLive = true
  for (let i = 0; i < 5; i++) {
    there = []
    expect(await send('create', '10')).toEqual({ kind: 'done', parts: [] })
  }
  there = []
  expect(await send('create', '10')).toEqual(failure)
  expect(opened).toHaveLength(5)
})

test('what else its bridge can do stays', () => {
  expect(revival.find('discord', 'main')?.deletesTogether?.(channel, [])).toBe(true)
})

test('threads of no pair and channels are left alone', async () => {
  there = []
  expect(await send('create', '99')).toMatchObject({ kind: 'lane-failed' })
  expect(await send('create')).toMatchObject({ kind: 'done' })
  expect(opened).toEqual([])
})
