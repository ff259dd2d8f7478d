import type { Envelope } from '../../bridges/model/message.ts'
import { type Place, placeKey } from '../../bridges/model/place.ts'
import type { PgPool } from '../db/pool.ts'
import { num, run, statement } from '../db/sql/statement.ts'
import type { DirectConversation, DirectRequest } from './model.ts'

const OPEN = statement(
  'direct_open',
  `select id, kind, person_key, person_name, person, other, other_name, opened_at, active_at
   from k2.direct where closed_at is null order by opened_at, id`,
)
const ADD = statement(
  'direct_add',
  `insert into k2.direct (id, kind, person_key, person_name, person, person_at, other, other_at, other_name, opened_at, active_at)
   values ($1, $2, $3, $4, $5::jsonb, $6, $7::jsonb, $8, $9, $10, $10) on conflict do nothing returning id`,
)
const CLOSE = statement(
  'direct_close',
  'update k2.direct set closed_at = $2, closed_by = $3 where id = $1 and closed_at is null returning id',
)
const ACTIVE = statement('direct_active', 'update k2.direct set active_at = greatest(active_at, $2) where id = $1')
const ASK = statement(
  'direct_ask',
  `insert into k2.direct_request (code, person_key, person_name, person, contact, asked_at, expires_at)
   values ($1, $2, $3, $4::jsonb, $5, $6, $7)`,
)
const ASKED = statement(
  'direct_asked',
  'select code, person_key, person_name, person, contact, tries, expires_at from k2.direct_request order by asked_at, code',
)
const TRIED = statement('direct_tried', 'update k2.direct_request set tries = tries + 1 where contact = $1')
const ANSWERED = statement('direct_answered', 'delete from k2.direct_request where code = $1 returning code')
const FORGET = statement('direct_forget', 'delete from k2.direct_request where expires_at <= $1 or tries >= $2')
const BLOCK = statement(
  'direct_block',
  'insert into k2.direct_block (who, blocked, at) values ($1, $2, $3) on conflict do nothing',
)
const UNBLOCK = statement('direct_unblock', 'delete from k2.direct_block where who = $1 and blocked = $2 returning who')
const BLOCKED = statement('direct_blocked', 'select who, blocked from k2.direct_block')
const WAIT = statement(
  'direct_wait',
  `insert into k2.direct_waiting (event_id, person_at, account, envelope, at) values ($1, $2, $3, $4::jsonb, $5)
   on conflict (event_id) do nothing`,
)
const WAITING = statement(
  'direct_waiting',
  'select seq, account, envelope from k2.direct_waiting where person_at = $1 order by seq limit $2',
)
const PLACES = statement(
  'direct_waiting_places',
  'select person_at, min(seq) as seq, min(at) as at from k2.direct_waiting group by person_at order by 2',
)
const TAKEN = statement('direct_taken', 'delete from k2.direct_waiting where person_at = $1 and seq <= $2')

/** Events taken up at once. */
const BATCH = 100

interface ConversationRow {
  readonly id: string
  readonly kind: DirectConversation['kind']
  readonly person_key: string
  readonly person_name: string
  readonly person: Place
  readonly other: Place
  readonly other_name: string
  readonly opened_at: string
  readonly active_at: string
}

interface RequestRow {
  readonly code: string
  readonly person_key: string
  readonly person_name: string
  readonly person: Place
  readonly contact: string
  readonly tries: number
  readonly expires_at: string
}

/** What waits for a conversation to begin. */
export interface Waiting {
  readonly account: string
  readonly envelope: Envelope
}

/** Conversations, requests, blocks and what waits, in the database. */
export class DirectStore {
  readonly #pool: PgPool

  constructor(pool: PgPool) {
    this.#pool = pool
  }

  async open(): Promise<DirectConversation[]> {
    return (await run<ConversationRow>(this.#pool, OPEN, [])).map((row) => ({
      id: row.id,
      kind: row.kind,
      personKey: row.person_key,
      personName: row.person_name,
      person: row.person,
      other: row.other,
      otherName: row.other_name,
      openedAt: num(row.opened_at),
      activeAt: num(row.active_at),
    }))
  }

  /** False when one of the places is in another conversation. */
  async add(c: DirectConversation): Promise<boolean> {
    const places = [JSON.stringify(c.person), placeKey(c.person), JSON.stringify(c.other), placeKey(c.other)]
    const values = [c.id, c.kind, c.personKey, c.personName, ...places, c.otherName, c.openedAt]
    return (await run(this.#pool, ADD, values)).length > 0
  }

  /** False when it was closed already. */
  async close(id: string, by: string, now: number): Promise<boolean> {
    return (await run(this.#pool, CLOSE, [id, now, by])).length > 0
  }

  async active(id: string, now: number): Promise<void> {
    await run(this.#pool, ACTIVE, [id, now])
  }

  async ask(request: Omit<DirectRequest, 'tries'>, now: number): Promise<void> {
    const { code, personKey, personName, person, contact, expiresAt } = request
    await run(this.#pool, ASK, [code, personKey, personName, JSON.stringify(person), contact, now, expiresAt])
  }

  async requests(): Promise<DirectRequest[]> {
    return (await run<RequestRow>(this.#pool, ASKED, [])).map((row) => ({
      code: row.code,
      personKey: row.person_key,
      personName: row.person_name,
      person: row.person,
      contact: row.contact,
      tries: row.tries,
      expiresAt: num(row.expires_at),
    }))
  }

  /** A wrong code of this contact. */
  async tried(contact: string): Promise<void> {
    await run(this.#pool, TRIED, [contact])
  }

  /** False when it was answered already. */
  async answered(code: string): Promise<boolean> {
    return (await run(this.#pool, ANSWERED, [code])).length > 0
  }

  async forget(now: number, maxTries: number): Promise<void> {
    await run(this.#pool, FORGET, [now, maxTries])
  }

  async block(who: string, blocked: string, now: number): Promise<void> {
    await run(this.#pool, BLOCK, [who, blocked, now])
  }

  async unblock(who: string, blocked: string): Promise<boolean> {
    return (await run(this.#pool, UNBLOCK, [who, blocked])).length > 0
  }

  async blocks(): Promise<{ readonly who: string; readonly blocked: string }[]> {
    return run(this.#pool, BLOCKED, [])
  }

  /** Keeps an event until its conversation is open. The same event twice is one. */
  async wait(placeAt: string, { account, envelope }: Waiting, now: number): Promise<void> {
    await run(this.#pool, WAIT, [envelope.eventId, placeAt, account, JSON.stringify(envelope), now])
  }

  /** Places with something that waits, the longest first. */
  async waitingPlaces(): Promise<{ readonly at: string; readonly since: number }[]> {
    const rows = await run<{ person_at: string; at: string }>(this.#pool, PLACES, [])
    return rows.map((row) => ({ at: row.person_at, since: num(row.at) }))
  }

  /** The oldest of what waits at a place, in order; `taken` is given to `drop` when it is stored elsewhere. */
  async waiting(placeAt: string): Promise<{ readonly items: readonly Waiting[]; readonly taken: number }> {
    const rows = await run<{ seq: string; account: string; envelope: Envelope }>(this.#pool, WAITING, [placeAt, BATCH])
    return { items: rows.map(({ account, envelope }) => ({ account, envelope })), taken: num(rows.at(-1)?.seq ?? 0) }
  }

  async drop(placeAt: string, taken: number): Promise<void> {
    await run(this.#pool, TAKEN, [placeAt, taken])
  }
}
