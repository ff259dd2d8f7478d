import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Notification, PgClient, PgPool } from './pool.ts'

/** Pause before a lost subscription is tried again, ms. */
const RETRY_MS = 1000

/** Keeps one `LISTEN` alive across lost connections. See `Database.listen`. */
export async function listen(
  pool: PgPool,
  channel: string,
  onNotify: (payload: string) => void,
  tools: { readonly log: Logger; readonly clock: Clock },
): Promise<() => Promise<void>> {
  let current: PgClient | undefined
  let cancelRetry = (): void => {}
  let ended = false

  const subscribe = async (): Promise<void> => {
    const client = await pool.connect()
    client.on('error', () => lost(client))
    client.on('notification', (n: Notification) => {
      if (n.channel === channel) onNotify(n.payload)
    })
    current = client
    try {
      await client.query(`listen "${channel.replaceAll('"', '""')}"`)
    } catch (error) {
      if (current === client) current = undefined
      client.release(true)
      throw error
    }
    if (ended) drop(client)
  }
  const drop = (client: PgClient): void => {
    client.removeAllListeners('notification')
    client.release(true)
  }
  const lost = (client: PgClient): void => {
    if (ended || current !== client) return
    current = undefined
    drop(client)
    retry()
  }
  const retry = (): void => {
    cancelRetry = tools.clock.after(RETRY_MS, () => {
      subscribe().then(
        () => onNotify(''),
        (err) => {
          tools.log.debug({ ev: 'db-listen-retry', channel, err }, 'subscribing again failed')
          if (!ended) retry()
        },
      )
    })
  }

  await subscribe()
  return async () => {
    ended = true
    cancelRetry()
    if (current) drop(current)
    current = undefined
  }
}
