import type { Migration } from '../migrate.ts'

/** Names of topics whose lines go to the general topic when they are gone: then nobody can be asked for the name any more. */
const STATEMENTS: readonly string[] = [
  `create table k2.topic_title (
    place text collate "C" primary key,
    title text not null
  )`,
]

export const topicTitles: Migration = { name: '0018-topic-titles', sql: STATEMENTS.map((s) => `${s};`).join('\n') }
