import type { Migration } from '../migrate.ts'

/** All migrations in the order they run. Append only: an applied one is never edited, renamed or moved. */
export const MIGRATIONS: readonly Migration[] = []
