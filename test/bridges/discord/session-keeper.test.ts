import { EventEmitter } from 'node:events'
import * as library from 'discord.js'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { keepSessions } from '../../../src/bridges/discord/session-keeper.ts'

type Manager = Parameters<ReturnType<typeof keepSessions>>[0]
const SESSION = { sequence: 7, sessionId: 's', shardId: 0, shardCount: 1, resumeURL: 'wss://example.org' }

/** The library's own book of sessions, as its client reads it on RESUMED. */
function setup() {
  const shards = new Map<number, typeof SESSION | null>()
  const manager = Object.assign(new EventEmitter(), {
    options: {
      retrieveSessionInfo: (id: number) => shards.get(id) ?? null,
      updateSessionInfo: (id: number, info: typeof SESSION | null) => void shards.set(id, info),
    },
  })
  keepSessions(library, systemClock)(manager as unknown as Manager)
  return { manager, shards, options: manager.options }
}

test('a session that ends while the library is still told of its resumption is over, but can be read', () => {
  const { shards, options } = setup()
  options.updateSessionInfo(0, SESSION)
  options.updateSessionInfo(0, null)
  expect(options.retrieveSessionInfo(0)).toBeNull()
  expect(shards.get(0)?.sequence).toBe(7)
  options.updateSessionInfo(0, { ...SESSION, sessionId: 'next' })
  expect(options.retrieveSessionInfo(0)).toMatchObject({ sessionId: 'next' })
})

test('a session outlives a close that does not end it, and not one that does', () => {
  const { manager, options } = setup()
  options.updateSessionInfo(0, SESSION)
  manager.emit('closed', { code: 4000, shardId: 0 })
  options.updateSessionInfo(0, null)
  expect(options.retrieveSessionInfo(0)).toMatchObject({ sessionId: 's' })
  manager.emit('hello', { shardId: 0 })
  manager.emit('closed', { code: 4009, shardId: 0 })
  options.updateSessionInfo(0, null)
  expect(options.retrieveSessionInfo(0)).toBeNull()
})
