import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import { type Place, placeKey } from '../../bridges/model/place.ts'
import type { PgPool } from '../db/pool.ts'
import { run, statement } from '../db/sql/statement.ts'

/** Names kept in memory; the others are read again when they are needed. */
const MAX_TITLES = 5_000

const FIND = statement('topic_title', 'select title from k2.topic_title where place = $1')
const KEEP = statement(
  'topic_title_keep',
  'insert into k2.topic_title (place, title) values ($1, $2) on conflict (place) do update set title = excluded.title',
)

/** Names of topics as their platform last told them. */
export class TopicTitles {
  readonly #pool: PgPool
  readonly #clock: Clock
  readonly #known = new BoundedMap<string, string>({ max: MAX_TITLES })

  constructor(pool: PgPool, clock: Clock) {
    this.#pool = pool
    this.#clock = clock
  }

  /** Keeps the name this event tells, if it tells one that is new. */
  async note({ at, event, threadTitle }: Envelope): Promise<void> {
    const isChange = event.kind === 'thread.create' || event.kind === 'thread.rename'
    const [thread, title] = isChange ? [event.thread, event.title] : [at.thread, threadTitle]
    if (thread === undefined || title === undefined || title === '') return
    const key = placeKey({ ...at, thread })
    const now = this.#clock.now()
    if (this.#known.get(key, now) === title) return
    await run(this.#pool, KEEP, [key, title])
    this.#known.set(key, title, now)
  }

  async find(place: Place): Promise<string | undefined> {
    const key = placeKey(place)
    const now = this.#clock.now()
    const known = this.#known.get(key, now)
    if (known !== undefined) return known
    const title = (await run<{ title: string }>(this.#pool, FIND, [key]))[0]?.title
    if (title !== undefined) this.#known.set(key, title, now)
    return title
  }
}
