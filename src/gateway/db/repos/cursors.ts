import type { Cursor, CursorStore } from '../../../bridges/cursor.ts'
import type { PgPool } from '../pool.ts'
import { run, statement } from '../sql/statement.ts'

const GET = statement('cursor_get', 'select value from k2.cursor where account = $1 and stream = $2')
const SET = statement(
  'cursor_set',
  `insert into k2.cursor (account, stream, value) values ($1, $2, $3)
   on conflict (account, stream) do update set value = excluded.value`,
)

/** How far each source stream was read. The pipeline moves cursors too, in the transaction that stores their events. */
export function cursorStore(pool: PgPool): CursorStore {
  return {
    get: async (account, stream) => (await run<{ value: string }>(pool, GET, [account, stream]))[0]?.value,
    set: async ({ account, stream, value }: Cursor) => {
      await run(pool, SET, [account, stream, value])
    },
  }
}
