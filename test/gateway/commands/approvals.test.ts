import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ManualClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import type { PeerHandler, PeerUpdate } from '../../../src/bridges/p2p/port.ts'
import { type Approval, approvalsCommand } from '../../../src/gateway/commands/approvals.ts'
import { Strangers } from '../../../src/gateway/direct/strangers.ts'
import { A, B, NOW } from '../../core/k2/fixtures.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const held: Approval = {
  kind: 'message',
  id: 'm1',
  from: 'Mallory',
  what: 'held because of links',
  until: NOW + DAY,
  approve: 'mod approve m1',
  reject: 'mod reject m1',
}
const asked: Approval = {
  kind: 'conversation',
  id: 'AB',
  from: 'Tess',
  what: 'wants to talk',
  until: NOW + 5 * MINUTE,
  approve: 'dm approve AB',
}

async function list(...sources: (() => Promise<readonly Approval[]>)[]) {
  const command = approvalsCommand(sources, () => NOW)
  const result = await command.run(undefined as never, {} as never)
  if (result.kind !== 'answer') throw new Error('no answer')
  return { rows: result.data, text: result.notice.rich.text }
}

test('what waits stands in one list, the most urgent first, without what has ended', async () => {
  const late = { ...asked, id: 'CD', until: NOW }
  const { rows, text } = await list(
    async () => [held],
    async () => [late, asked],
  )
  expect(rows).toEqual([asked, held])
  expect(text.split('\n')).toEqual([
    'conversation Tess: wants to talk (5 min left) dm approve AB',
    'message Mallory: held because of links (24 h left) mod approve m1 or mod reject m1',
  ])
  expect(await list(async () => [])).toEqual({ rows: [], text: 'Nothing waits.' })
})

test('a source that fails hides no other', async () => {
  const { rows, text } = await list(
    async () => [held],
    () => Promise.reject(new Error('documents are closed')),
  )
  expect(rows).toEqual([held])
  expect(text).toContain('Some of it cannot be read')
})

test('strangers who write are asked about: never contacts, never on topics, never unproven, and not for ever', async () => {
  const clock = new ManualClock(NOW)
  const contacts = new Set<string>([A])
  let hear: PeerHandler = async () => {}
  const observe = (handler: PeerHandler): (() => void) => {
    hear = handler
    return () => {
      hear = async () => {}
    }
  }
  const dir = await mkdtemp(join(tmpdir(), 'k2gw-strangers-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const path = join(dir, 'strangers.json')
  const strangers = new Strangers({ port: { observe }, isContact: (id) => contacts.has(id), path, clock, log: nullLogger })
  await strangers.start()
  const chat = {
    senderClass: 'verified',
    text: 'let us\ntalk \u202eabout it',
    senderName: 'Bob',
    sentAt: NOW,
    messageId: 'm',
  } as const
  const say = (message: object): Promise<void> => hear({ kind: 'chat', message: { ...chat, ...message } } as PeerUpdate)
  await say({ peerId: A })
  await say({ peerId: B, topic: 'Goods' })
  await say({ peerId: B, senderClass: 'claimed' })
  expect(await strangers.approvals()).toEqual([])
  await say({ peerId: B })
  expect(await strangers.approvals()).toEqual([
    {
      kind: 'contact',
      id: B,
      from: `Bob (${B.slice(0, 8)})`,
      what: 'let us talk about it',
      since: NOW,
      until: NOW + 7 * DAY,
      approve: `contact add ${B} ${B.slice(0, 8)}`,
      reject: `peer block ${B}`,
    },
  ])
  contacts.add(B)
  expect(await strangers.approvals()).toEqual([])
  contacts.delete(B)
  clock.advance(7 * DAY + 1)
  expect(await strangers.approvals()).toEqual([])
  for (let n = 0; n < 150; n++) await say({ peerId: n.toString(16).padStart(64, '0') })
  expect(await strangers.approvals()).toHaveLength(100)
})
