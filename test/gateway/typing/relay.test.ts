import { expect, test } from 'vitest'
import type { Place } from '../../../src/bridges/model/place.ts'
import { BridgeSet } from '../../../src/gateway/pipeline/bridge-set.ts'
import { typingRelay } from '../../../src/gateway/typing/relay.ts'
import { discord, route, ScriptedBridge, telegram } from '../pipeline/scripted.ts'

test('each place shows it at its own pace, and a platform that fails disturbs nobody', async () => {
  let now = 1_000_000
  const shown: string[] = []
  const bridges = new BridgeSet()
  const add = (network: 'discord' | 'telegram', account: string, fails: boolean): void => {
    const showTyping = async (place: Place): Promise<void> => {
      shown.push(`${network} ${place.channel}`)
      if (fails) throw new Error('no')
    }
    bridges.add(Object.assign(new ScriptedBridge(network, account), { showTyping }))
  }
  add('telegram', 'tg', true)
  add('discord', 'dc', false)
  const [from, chat, other] = [discord('1'), telegram('-1'), discord('2')]
  const routes = [{ ...route('a', [from, chat, other]), typing: true }, route('b', [from, telegram('-2')])]
  const isBarred = (author: string): boolean => author === 'discord:banned'
  const hear = typingRelay({ bridges, routes: () => routes, isBarred, clock: { now: () => now } as never })
  const after = (ms: number): string[] => {
    now += ms
    shown.length = 0
    hear(from, 'discord:banned')
    hear(from, 'discord:1')
    return [...shown].sort()
  }
  expect(after(0)).toEqual(['discord 2', 'telegram -1'])
  expect(after(4_999)).toEqual([])
  expect(after(1)).toEqual(['telegram -1'])
  expect(after(3_000)).toEqual(['discord 2'])
  hear(telegram('-9'), 'telegram:1')
  now += 10_000
  hear(from, 'discord:banned')
  expect(shown).toEqual(['discord 2'])
})
