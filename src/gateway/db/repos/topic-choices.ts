import type { TopicChoices } from '../../commands/builtin/topic-choices.ts'
import type { PgPool } from '../pool.ts'
import { run, statement } from '../sql/statement.ts'

const LIST = statement('topic_choices', 'select name, joined from k2.topic_choice order by at, name')
const SAVE = statement(
  'topic_choice_save',
  `insert into k2.topic_choice (name, joined, at) values ($1, $2, $3)
   on conflict (name) do update set joined = excluded.joined, at = excluded.at`,
)

export function topicChoices(pool: PgPool): TopicChoices {
  return {
    list: () => run<{ name: string; joined: boolean }>(pool, LIST, []),
    async save(name, joined, now) {
      await run(pool, SAVE, [name, joined, now])
    },
  }
}
