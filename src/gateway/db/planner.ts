/**
 * Planner settings of connections that run our own SQL. Statements are prepared once, when their tables are still small, and
 * the plan is kept: a scan that is cheap over three rows would stay in use over a hundred thousand. All of our look-ups have
 * an index, so a sequential scan is never the right plan to keep.
 */
export const PLANNER_SETTINGS: Readonly<Record<string, string>> = { enable_seqscan: 'off' }
