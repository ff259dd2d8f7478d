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
    const forward = manager.options.updateSessionInfo
    const events = manager as unknown as { on(event: 'closed' | 'hello', listener: (payload: { code: number }) => void): void }
    let closedBy: number | undefined
    let refusedSince: number | undefined
    events.on('closed', ({ code }) => {
      closedBy = code
    })
    events.on('hello', () => {
      closedBy = undefined
      refusedSince = undefined
    })
    const updateSessionInfo: typeof forward = (shardId, info) => {
      if (info === null && closedBy !== undefined && !SESSION_LOST.has(closedBy)) {
        refusedSince ??= clock.now()
        if (clock.now() - refusedSince < KEEP_MS) return
      }
      return forward(shardId, info)
    }
    Object.assign(manager.options, { updateSessionInfo })
    return new library.SimpleShardingStrategy(manager)
  }
}
