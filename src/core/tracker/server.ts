import { withDeadline } from '../../base/async.ts'
import { BoundedMap } from '../../base/bounded-map.ts'
import { type Clock, systemClock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { TokenBucket } from '../../base/token-bucket.ts'
import type { PeerId } from '../ids.ts'
import { acceptOne, closedWithin, readToEnd } from '../k2/one-shot.ts'
import { type EndpointAddr, endpointAddr } from '../keys/address.ts'
import { type AddrScope, type BiStream, type Connection, type PeerAddr, readAddr } from '../net/index.ts'
import { trackerError } from './errors.ts'
import { decodeTrackerRequest, encodeTrackerResponse, MAX_TRACKER_BYTES, type SignedAnnounce } from './messages.ts'
import type { TrackerStore } from './tracker-store.ts'

/** From the connection to the whole request. */
const REQUEST_MS = 5_000
const ANSWER_MS = 10_000
/** How long a client may keep the connection after its answer. */
const LINGER_MS = 10_000
/** Requests of one peer. */
const RATE = { perSecond: 5, burst: 100 }
const RATED_PEERS = 10_000
/** Addresses told of one host. */
const MAX_SEEN_ADDRS = 4
/** Close codes; clients only see that it is not 0. */
const CODE_REFUSED = 1n

export interface TrackerServerOptions {
  readonly store: TrackerStore
  readonly log: Logger
  readonly clock?: Clock
  /** Where a peer is, or was lately, connected from. Told to those who ask for it, as far as they can use it. */
  readonly seen?: (peer: PeerId) => PeerAddr | undefined
  /** A new or newer row, to be written down. */
  readonly onStored?: (row: SignedAnnounce) => void
}

export interface TrackerServerStats {
  readonly announces: number
  readonly queries: number
  readonly refused: number
  readonly rowsSent: number
}

/** Answers `n0/tracker/1` (discovery 9): one request per connection. */
export class TrackerServer {
  readonly #options: TrackerServerOptions
  readonly #clock: Clock
  readonly #buckets = new BoundedMap<PeerId, TokenBucket>({ max: RATED_PEERS })
  readonly #counts = { announces: 0, queries: 0, refused: 0, rowsSent: 0 }

  constructor(options: TrackerServerOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  stats(): TrackerServerStats {
    return { ...this.#counts }
  }

  /** Never rejects: a stranger's mistakes end with its connection. */
  async serve(connection: Connection): Promise<void> {
    connection.setMaxStreams({ uni: 0, bi: 1 })
    try {
      const stream = await acceptOne(connection, REQUEST_MS)
      if (stream === undefined) return connection.close(0n, '')
      await this.#answer(connection.peer, stream)
      await closedWithin(connection, LINGER_MS, this.#clock)
      connection.close(0n, '')
    } catch (error) {
      this.#counts.refused++
      const fields = { ev: 'tracker-refused', peer: connection.peer, code: errorCode(error) }
      this.#options.log.debug(fields, 'a request to the tracker was refused')
      connection.close(CODE_REFUSED, 'refused')
    }
  }

  async #answer(peer: PeerId, stream: BiStream): Promise<void> {
    const { store, onStored } = this.#options
    const { send } = stream
    this.#pace(peer)
    const request = decodeTrackerRequest(await this.#request(stream))
    const now = this.#clock.now()
    if (request.type === 'announce') {
      // Whoever brings it: the announcement proves itself.
      if (store.announce(request.announce, now)) onStored?.(request.announce)
      this.#counts.announces++
    } else {
      const rows = store.query(request.query, now)
      const answer = encodeTrackerResponse(rows, this.#seenBy(peer, rows))
      await send.write(answer, { deadlineMs: ANSWER_MS })
      this.#counts.queries++
      this.#counts.rowsSent += rows.length
    }
    await send.finish()
  }

  /** Where the hosts were seen, in networks the asker is in as well: addresses of one network stay in it. */
  #seenBy(asker: PeerId, rows: readonly SignedAnnounce[]): EndpointAddr[] {
    const { seen } = this.#options
    if (seen === undefined) return []
    const reach = new Set<AddrScope | undefined>(['global', ...(seen(asker)?.direct ?? []).map((addr) => readAddr(addr)?.scope)])
    return [...new Set(rows.map(({ host }) => host))].flatMap((host) => {
      const direct = (seen(host)?.direct ?? []).filter((addr) => reach.has(readAddr(addr)?.scope))
      return direct.length === 0 ? [] : [endpointAddr(host, [], direct.slice(0, MAX_SEEN_ADDRS))]
    })
  }

  /** In one time for all of it: a byte now and then must not hold a connection. */
  #request(stream: BiStream): Promise<Uint8Array> {
    const whole = readToEnd(stream, MAX_TRACKER_BYTES, { deadlineMs: REQUEST_MS })
    return withDeadline(whole, { ms: REQUEST_MS, what: 'a request to the tracker', clock: this.#clock })
  }

  #pace(peer: PeerId): void {
    const now = this.#clock.now()
    const bucket = this.#buckets.get(peer, now) ?? new TokenBucket(RATE.perSecond, RATE.burst, now)
    this.#buckets.set(peer, bucket, now)
    if (!bucket.take(now)) throw trackerError('TRACKER_RATE_LIMITED', 'one peer asks too often')
  }
}
