import type { PeerId } from '../ids.ts'
import { readToEnd } from '../k2/one-shot.ts'
import type { BiStream, Connection, K2Endpoint } from '../net/index.ts'
import {
  decodeTrackerResponse,
  encodeTrackerRequest,
  type SignedAnnounce,
  TRACKER_ALPN,
  type TrackerAnswer,
  type TrackerQuery,
  type TrackerRequest,
} from './messages.ts'

/** Longest wait for a connection to a tracker, and for one answer. */
const DIAL_MS = 8_000
const ANSWER_MS = 8_000
/** Rust clients stop at 16 KiB and find nobody on a busy topic; we read on. */
const MAX_ANSWER_BYTES = 256 * 1024

/** Asks one tracker at a time: one connection and one stream per request, closed by us (discovery 6.1). */
export class TrackerClient {
  readonly #endpoint: Pick<K2Endpoint, 'dial'>

  constructor(endpoint: Pick<K2Endpoint, 'dial'>) {
    this.#endpoint = endpoint
  }

  /** Resolves when the tracker took it. Rejects `NET_*` or `K2_TOO_LARGE`. */
  async announce(tracker: PeerId, announce: SignedAnnounce, signal?: AbortSignal): Promise<void> {
    await this.#ask(tracker, { type: 'announce', announce }, signal)
  }

  /** The rows as the tracker has them, and where it saw some hosts: unchecked claims. Rejects `NET_*`, `WIRE_*` or `K2_TOO_LARGE`. */
  async query(tracker: PeerId, query: TrackerQuery, signal?: AbortSignal): Promise<TrackerAnswer> {
    return decodeTrackerResponse(await this.#ask(tracker, { type: 'query', query }, signal))
  }

  async #ask(tracker: PeerId, request: TrackerRequest, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const connection = await this.#endpoint.dial(tracker, TRACKER_ALPN, { deadlineMs: DIAL_MS, exclusive: true, signal })
    try {
      return await exchange(connection, encodeTrackerRequest(request), signal)
    } finally {
      connection.close(0n, '')
    }
  }
}

async function exchange(connection: Connection, request: Uint8Array, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const limits = { deadlineMs: ANSWER_MS, signal }
  const stream: BiStream = await connection.openBi(limits)
  await stream.send.write(request, limits)
  await stream.send.finish()
  return await readToEnd(stream, MAX_ANSWER_BYTES, limits)
}
