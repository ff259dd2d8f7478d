import { describe, expect, it } from 'vitest'
import { failureOf, judge, scrub } from '../../../src/bridges/telegram/errors.ts'
import { TransportError } from '../../../src/bridges/telegram/transport.ts'

const api = (error_code: number, description: string, parameters = {}) => failureOf({ error_code, description, parameters })
const verdict = (code: number, description: string, op: 'create' | 'edit' | 'delete' = 'create') =>
  judge(api(code, description), op)

describe('judge', () => {
  const cases: [number, string, 'create' | 'edit' | 'delete', object][] = [
    [400, 'Bad Request: message is not modified: specified new message content …', 'edit', { kind: 'satisfied' }],
    [400, 'Bad Request: message to edit not found', 'edit', { kind: 'satisfied' }],
    [400, "Bad Request: message can't be edited", 'edit', { kind: 'satisfied' }],
    [400, 'Bad Request: message to delete not found', 'delete', { kind: 'satisfied' }],
    [400, "Bad Request: message can't be deleted for everyone", 'delete', { kind: 'not-deletable' }],
    [400, 'Bad Request: message to be replied not found', 'create', { kind: 'without-reply' }],
    [400, "Bad Request: can't parse entities: unsupported start tag", 'create', { kind: 'without-entities' }],
    [400, 'Bad Request: ENTITY_BOUNDS_INVALID', 'create', { kind: 'without-entities' }],
    [400, 'Bad Request: message is too long', 'create', { kind: 'permanent', code: 'TELEGRAM_TOO_LONG' }],
    [400, 'Bad Request: message text is empty', 'create', { kind: 'permanent', code: 'TELEGRAM_EMPTY' }],
    [400, 'Bad Request: something new', 'create', { kind: 'permanent', code: 'TELEGRAM_REFUSED' }],
    [403, 'Forbidden: bot was kicked from the supergroup chat', 'create', { kind: 'lane-failed', code: 'TELEGRAM_KICKED' }],
    [403, 'Forbidden: bot is not a member of the channel chat', 'create', { kind: 'lane-failed', code: 'TELEGRAM_NOT_A_MEMBER' }],
    [403, 'Forbidden: bot was blocked by the user', 'create', { kind: 'lane-failed', code: 'TELEGRAM_BLOCKED' }],
    [403, 'Forbidden: user is deactivated', 'create', { kind: 'lane-failed', code: 'TELEGRAM_USER_DEACTIVATED' }],
    [403, 'Forbidden: the group chat was deleted', 'create', { kind: 'lane-failed', code: 'TELEGRAM_CHAT_DELETED' }],
    [
      403,
      "Forbidden: bot can't initiate conversation with a user",
      'create',
      { kind: 'lane-failed', code: 'TELEGRAM_NOT_STARTED' },
    ],
    [403, 'Forbidden: whatever', 'create', { kind: 'lane-failed', code: 'TELEGRAM_FORBIDDEN' }],
    [400, 'Bad Request: chat not found', 'create', { kind: 'lane-failed', code: 'TELEGRAM_CHAT_NOT_FOUND' }],
    [
      400,
      'Bad Request: not enough rights to send text messages to the chat',
      'create',
      { kind: 'lane-failed', code: 'TELEGRAM_NO_RIGHTS' },
    ],
    [400, 'Bad Request: CHAT_WRITE_FORBIDDEN', 'create', { kind: 'lane-failed', code: 'TELEGRAM_NO_RIGHTS' }],
    [400, 'Bad Request: TOPIC_CLOSED', 'create', { kind: 'lane-failed', code: 'TELEGRAM_TOPIC_CLOSED' }],
    [400, 'Bad Request: message thread not found', 'create', { kind: 'lane-failed', code: 'TELEGRAM_TOPIC_NOT_FOUND' }],
    [401, 'Unauthorized', 'create', { kind: 'account-failed', code: 'TELEGRAM_BAD_TOKEN' }],
    [404, 'Not Found', 'create', { kind: 'account-failed', code: 'TELEGRAM_BAD_TOKEN' }],
    [409, 'Conflict', 'create', { kind: 'not-sent', code: 'TELEGRAM_CONFLICT' }],
    [500, 'Internal Server Error', 'create', { kind: 'ambiguous', code: 'TELEGRAM_500' }],
    [502, 'Bad Gateway', 'edit', { kind: 'not-sent', code: 'TELEGRAM_502' }],
    [502, 'Bad Gateway', 'delete', { kind: 'not-sent', code: 'TELEGRAM_502' }],
  ]
  it.each(cases)('%i %s (%s)', (code, description, op, expected) => {
    expect(verdict(code, description, op)).toMatchObject(expected)
  })

  it('waits as long as told', () => {
    expect(judge(api(429, 'Too Many Requests: retry after 35', { retry_after: 35 }), 'create')).toEqual({
      kind: 'rate-limited',
      afterMs: 35_000,
      scope: 'lane',
    })
    expect(judge(api(429, 'Too Many Requests'), 'create')).toMatchObject({ kind: 'rate-limited', afterMs: 5000 })
  })

  it('follows a group to its new id', () => {
    const failure = api(400, 'Bad Request: group chat was upgraded to a supergroup chat', { migrate_to_chat_id: -1009 })
    expect(judge(failure, 'create')).toEqual({ kind: 'migrated', to: '-1009' })
  })

  it('knows what was certainly not sent', () => {
    const of = (error: unknown, op: 'create' | 'edit' = 'create') => judge(failureOf({ error }), op).kind
    expect(of(new TransportError('ECONNREFUSED', false))).toBe('not-sent')
    expect(of(new TransportError('ECONNRESET', true))).toBe('ambiguous')
    expect(of(new TransportError('ECONNRESET', true), 'edit')).toBe('not-sent')
    expect(of(new Error("Request to 'sendMessage' timed out after 30 seconds"))).toBe('ambiguous')
    expect(judge(failureOf('nonsense'), 'create').kind).toBe('ambiguous')
  })
})

describe('secrets', () => {
  it('are removed from whatever the server repeats', () => {
    const token = '6100000001:AAFk2FakeTokenForTestsOnlyxxxxxxxxx'
    expect(scrub(`see https://api/bot${token}/x and ${token}`)).toBe('see https://api/bot[token]/x and [token]')
    expect(JSON.stringify(api(400, `Bad Request: ${token}`))).not.toContain('AAFk2')
    const leaky = new Error(`request to http://h/bot${token}/sendMessage failed`)
    expect(JSON.stringify(failureOf({ error: leaky }))).not.toContain('AAFk2')
  })
})
