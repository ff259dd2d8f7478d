import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Hono } from 'hono'
import { Gauge, Registry } from 'prom-client'
import type { Clock } from '../../base/clock.ts'
import { K2Error } from '../../base/errors.ts'
import { type Lifecycle, LifecycleGroup } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import { cryptoRng } from '../../base/random.ts'
import { encodeEndpointTicket, loadOrCreateKeyFile, newIdentity, ofPeerAddr } from '../../core/index.ts'
import { createVerifier } from '../../core/keys/ed25519.ts'
import { hasRelays, type IrohReach, type K2Endpoint, openEndpoint } from '../../core/net/index.ts'
import { TRACKER_ALPN, TrackerServer, TrackerStore } from '../../core/tracker/index.ts'
import { KEY_FILE } from '../config/paths.ts'
import { acquireDirLock } from '../db/dir-lock.ts'
import { hostAllowed } from '../http/auth.ts'
import { HttpServer } from '../http/server.ts'
import { RowLog } from './row-log.ts'

const SWEEP_MS = 5 * 60_000
const STOP_MS = { drainMs: 2_000, stopMs: 8_000 }
/** Clients come, ask once and go. */
const CONNECTIONS = { maxConnections: 1_000, maxPerPeer: 64, handshakeMs: 5_000 }
const RELAY_WAIT_MS = 10_000

export interface TrackerRunOptions {
  /** Holds its key, which is no user's, and its rows. */
  readonly dir: string
  readonly reach: IrohReach
  readonly bind: string | undefined
  /** Metrics and health; undefined: nowhere. */
  readonly http: { readonly host: string; readonly port: number } | undefined
  readonly log: Logger
  readonly clock: Clock
}

export interface RunningTracker {
  readonly id: string
  readonly ticket: string
  /** Rows known from before. */
  readonly rows: number
  readonly url: string | undefined
  stop(): Promise<void>
}

/** Starts a tracker for K2 topics. Rejects `DB_LOCKED` when one runs on the folder already. */
export async function startTracker(options: TrackerRunOptions, signal: AbortSignal): Promise<RunningTracker> {
  const { dir, reach, bind, log, clock } = options
  const group = new LifecycleGroup({ log, ...STOP_MS })
  const use = async <T extends Lifecycle>(part: T): Promise<T> => {
    await group.start(part, signal)
    return part
  }
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const lock = await acquireDirLock(join(dir, 'tracker.lock'), clock)
    await use({ name: 'lock', stop: () => lock.release() })
    const { identity } = await loadOrCreateKeyFile(join(dir, KEY_FILE), () => newIdentity(cryptoRng))
    const store = new TrackerStore({ verify: createVerifier(), rng: cryptoRng })
    const rows = new RowLog({ path: join(dir, 'announces.log'), store, clock, log })
    const restored = await rows.open()
    await use({ name: 'rows', stop: () => rows.close() })
    const endpoint = await openEndpoint({
      secretKey: identity.seed(),
      ...reach,
      clock,
      log,
      router: CONNECTIONS,
      ...(bind !== undefined && { bind: [bind] }),
    })
    const server = new TrackerServer({
      store,
      log,
      clock,
      seen: (peer) => endpoint.book.dialable(peer, clock.now()),
      onStored: (row) => rows.append(row),
    })
    endpoint.handle(TRACKER_ALPN, (connection) => server.serve(connection))
    await use(endpoint)
    await use(sweeper(store, clock))
    if (hasRelays(reach)) await endpoint.waitForRelay({ signal, deadlineMs: RELAY_WAIT_MS })
    const metrics = (): Promise<string> => metricsText(store, server, rows, endpoint)
    const http =
      options.http &&
      new HttpServer({ app: trackerPages(metrics, endpoint, options.http.host), door: undefined, ...options.http })
    if (http) await use(http)
    return {
      id: identity.id,
      ticket: encodeEndpointTicket(ofPeerAddr(endpoint.shareableAddr())),
      rows: restored.rows,
      url: http?.url,
      stop: () => group.stop(),
    }
  } catch (error) {
    await group.stop()
    throw error
  }
}

function sweeper(store: TrackerStore, clock: Clock): Lifecycle {
  let cancel = (): void => {}
  const later = (): void => {
    cancel = clock.after(SWEEP_MS, () => {
      store.sweep(clock.now())
      later()
    })
  }
  return {
    name: 'sweeper',
    start: async () => later(),
    stop: async () => cancel(),
  }
}

function trackerPages(metrics: () => Promise<string>, endpoint: K2Endpoint, host: string): Hono {
  const app = new Hono()
  app.use(async (c, next) => {
    if (!hostAllowed(c.req.header('host'), host)) {
      throw new K2Error({ code: 'HTTP_BAD_HOST', kind: 'denied', message: 'this server answers only to its own address' })
    }
    await next()
  })
  app.onError((_, c) => c.json({ error: { code: 'HTTP_BAD_HOST' } }, 403))
  app.get('/metrics', async (c) => c.text(await metrics()))
  app.get('/health', (c) => {
    const health = endpoint.health()
    return c.json(health, health.status === 'failed' ? 503 : 200)
  })
  return app
}

async function metricsText(store: TrackerStore, server: TrackerServer, rows: RowLog, endpoint: K2Endpoint): Promise<string> {
  const registry = new Registry()
  const { announces, queries, refused, rowsSent } = server.stats()
  const values = {
    rows: store.size,
    hosts: store.hosts,
    contents: store.contents,
    announces_total: announces,
    queries_total: queries,
    refused_total: refused,
    rows_sent_total: rowsSent,
    connections: endpoint.stats().connections,
    storing_failed: rows.isFailing ? 1 : 0,
  }
  for (const [name, value] of Object.entries(values)) {
    new Gauge({ name: `k2_tracker_${name}`, help: name, registers: [registry] }).set(value)
  }
  return registry.metrics()
}
