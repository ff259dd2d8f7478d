import { beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import type { Bridge, SendOutcome, SendRequest } from '../../../src/bridges/port.ts'
import { BridgeSet } from '../../../src/gateway/pipeline/bridge-set.ts'
import type { RouteDefinition } from '../../../src/gateway/pipeline/index.ts'
import { GeneralTopic } from '../../../src/gateway/threads/general.ts'
import type { TopicTitles } from '../../../src/gateway/threads/titles.ts'

const topic = { network: 'telegram', account: 'main', channel: '-100', thread: '7' } as const
const { thread: _thread, ...chat } = topic
const gone: SendOutcome = { kind: 'lane-failed', code: 'TELEGRAM_TOPIC_NOT_FOUND', message: 'gone' }
const signal = new AbortController().signal

let isThere: boolean
let sent: { readonly op: string; readonly thread: string | undefined; readonly name: string }[]
let routes: RouteDefinition[]
let titleFails: boolean
let general: GeneralTopic

beforeEach(() => {
  isThere = false
  titleFails = false
  sent = []
  routes = [
    {
      id: 'orders',
      members: [{ place: topic, direction: 'both', identity: 'bot' }],
      bots: 'none',
      maxAge: 1000,
      p2pEdits: 'resend',
      allowChain: false,
      deletedTopics: 'general',
    },
  ]
  const bridges = new BridgeSet()
  const bridge: Bridge = {
    name: 'telegram-main',
    network: 'telegram',
    account: 'main',
    capabilities: { maxText: 4096, edit: true, delete: true, reply: true, senderName: false },
    health: () => ({ status: 'ok' }),
    deletesTogether: () => true,
    send: async ({ op, place, author }): Promise<SendOutcome> => {
      sent.push({ op, thread: place.thread, name: author.displayName })
      return place.thread === undefined || isThere ? { kind: 'done', parts: [] } : gone
    },
  }
  bridges.add(bridge)
  const titles: Pick<TopicTitles, 'note' | 'find'> = {
    note: async () => {},
    find: async () => {
      if (titleFails) throw new Error('no database')
      return 'orders'
    },
  }
  const options = { bridges, routes: () => routes, pairs: () => [], clock: systemClock, log: nullLogger }
  general = new GeneralTopic({ ...options, titles: titles as TopicTitles })
})

const author = { key: 'discord:1', displayName: 'Ann', isBot: false, kind: 'user' } as const
const send = (op: SendRequest['op'], threads: readonly (string | undefined)[] = []): Promise<SendOutcome> | undefined =>
  general.find('telegram', 'main')?.send(
    {
      op,
      deliveryId: 'd',
      idemKey: 'k',
      attempt: 0,
      identity: 'bot',
      occurredAt: 0,
      onPart: async () => {},
      place: topic,
      author,
      parts: threads.map((thread, part) => ({ part, ref: { ...chat, id: `${part}`, ...(thread && { thread }) } })),
    },
    signal,
  )

test('the topic is asked once; what follows goes to the general topic at once', async () => {
  for (let i = 0; i < 3; i++) expect(await send('create')).toEqual({ kind: 'done', parts: [] })
  const there = { op: 'create', thread: undefined, name: '[orders] Ann' }
  expect(sent).toEqual([{ op: 'create', thread: '7', name: 'Ann' }, there, there, there])
})

test('a topic that is there gets its lines, and other failures stay what they are', async () => {
  isThere = true
  await send('create')
  expect(sent).toEqual([{ op: 'create', thread: '7', name: 'Ann' }])
})

test('changes find the copy where it is: in the general topic, or gone with its topic', async () => {
  expect(await send('edit', [undefined])).toEqual({ kind: 'done', parts: [] })
  expect(await send('edit', ['7'])).toEqual({ kind: 'done', parts: [] })
  expect(await send('delete', ['7'])).toEqual({ kind: 'done', parts: [] })
  expect(sent.map((s) => [s.op, s.thread, s.name])).toEqual([
    ['edit', undefined, '[orders] Ann'],
    ['edit', '7', 'Ann'],
    ['delete', '7', 'Ann'],
  ])
})

test('without its name a topic is called by its number', async () => {
  titleFails = true
  await send('create')
  expect(sent.at(-1)?.name).toBe('[topic 7] Ann')
})

test('a route that does not say so waits, and keeps what else its bridge can do', async () => {
  const wanted = routes
  routes = wanted.map(({ deletedTopics: _general, ...route }) => route)
  expect(await send('create')).toEqual(gone)
  routes = [...wanted.map((r) => ({ ...r, members: [] })), ...routes]
  expect(await send('create')).toEqual(gone)
  expect(general.find('telegram', 'main')?.deletesTogether?.(topic, [])).toBe(true)
})
