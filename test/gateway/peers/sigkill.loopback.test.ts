import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sleep } from '../../../src/base/async.ts'
import { systemClock } from '../../../src/base/clock.ts'
import { nullLogger } from '../../../src/base/logger.ts'
import { plain } from '../../../src/bridges/model/rich-text.ts'
import { P2pBridge } from '../../../src/bridges/p2p/index.ts'
import { NodePeerPort } from '../../../src/gateway/peers/index.ts'
import { startTestNode } from '../../support/k2-nodes.ts'
import { TsChild } from '../../support/ts-child.ts'

const LINES = 80
const KILL_AT = [10, 30, 31, 60]
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'k2-sigkill-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('a receiving gateway killed over and over stores every line once and in order', async () => {
  await using sender = await startTestNode({ topics: ['Goods'] })
  const bridge = new P2pBridge({
    port: new NodePeerPort(sender.node, nullLogger),
    sink: { ingest: async () => {} },
    clock: systemClock,
    log: nullLogger,
  })
  const inbox = new Map<string, string>()
  const start = (): TsChild =>
    new TsChild(join(import.meta.dirname, 'line-sink.ts'), [join(directory, 'identity.json'), sender.ticket])
  const collect = (child: TsChild): void => {
    for (const line of child.lines) {
      const { eventId, text } = JSON.parse(line) as { eventId?: string; text?: string }
      if (eventId !== undefined && !inbox.has(eventId)) inbox.set(eventId, text as string)
    }
  }
  const isReady = (lines: readonly string[]): boolean => lines.some((line) => line.includes('ready'))
  let child = start()
  await child.until(isReady)
  let restarting: Promise<void> = Promise.resolve()
  for (let i = 0; i < LINES; i++) {
    if (KILL_AT.includes(i)) {
      await restarting
      restarting = sleep(2).then(async () => {
        await child.end('SIGKILL')
        collect(child)
        child = start()
        await child.until(isReady)
      })
    }
    for (;;) {
      const outcome = await bridge.send(
        {
          op: 'create',
          deliveryId: `d${i}`,
          idemKey: `key${i}`,
          attempt: 0,
          place: { network: 'p2p', account: 'self', channel: 'Goods' },
          author: { key: 'web:1', displayName: 'Lan', isBot: false, kind: 'user' },
          identity: 'bot',
          body: { rich: plain(`line ${i}`), attachments: [] },
          parts: [],
          occurredAt: 0,
          onPart: async () => {},
        },
        new AbortController().signal,
      )
      if (outcome.kind === 'done') break
      await sleep(outcome.kind === 'rate-limited' ? outcome.afterMs : 100)
    }
  }
  await restarting
  await child.until((lines) => lines.some((line) => line.includes(`line ${LINES - 1}"`)))
  collect(child)
  await child.end('SIGKILL')
  expect([...inbox.values()]).toEqual(Array.from({ length: LINES }, (_, i) => `line ${i}`))
})
