import type { Health } from '../base/lifecycle.ts'
import type { NodeSettings } from './config.ts'
import type { JoinedTopic } from './k2/joined-topic.ts'

/** A node that has configured peers but meets none of them for this long is not well. */
const ISOLATION_MS = 60_000
const MAX_NAMED = 5

/** The endpoint's health, or `degraded` with the topics on which configured peers have been missing. `now` in ms. */
export function nodeHealth(endpoint: Health, settings: NodeSettings, topics: readonly JoinedTopic[], now: number): Health {
  if (endpoint.status !== 'ok' || settings.peers.length === 0) return endpoint
  const isolated = topics.filter((t) => t.info.contact === undefined && now - (t.isolatedSince ?? now) > ISOLATION_MS)
  if (isolated.length === 0) return endpoint
  const names = isolated.map((t) => t.info.name).slice(0, MAX_NAMED)
  return { status: 'degraded', reason: `no other node on ${names.join(', ')}` }
}
