import { sharedAbort } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage, isK2Error } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { InteractiveBridge, Notice, NoticeTarget } from '../../bridges/interaction.ts'
import type { NativeRef } from '../../bridges/model/place.ts'
import type { Bridge } from '../../bridges/port.ts'
import { isInteractive } from '../commands/notifier.ts'
import type { PgPool } from '../db/pool.ts'
import { run, statement } from '../db/sql/statement.ts'
import type { Counters } from '../pipeline/stats.ts'
import type { NoticeRow, RuleJob } from './model.ts'

const BATCH = 50
const POLL_MS = 5_000
const MAX_ATTEMPTS = 10
const FIRST_RETRY_MS = 2_000
const MAX_RETRY_MS = 600_000
const POST_TIMEOUT_MS = 20_000
/** Later it is no news any more. */
const MAX_AGE_MS = 86_400_000

const DUE = statement(
  'market_due_notices',
  `select id, kind, target, notice, intent_id, attempts, created_at from k2.market_notice
   where state = 'waiting' and due_at <= $1::bigint and (target #>> '{via,network}') || '/' || (target #>> '{via,account}') = any($2::text[])
   order by due_at, id limit $3::int`,
)
/** The same where several gateways speak by the same accounts: who takes a notice has it to itself for a while. */
const CLAIM = statement(
  'market_claim_notices',
  `with due as (
     select id, due_at as was from k2.market_notice
     where state = 'waiting' and due_at <= $1::bigint and (target #>> '{via,network}') || '/' || (target #>> '{via,account}') = any($2::text[])
     order by due_at, id limit $3::int for update skip locked)
   update k2.market_notice n set due_at = $4::bigint from due where n.id = due.id
   returning n.id, n.kind, n.target, n.notice, n.intent_id, n.attempts, n.created_at, due.was`,
)
/** Longer than all targets of a notice take. */
const CLAIM_MS = 120_000
/** Taken at once there: what is not said in time is taken again. */
const CLAIM_BATCH = 5
const SENT = statement(
  'market_notice_sent',
  `update k2.market_notice set state = 'sent', ref = $2::jsonb, sent_at = $3::bigint, attempts = attempts + 1, error = null where id = $1`,
)
const LATER = statement(
  'market_notice_later',
  `update k2.market_notice set attempts = attempts + 1, due_at = $2::bigint, error = $3, state = $4 where id = $1 and state = 'waiting'`,
)
const SHOWN = statement(
  'market_shown_notices',
  `select notice, ref from k2.market_notice
   where intent_id = any($1::text[]) and state = 'sent' and ref is not null and kind in ('ask', 'question', 'alert') limit $2::int`,
)

/** A row as it is handed to what is no bridge. */
export interface OutgoingRow extends Row {}

interface Row {
  readonly id: string
  readonly kind: string
  readonly target: {
    readonly via: { readonly network: string; readonly account: string }
    readonly to: readonly NoticeTarget[]
    readonly author?: NoticeRow['author']
    readonly job?: RuleJob
    readonly inPublic?: Notice
  }
  readonly notice: Notice
  readonly intent_id: string | null
  readonly attempts: number
  readonly created_at: string
}

export interface NoticeSenderOptions {
  readonly pool: PgPool
  readonly bridges: () => readonly Bridge[]
  readonly clock: Clock
  readonly log: Logger
  readonly counters: Counters
  /** Several gateways work on the database. */
  readonly shared?: boolean
  /** Ways out that are no bridges of people, by `network/account`: K2, and the job queues. */
  readonly ways?: ReadonlyMap<string, (row: OutgoingRow) => Promise<void>>
}

/** Says what waits in the table of notices: at least once, in order of time per account, with retries. */
export class NoticeSender {
  readonly #options: NoticeSenderOptions
  readonly #abort = sharedAbort()
  #loop: Promise<void> | undefined
  #again = false
  #cancel = (): void => {}

  constructor(options: NoticeSenderOptions) {
    this.#options = options
  }

  /** Something new waits, or a bridge is back. */
  wake(): void {
    if (this.#abort.signal.aborted) return
    this.#again = true
    this.#loop ??= this.#run()
  }

  async settled(): Promise<void> {
    this.wake()
    while (this.#loop !== undefined) await this.#loop
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    this.#cancel()
    await this.#loop
  }

  /** Marks what people were shown of intents that ended, where the platform allows it. Never rejects. */
  async markEnded(intentIds: readonly string[]): Promise<void> {
    const { pool, log } = this.#options
    try {
      const rows = await run<{ notice: Notice; ref: NativeRef }>(pool, SHOWN, [intentIds, BATCH])
      for (const { notice, ref } of rows) {
        const bridge = this.#bridgeOf(ref)
        if (bridge === undefined) continue
        const { actions: _, ...bare } = notice
        const text = `☑️ No longer open\n${notice.rich.text}`
        const shown: Notice = { ...bare, rich: { text, spans: [] } }
        await bridge.repost(ref, shown, AbortSignal.any([this.#abort.signal, AbortSignal.timeout(POST_TIMEOUT_MS)]))
      }
    } catch (error) {
      log.debug({ ev: 'notice-not-marked', code: errorCode(error) }, 'a notice could not be marked as closed')
    }
  }

  #bridgeOf({
    network,
    account,
  }: {
    readonly network: string
    readonly account: string
  }): (Bridge & InteractiveBridge) | undefined {
    const bridge = this.#options.bridges().find((b) => b.network === network && b.account === account)
    return bridge !== undefined && isInteractive(bridge) ? bridge : undefined
  }

  async #run(): Promise<void> {
    this.#cancel()
    try {
      while (this.#again && !this.#abort.signal.aborted) {
        this.#again = false
        if (await this.#sendDue()) this.#again = true
      }
    } catch (error) {
      this.#options.log.warn({ ev: 'notices-waiting', code: errorCode(error) }, 'notices wait for the database')
    }
    this.#loop = undefined
    if (!this.#abort.signal.aborted) this.#cancel = this.#options.clock.after(POLL_MS, () => this.wake())
  }

  /** One batch; true when there may be more. Accounts do not wait for each other. */
  async #sendDue(): Promise<boolean> {
    const accounts = this.#options
      .bridges()
      .filter(isInteractive)
      .map((b) => `${b.network}/${b.account}`)
    if (this.#options.ways !== undefined) accounts.push(...this.#options.ways.keys())
    if (accounts.length === 0) return false
    const rows = await this.#due(accounts)
    const lanes = new Map<string, Row[]>()
    for (const row of rows) {
      const lane = `${row.target.via.network}/${row.target.via.account}`
      lanes.set(lane, [...(lanes.get(lane) ?? []), row])
    }
    await Promise.all(
      [...lanes.values()].map(async (list) => {
        for (const row of list) await this.#send(row)
      }),
    )
    return rows.length === (this.#options.shared === true ? CLAIM_BATCH : BATCH)
  }

  async #due(accounts: readonly string[]): Promise<Row[]> {
    const { pool, clock, shared } = this.#options
    const now = clock.now()
    if (shared !== true) return run<Row>(pool, DUE, [now, accounts, BATCH])
    const rows = await run<Row & { was: string }>(pool, CLAIM, [now, accounts, CLAIM_BATCH, now + CLAIM_MS])
    return rows.sort((a, b) => Number(a.was) - Number(b.was) || (a.id < b.id ? -1 : 1))
  }

  async #send(row: Row): Promise<void> {
    if (this.#abort.signal.aborted) return
    const { pool, clock, counters } = this.#options
    const { network, account } = row.target.via
    const way = this.#options.ways?.get(`${network}/${account}`)
    if (way !== undefined) return this.#hand(row, way)
    const bridge = this.#bridgeOf(row.target.via)
    if (bridge === undefined) return this.#later(row, 'the account cannot post', false)
    let problem = 'there is nowhere to say it'
    for (const target of row.target.to) {
      try {
        const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(POST_TIMEOUT_MS)])
        const shown = target.kind === 'place' ? (row.target.inPublic ?? row.notice) : row.notice
        const ref = await bridge.post(target, shown, signal)
        await run(pool, SENT, [row.id, JSON.stringify(ref), clock.now()])
        counters.add('notices_total', { kind: row.kind, network: bridge.network, outcome: 'sent' })
        const seconds = Math.max(0, clock.now() - Number(row.created_at)) / 1000
        counters.observe('notice_seconds', { kind: row.kind }, seconds)
        return
      } catch (error) {
        problem = errorMessage(error).slice(0, 500)
        // Somebody who cannot be written to directly is told where they wrote.
        if (!isK2Error(error) || (error.kind !== 'denied' && error.kind !== 'input')) return this.#later(row, problem, true)
      }
    }
    return this.#later(row, problem, false)
  }

  /** Gives a row to what keeps it from now on. */
  async #hand(row: Row, way: (row: OutgoingRow) => Promise<void>): Promise<void> {
    const { pool, clock, counters } = this.#options
    try {
      await way(row)
    } catch (error) {
      return this.#later(row, errorMessage(error).slice(0, 500), !isK2Error(error) || error.kind !== 'input')
    }
    await run(pool, SENT, [row.id, null, clock.now()])
    counters.add('notices_total', { kind: row.kind, network: row.target.via.network, outcome: 'sent' })
  }

  async #later(row: Row, problem: string, retry: boolean): Promise<void> {
    if (this.#abort.signal.aborted) return
    const { pool, clock, counters, log } = this.#options
    const now = clock.now()
    const lost = !retry || row.attempts + 1 >= MAX_ATTEMPTS || now - Number(row.created_at) > MAX_AGE_MS
    const wait = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** row.attempts)
    await run(pool, LATER, [row.id, now + wait, problem, lost ? 'failed' : 'waiting'])
    if (!lost) return
    counters.add('notices_total', { kind: row.kind, network: row.target.via.network, outcome: 'failed' })
    log.warn({ ev: 'notice-failed', kind: row.kind, reason: problem }, 'somebody could not be told')
  }
}
