import type { Logger } from '../../base/logger.ts'
import { printRoute, readRoute } from '../config/route-text.ts'
import type { PgPool } from '../db/pool.ts'
import { run, statement } from '../db/sql/statement.ts'
import type { RouteChoice } from './route-book.ts'

const LIST = statement('route_choices', 'select route, definition from k2.route_choice order by at, route')
const SAVE = statement(
  'route_choice_save',
  `insert into k2.route_choice (route, definition, chosen_by, at) values ($1, $2::jsonb, $3, $4)
   on conflict (route) do update set definition = excluded.definition, chosen_by = excluded.chosen_by, at = excluded.at`,
)

/** Routes that commands made, changed or took away; they outlive restarts. */
export interface RouteChoices {
  load(): Promise<Map<string, RouteChoice>>
  save(route: string, choice: RouteChoice, by: string, now: number): Promise<void>
}

export function routeChoices(pool: PgPool, log: Logger): RouteChoices {
  return {
    async load() {
      const rows = await run<{ route: string; definition: unknown }>(pool, LIST, [])
      const choices = new Map<string, RouteChoice>()
      for (const { route, definition } of rows) {
        const read = definition === null ? 'removed' : readRoute(definition)
        if (typeof read !== 'string' || read === 'removed') choices.set(route, read)
        else
          log.warn({ ev: 'route-choice-unreadable', route, problem: read }, 'a route made by a command cannot be used any more')
      }
      return choices
    },
    async save(route, choice, by, now) {
      await run(pool, SAVE, [route, choice === 'removed' ? null : JSON.stringify(printRoute(choice)), by, now])
    },
  }
}
