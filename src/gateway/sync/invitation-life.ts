/** Invitations, answered or not, are remembered this long, ms: inviters ask once a day. */
export const KEEP_INVITATIONS_MS = 90 * 86_400_000
