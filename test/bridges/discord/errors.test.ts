import { expect, test } from 'vitest'
import { type Failure, judge, type Op } from '../../../src/bridges/discord/errors.ts'
import { webhookUsername } from '../../../src/bridges/discord/names.ts'

const api = (status: number, code: number, fields: string[] = []): Failure => ({
  kind: 'api',
  status,
  code,
  message: 'said',
  fields,
})

/** Bridging 4.5, row by row. */
const ROWS: readonly (readonly [Failure, Op, object])[] = [
  [{ kind: 'rate-limit', afterMs: 1200, scope: 'user' }, 'create', { kind: 'rate-limited', afterMs: 1200, scope: 'lane' }],
  [{ kind: 'rate-limit', afterMs: 1200, scope: 'shared' }, 'create', { kind: 'rate-limited', scope: 'lane' }],
  [{ kind: 'rate-limit', afterMs: 1200, scope: 'global' }, 'create', { kind: 'rate-limited', scope: 'account' }],
  [{ kind: 'rate-limit', afterMs: 0, scope: 'user' }, 'create', { kind: 'rate-limited', afterMs: 10_000 }],
  [{ kind: 'server', status: 502 }, 'create', { kind: 'ambiguous' }],
  [{ kind: 'transport', code: 'TIMEOUT', sent: true }, 'create', { kind: 'ambiguous', code: 'DISCORD_TIMEOUT' }],
  [{ kind: 'transport', code: 'NOT_CONNECTED', sent: false }, 'create', { kind: 'not-sent' }],
  [api(401, 0), 'create', { kind: 'account-failed', code: 'DISCORD_BAD_TOKEN' }],
  [api(401, 50027), 'create', { kind: 'webhook-lost' }],
  [api(403, 50027), 'edit', { kind: 'webhook-lost' }],
  [api(404, 10015), 'create', { kind: 'webhook-lost' }],
  [api(403, 50001), 'create', { kind: 'lane-failed', code: 'DISCORD_MISSING_ACCESS' }],
  [api(403, 50013), 'delete', { kind: 'lane-failed', code: 'DISCORD_MISSING_PERMISSIONS' }],
  [api(404, 10003), 'create', { kind: 'lane-failed', code: 'DISCORD_UNKNOWN_CHANNEL' }],
  [api(404, 10008), 'edit', { kind: 'satisfied' }],
  [api(404, 10008), 'delete', { kind: 'satisfied' }],
  [api(400, 50035, ['content']), 'create', { kind: 'simplify', what: 'content' }],
  [api(400, 50035, ['username']), 'create', { kind: 'simplify', what: 'username' }],
  [api(400, 50006), 'create', { kind: 'permanent', code: 'DISCORD_EMPTY_MESSAGE' }],
  [api(413, 0), 'create', { kind: 'drop-file' }],
  [api(400, 40005), 'create', { kind: 'drop-file' }],
  [api(400, 50045), 'create', { kind: 'drop-file' }],
  [api(400, 50083), 'create', { kind: 'unarchive' }],
  [api(403, 160005), 'create', { kind: 'lane-failed', code: 'DISCORD_THREAD_LOCKED' }],
  [api(400, 40058), 'create', { kind: 'lane-failed', code: 'DISCORD_FORUM' }],
  [api(429, 20016), 'create', { kind: 'rate-limited', afterMs: 10_000, scope: 'lane' }],
  [api(429, 20028), 'create', { kind: 'rate-limited', afterMs: 10_000 }],
  [api(400, 30046), 'edit', { kind: 'rate-limited', afterMs: 60_000 }],
  [api(403, 50007), 'create', { kind: 'lane-failed', code: 'DISCORD_CANNOT_DM' }],
  [api(403, 0), 'create', { kind: 'lane-failed', code: 'DISCORD_403' }],
  [api(400, 123), 'create', { kind: 'permanent', code: 'DISCORD_123' }],
]

test.each(ROWS)('%j on %s', (failure, op, verdict) => {
  expect(judge(failure, op)).toMatchObject(verdict)
})

test.each([
  ['Bob (tg)', 'Bob (tg)'],
  ['  two   words ', 'two words'],
  ['Discord', 'Dis\u200bcord'],
  ['myDISCORDname', 'myDIS\u200bCORDname'],
  ['clyde', 'cly\u200bde'],
  ['@here #x:y ```z', 'here xy z'],
  ['everyone', 'everyone (user)'],
  ['@#:', 'Unknown user'],
  ['\u202e\u200b', 'Unknown user'],
  ['', 'Unknown user'],
  ['x'.repeat(100), `${'x'.repeat(79)}…`],
])('the webhook name of %j', (name, shown) => {
  expect(webhookUsername(name)).toBe(shown)
})

test('a name refused even so loses a vowel; cuts keep graphemes whole', () => {
  expect(webhookUsername('Discord', true)).toBe('Dscord')
  const family = '👨‍👩‍👧‍👦'
  const cut = webhookUsername(family.repeat(20))
  expect(cut.length).toBeLessThanOrEqual(80)
  expect(cut.replaceAll(family, '')).toMatch(/^…?$/)
})
