import type { BlobProvider } from '../../core/blobs/index.ts'

/** Plain numbers of what is served to peers, by metric name. */
export function providerGauges(provider: BlobProvider): Record<string, number> {
  const { requests, served, refused, malformed, notFound, failed, stopped, bytes } = provider.stats
  const load = provider.load()
  return {
    blobs_served_connections: load.connections,
    blobs_served_active: load.requests,
    blobs_served_observers: load.observers,
    blobs_served_requests: requests,
    blobs_served_completed: served,
    blobs_served_refused: refused,
    blobs_served_malformed: malformed,
    blobs_served_not_found: notFound,
    blobs_served_failed: failed,
    blobs_served_stopped: stopped,
    blobs_served_bytes: bytes,
  }
}
