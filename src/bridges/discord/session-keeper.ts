import type { ClientOptions } from 'discord.js'
import type { Clock } from '../../base/clock.ts'

type Library = typeof import('discord.js')
type BuildStrategy = NonNullable<NonNullable<ClientOptions['ws']>['buildStrategy']>

/** The session is over: wrong sequence number, timed out. Every other close leaves it (bridging 4.2). */
const SESSION_LOST: ReadonlySet<number> = new Set([4007, 4009])
/** Discord forgets sessions after some minutes; a resume address that stays dead longer is given up. */
const KEEP_MS = 180_000

/**
 * The library drops its session after some closes, as when it sent too much, and when a reconnect is refused by the network,
 * and would identify anew. The session is not lost then: this keeps it, so that the next connection resumes and nothing has
 * to be fetched or missed.
 */
export function keepSessions(library: Library, clock: Clock): BuildStrategy {
  return (manager) => {
    const { updateSessionInfo: forward, retrieveSessionInfo: retrieve } = manager.options
    // The library reads the session when it hears that it was resumed, which may be after its end: it is told of the end only
    // when it asks whether there is one.
    const ended = new Set<number>()
    const events = manager as unknown as {
      on(event: 'closed' | 'hello', listener: (payload: { code: number; shardId: number }) => void): void
    }
    // By shard: how it was closed, and since when reconnecting is refused.
    const closed = new Map<number, { readonly code: number; refusedSince?: number }>()
    events.on('closed', ({ code, shardId }) => {
      closed.set(shardId, { ...closed.get(shardId), code })
    })
    events.on('hello', ({ shardId }) => {
      closed.delete(shardId)
    })
    const updateSessionInfo: typeof forward = (shardId, info) => {
      const by = closed.get(shardId)
      if (info === null && by !== undefined && !SESSION_LOST.has(by.code)) {
        by.refusedSince ??= clock.now()
        if (clock.now() - by.refusedSince < KEEP_MS) return
      }
      if (info === null) {
        ended.add(shardId)
        return
      }
      ended.delete(shardId)
      return forward(shardId, info)
    }
    const retrieveSessionInfo: typeof retrieve = (shardId) => (ended.has(shardId) ? null : retrieve(shardId))
    Object.assign(manager.options, { updateSessionInfo, retrieveSessionInfo })
    return new library.SimpleShardingStrategy(manager)
  }
}
