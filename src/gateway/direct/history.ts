import type { Clock } from '../../base/clock.ts'
import type { Lifecycle } from '../../base/lifecycle.ts'
import type { Logger } from '../../base/logger.ts'
import type { PeerText } from '../../bridges/p2p/port.ts'
import type { PgPool } from '../db/pool.ts'
import { num, run, statement } from '../db/sql/statement.ts'
import type { NodePeerPort } from '../peers/index.ts'
import { storable } from '../pipeline/json.ts'

/** Lines kept of one conversation, and of all. */
const KEPT_OF_PEER = 1_000
const KEPT = 100_000
/** Lines that wait to be written down; further ones are read by whom they reach, and missing here. */
const WAITING = 1_000
/** The oldest are removed after this many new ones. */
const TRIM_EVERY = 200

const ADD = statement(
  'direct_line_add',
  `insert into k2.direct_line (peer, id, way, person, name, text, verified, at)
   values ($1, $2, $3,
     coalesce($4, case when $3 = 'in' then
       (select person from k2.direct_line where peer = $1 and way = 'out' order by seq desc limit 1) end),
     $5, $6, $7, $8)
   on conflict do nothing`,
)
const LIST = statement(
  'direct_line_list',
  `select seq, id, way, name, text, verified, at from k2.direct_line
   where peer = $1 and ($2::text[] is null or person = any($2::text[])) and ($3::bigint is null or seq < $3)
   order by seq desc limit $4`,
)
const TRIM = statement(
  'direct_line_trim',
  `delete from k2.direct_line where at < $1 or seq in (
     select seq from (
       select seq, row_number() over (partition by peer order by seq desc) as of_peer, row_number() over (order by seq desc) as nth
       from k2.direct_line) counted
     where of_peer > $2 or nth > $3)`,
)

interface Row {
  readonly seq: string
  readonly id: string
  readonly way: string
  readonly name: string
  readonly text: string
  readonly verified: boolean
  readonly at: string
}

/** A line of a conversation with another node. */
export interface DirectLine {
  /** Grows with every line; what `before` of a list means. */
  readonly seq: number
  readonly id: string
  /** `in`: the other node said it. */
  readonly way: 'in' | 'out'
  readonly name: string
  readonly text: string
  /** False: nobody proved that the named sender wrote it. */
  readonly verified: boolean
  /** ms since the epoch: when its sender says, or when it was sent. */
  readonly at: number
}

export interface DirectListing {
  /** Only what these accounts wrote, or what answered them; undefined: everything. */
  readonly persons?: readonly string[]
  readonly before?: number
  readonly limit: number
}

export interface DirectHistoryOptions {
  readonly pool: PgPool
  readonly port: Pick<NodePeerPort, 'observe' | 'onDirectSent'>
  readonly keepMs: number
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Direct messages from and to other nodes, to be read again (k2-application 4.2, row 13). An answer counts as meant for whoever wrote to
 * that node last. A copy for reading: deliveries do not depend on it.
 */
export class DirectHistory implements Lifecycle {
  readonly name = 'direct-history'
  readonly #o: DirectHistoryOptions
  #unsubscribe = (): void => {}
  #writing: Promise<void> = Promise.resolve()
  #waiting = 0
  #added = 0

  constructor(options: DirectHistoryOptions) {
    this.#o = options
  }

  async start(): Promise<void> {
    const { port, clock } = this.#o
    await this.#trim()
    port.onDirectSent = (peer, id, { text, senderName, author }: PeerText) =>
      this.#add([peer, id, 'out', author ?? null, senderName, text, true, clock.now()])
    this.#unsubscribe = port.observe(async (update) => {
      if (update.kind !== 'chat' || update.message.topic !== undefined) return
      const { peerId, messageId, forPerson, senderName = '', text, senderClass, sentAt } = update.message
      this.#add([peerId, messageId, 'in', forPerson ?? null, senderName, text, senderClass === 'verified', Math.trunc(sentAt)])
    })
  }

  async drain(): Promise<void> {
    this.#unsubscribe()
    this.#o.port.onDirectSent = () => {}
    await this.#writing
  }

  async stop(): Promise<void> {
    await this.drain()
  }

  /** The newest first. */
  async list(peer: string, { persons, before, limit }: DirectListing): Promise<DirectLine[]> {
    await this.#writing
    const rows = await run<Row>(this.#o.pool, LIST, [peer, persons ?? null, before ?? null, limit])
    return rows.map(({ seq, way, at, ...row }) => ({
      ...row,
      seq: num(seq),
      way: way === 'in' ? ('in' as const) : ('out' as const),
      at: num(at),
    }))
  }

  #add(values: readonly (string | number | boolean | null)[]): void {
    const { pool, log } = this.#o
    if (this.#waiting >= WAITING) {
      log.warn({ ev: 'direct-line-skipped' }, 'a direct message is not kept for reading')
      return
    }
    this.#waiting++
    this.#writing = this.#writing
      .then(async () => {
        await run(
          pool,
          ADD,
          values.map((value) => (typeof value === 'string' ? storable(value) : value)),
        )
        if (++this.#added % TRIM_EVERY === 0) await this.#trim()
      })
      .catch((err) => log.warn({ ev: 'direct-line-lost', err }, 'a direct message could not be kept for reading'))
      .finally(() => {
        this.#waiting--
      })
  }

  async #trim(): Promise<void> {
    await run(this.#o.pool, TRIM, [this.#o.clock.now() - this.#o.keepMs, KEPT_OF_PEER, KEPT])
  }
}
