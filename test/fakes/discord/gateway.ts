import type { WebSocket } from 'ws'
import type { FaultPlan } from '../faults.ts'
import { GatewayListener } from './gateway-listener.ts'
import { type Frame, GatewaySession, INTENTS, KNOWN_INTENTS, PRIVILEGED } from './gateway-session.ts'
import { presentGuildCreate } from './present.ts'
import type { Violations } from './violations.ts'
import type { Bot, Channel, World } from './world.ts'

export interface GatewayOptions {
  readonly heartbeatMs: number
  /** Shortest time between two IDENTIFYs of one bot. */
  readonly identifyIntervalMs: number
  /** Connections the bots need, as `GET /gateway/bot` says. */
  readonly shards: number
}

interface Connection {
  readonly socket: WebSocket
  session: GatewaySession | undefined
  lastBeat: number
  sent: number
  windowStart: number
  /** Events waiting because of a reorder fault. */
  held: Frame | undefined
  /** Dead without knowing: no ACKs, no events. */
  zombie: boolean
  cancelBeatCheck: () => void
}

export interface GatewayStats {
  connections: number
  identifies: number
  resumes: number
  resumed: number
  invalidSessions: number
  heartbeats: number
  dispatched: number
}

/** Why a connection is closed; `why` only when the client did something wrong. */
interface Refusal {
  readonly code: number
  readonly why?: string
}

const MAX_CLIENT_PAYLOAD = 4096
const MAX_SENDS_PER_MINUTE = 120
/** On top of one and a half intervals: a busy machine is no client's fault. */
const BEAT_GRACE_MS = 5_000

/** The gateway half of the fake: sessions, heartbeats, resume, and everything that can go wrong with them (bridging 21.3). */
export class FakeGateway {
  readonly stats: GatewayStats = {
    connections: 0,
    identifies: 0,
    resumes: 0,
    resumed: 0,
    invalidSessions: 0,
    heartbeats: 0,
    dispatched: 0,
  }
  readonly #world: World
  readonly #violations: Violations
  readonly #faults: FaultPlan
  readonly #options: GatewayOptions
  readonly #connections = new Set<Connection>()
  readonly #sessions = new Map<string, GatewaySession>()
  readonly #lastIdentify = new Map<string, number>()
  readonly listener: GatewayListener
  /** Called after a session began or was resumed. */
  onSession: () => void = () => {}

  constructor(world: World, violations: Violations, faults: FaultPlan, options: GatewayOptions) {
    this.#world = world
    this.#violations = violations
    this.#faults = faults
    this.#options = options
    this.listener = new GatewayListener(world.clock, (socket, url) => this.#accept(socket, url))
  }

  /** TCP reset of every connection. */
  reset(): void {
    this.listener.resetAll()
    for (const connection of this.#connections) connection.socket.terminate()
  }

  async close(): Promise<void> {
    for (const connection of this.#connections) connection.socket.terminate()
    await this.listener.close()
  }

  /** Withholds heartbeat ACKs and events from the connections there are, while their sessions go on numbering them. */
  set zombie(on: boolean) {
    for (const connection of this.#connections) connection.zombie = on
  }

  closeAll(code: number): void {
    // With these the sessions are over, too.
    if (code === 4007 || code === 4009) this.#sessions.clear()
    for (const { socket } of this.#connections) socket.close(code)
  }

  /** Op 7. */
  askReconnect(): void {
    for (const connection of this.#connections) this.#send(connection, { op: 7, d: null })
  }

  /** Op 9. With `resumable` the session stays valid. */
  invalidate(resumable: boolean): void {
    for (const connection of this.#connections) {
      this.stats.invalidSessions++
      if (!resumable && connection.session) this.#sessions.delete(connection.session.id)
      connection.session = undefined
      this.#send(connection, { op: 9, d: resumable })
    }
  }

  /** The server forgets sessions, or only their replay buffers: the next RESUME is refused. */
  forget(what: 'sessions' | 'buffers'): void {
    if (what === 'sessions') this.#sessions.clear()
    else for (const session of this.#sessions.values()) session.truncate()
  }

  disconnectBot(botId: string, code: number): void {
    for (const connection of this.#connections) if (connection.session?.botId === botId) connection.socket.close(code)
  }

  get shards(): number {
    return this.#options.shards
  }

  get connected(): number {
    return [...this.#connections].filter((c) => c.session !== undefined).length
  }

  /** Sends an event to every session that may see it. `channel` decides visibility, `only` limits it to one bot. */
  dispatch(
    event: string,
    data: Readonly<Record<string, unknown>>,
    where: { channel?: Channel; guildId?: string; only?: string } = {},
  ): void {
    const guildId = where.channel?.guildId ?? where.guildId
    let full: string | undefined
    for (const session of this.#sessions.values()) {
      const bot = this.#world.bots.get(session.botId)
      if (bot === undefined || (where.only !== undefined && where.only !== session.botId)) continue
      if (!session.covers(guildId)) continue
      if (!session.wants(event, guildId !== undefined) || !this.#sees(bot, where.channel, guildId)) continue
      const shown = blanked(event, data, session, bot)
      if (shown === data) full ??= JSON.stringify(data)
      this.#deliver(session, event, shown === data ? (full as string) : JSON.stringify(shown))
    }
  }

  #sees(bot: Bot, channel: Channel | undefined, guildId: string | undefined): boolean {
    if (channel !== undefined) return this.#world.may(bot, channel, 'VIEW_CHANNEL')
    return guildId === undefined || this.#world.guilds.get(guildId)?.members.has(bot.user.id) === true
  }

  #deliver(session: GatewaySession, event: string, json: string): void {
    const effects = this.#faults.empty ? [] : this.#faults.take({ on: 'event', route: event })
    const frame = session.frame(event, json)
    const late = effects.find((e) => e.kind === 'delay-event')
    if (late?.kind === 'delay-event') {
      this.#world.clock.after(late.ms, () => this.#emit(session, frame))
      return
    }
    if (effects.some((e) => e.kind === 'drop-event')) return
    if (effects.some((e) => e.kind === 'reorder-event')) {
      const connection = this.#connectionOf(session)
      if (connection !== undefined && connection.held === undefined) {
        connection.held = frame
        return
      }
    }
    this.#emit(session, frame)
    if (effects.some((e) => e.kind === 'duplicate-event')) this.#emit(session, session.frame(event, json))
  }

  #emit(session: GatewaySession, frame: Frame): void {
    const connection = this.#connectionOf(session)
    if (connection === undefined || connection.zombie) return
    this.stats.dispatched++
    connection.socket.send(frame.text)
    const held = connection.held
    if (held !== undefined) {
      connection.held = undefined
      connection.socket.send(held.text)
    }
  }

  #connectionOf(session: GatewaySession): Connection | undefined {
    for (const connection of this.#connections)
      if (connection.session === session && connection.socket.readyState === 1) return connection
    return undefined
  }

  #accept(socket: WebSocket, url: string): void {
    this.stats.connections++
    const query = new URL(url, 'http://localhost').searchParams
    const now = this.#world.clock.now()
    const connection: Connection = {
      socket,
      session: undefined,
      lastBeat: now,
      sent: 0,
      windowStart: now,
      held: undefined,
      zombie: false,
      cancelBeatCheck: () => {},
    }
    this.#connections.add(connection)
    socket.on('error', () => socket.terminate())
    socket.on('close', () => {
      connection.cancelBeatCheck()
      this.#connections.delete(connection)
    })
    if (query.get('v') !== '10' || query.get('encoding') !== 'json') {
      socket.close(4012)
      return
    }
    socket.on('message', (data) => {
      const refusal = this.#receive(connection, data.toString())
      if (refusal === undefined) return
      if (refusal.why !== undefined) this.#violations.add('gateway', `${refusal.why} (close ${refusal.code})`)
      socket.close(refusal.code)
    })
    this.#send(connection, { op: 10, d: { heartbeat_interval: this.#options.heartbeatMs, _trace: [] } })
    this.#checkBeats(connection)
  }

  #checkBeats(connection: Connection): void {
    const limit = this.#options.heartbeatMs * 1.5 + BEAT_GRACE_MS
    connection.cancelBeatCheck = this.#world.clock.after(limit, () => {
      if (this.#world.clock.now() - connection.lastBeat < limit) return this.#checkBeats(connection)
      this.#violations.add('gateway', 'no heartbeat in time')
      connection.socket.close(4009)
    })
  }

  #send(connection: Connection, payload: object): void {
    if (connection.socket.readyState === 1) connection.socket.send(JSON.stringify({ s: null, t: null, ...payload }))
  }

  #receive(connection: Connection, text: string): Refusal | undefined {
    const now = this.#world.clock.now()
    if (now - connection.windowStart > 60_000) Object.assign(connection, { windowStart: now, sent: 0 })
    if (++connection.sent > MAX_SENDS_PER_MINUTE) return { code: 4008, why: 'more than 120 payloads in a minute' }
    if (Buffer.byteLength(text) > MAX_CLIENT_PAYLOAD) return { code: 4002, why: 'payload over 4096 bytes' }
    const payload = parsePayload(text)
    if (payload === undefined) return { code: 4002, why: 'payload is not JSON' }
    switch (payload.op) {
      case 1:
        connection.lastBeat = now
        this.stats.heartbeats++
        if (!connection.zombie) this.#send(connection, { op: 11 })
        return undefined
      case 2:
        return this.#identify(connection, payload.d)
      case 6:
        return this.#resume(connection, payload.d)
      case 3:
      case 4:
        return undefined
      case 8:
        this.#sendMembers(connection, payload.d)
        return undefined
      default:
        return { code: 4001, why: `unknown opcode ${String(payload.op)}` }
    }
  }

  #identify(connection: Connection, d: { token?: string; intents?: number; shard?: [number, number] }): Refusal | undefined {
    this.stats.identifies++
    if (connection.session) return { code: 4005, why: 'identified twice' }
    const bot = this.#world.botByToken((d.token ?? '').replace(/^Bot /, ''))
    if (bot === undefined) return { code: 4004 }
    const intents = d.intents ?? 0
    const shard = d.shard ?? [0, 1]
    if (shard[0] >= shard[1]) return { code: 4010 }
    if (shard[1] < this.#options.shards) return { code: 4011 }
    if ((intents & ~KNOWN_INTENTS) !== 0) return { code: 4013, why: 'unknown intent bits' }
    if ((intents & PRIVILEGED & ~bot.privileged) !== 0) return { code: 4014 }
    const now = this.#world.clock.now()
    if (now - (this.#lastIdentify.get(bot.user.id) ?? 0) < this.#options.identifyIntervalMs) {
      this.#violations.add('gateway', 'identified faster than max_concurrency allows')
      this.#send(connection, { op: 9, d: false })
      return undefined
    }
    this.#lastIdentify.set(bot.user.id, now)
    const session = new GatewaySession(this.#world.secret(32), bot.user.id, intents, shard)
    this.#sessions.set(session.id, session)
    connection.session = session
    const guilds = [...this.#world.guilds.values()].filter((g) => g.members.has(bot.user.id) && session.covers(g.id))
    this.#toSession(session, 'READY', {
      v: 10,
      user: bot.user,
      guilds: guilds.map((g) => ({ id: g.id, unavailable: true })),
      session_id: session.id,
      resume_gateway_url: `${this.listener.url}/resume`,
      shard,
      application: { id: bot.user.id, flags: 0 },
      session_type: 'normal',
    })
    this.onSession()
    if ((intents & INTENTS.GUILDS) === 0) return undefined
    for (const guild of guilds) this.#toSession(session, 'GUILD_CREATE', presentGuildCreate(this.#world, guild, bot))
    return undefined
  }

  #resume(connection: Connection, d: { token?: string; session_id?: string; seq?: number }): Refusal | undefined {
    this.stats.resumes++
    const bot = this.#world.botByToken((d.token ?? '').replace(/^Bot /, ''))
    if (bot === undefined) return { code: 4004 }
    const session = this.#sessions.get(d.session_id ?? '')
    const frames = session?.after(d.seq ?? 0)
    if (session === undefined || frames === undefined || session.botId !== bot.user.id) {
      this.stats.invalidSessions++
      this.#send(connection, { op: 9, d: false })
      return undefined
    }
    if ((d.seq ?? 0) > session.seq) {
      this.#sessions.delete(session.id)
      return { code: 4007 }
    }
    for (const other of this.#connections) if (other !== connection && other.session === session) other.socket.terminate()
    connection.session = session
    this.stats.resumed++
    for (const frame of frames) connection.socket.send(frame.text)
    this.#toSession(session, 'RESUMED', { _trace: [] })
    this.onSession()
    return undefined
  }

  #toSession(session: GatewaySession, event: string, data: object): void {
    this.#emit(session, session.frame(event, JSON.stringify(data)))
  }

  #sendMembers(connection: Connection, d: { guild_id?: string; nonce?: string }): void {
    const guild = this.#world.guilds.get(d.guild_id ?? '')
    if (guild === undefined || connection.session === undefined) return
    this.#toSession(connection.session, 'GUILD_MEMBERS_CHUNK', {
      guild_id: guild.id,
      members: [...guild.members.values()].map((m) => ({
        user: m.user,
        nick: m.nick,
        roles: m.roles,
        joined_at: null,
        deaf: false,
        mute: false,
      })),
      chunk_index: 0,
      chunk_count: 1,
      ...(d.nonce !== undefined && { nonce: d.nonce }),
    })
  }
}

function parsePayload(text: string): { op?: unknown; d: Record<string, never> } | undefined {
  try {
    const payload: unknown = JSON.parse(text)
    return typeof payload === 'object' && payload !== null ? { d: {}, ...payload } : undefined
  } catch {
    // The caller answers with the close code for undecodable payloads.
    return undefined
  }
}

/** Without the content intent other people's words in guilds arrive empty. */
function blanked(
  event: string,
  data: Readonly<Record<string, unknown>>,
  session: GatewaySession,
  bot: Bot,
): Readonly<Record<string, unknown>> {
  if (event !== 'MESSAGE_CREATE' && event !== 'MESSAGE_UPDATE') return data
  if ((session.intents & INTENTS.MESSAGE_CONTENT) !== 0 || data.guild_id === undefined) return data
  const mentions = (data.mentions as { id: string }[] | undefined) ?? []
  const author = data.author as { id: string } | undefined
  if (author?.id === bot.user.id || data.application_id === bot.user.id || mentions.some((m) => m.id === bot.user.id)) return data
  const { poll: _poll, ...rest } = data
  return { ...rest, content: '', embeds: [], attachments: [], components: [] }
}
