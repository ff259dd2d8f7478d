/** An answer that is not 2xx. `body` is Discord's JSON error. */
export class ApiFailure extends Error {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>

  constructor(status: number, body: Readonly<Record<string, unknown>>) {
    super(String(body.message))
    this.status = status
    this.body = body
  }
}

export const fail = {
  unauthorized: () => new ApiFailure(401, { message: '401: Unauthorized', code: 0 }),
  notFoundRoute: () => new ApiFailure(404, { message: '404: Not Found', code: 0 }),
  unknownChannel: () => new ApiFailure(404, { message: 'Unknown Channel', code: 10003 }),
  unknownGuild: () => new ApiFailure(404, { message: 'Unknown Guild', code: 10004 }),
  unknownMessage: () => new ApiFailure(404, { message: 'Unknown Message', code: 10008 }),
  unknownUser: () => new ApiFailure(404, { message: 'Unknown User', code: 10013 }),
  unknownWebhook: () => new ApiFailure(404, { message: 'Unknown Webhook', code: 10015 }),
  unknownMember: () => new ApiFailure(404, { message: 'Unknown Member', code: 10007 }),
  missingAccess: () => new ApiFailure(403, { message: 'Missing Access', code: 50001 }),
  missingPermissions: () => new ApiFailure(403, { message: 'Missing Permissions', code: 50013 }),
  notYours: () => new ApiFailure(403, { message: 'Cannot edit a message authored by another user', code: 50005 }),
  empty: () => new ApiFailure(400, { message: 'Cannot send an empty message', code: 50006 }),
  cannotDm: () => new ApiFailure(403, { message: 'Cannot send messages to this user', code: 50007 }),
  invalidWebhookToken: () => new ApiFailure(401, { message: 'Invalid Webhook Token', code: 50027 }),
  tooLarge: () => new ApiFailure(413, { message: 'Request entity too large', code: 40005 }),
  webhookLimit: () => new ApiFailure(400, { message: 'Maximum number of webhooks reached (15)', code: 30007 }),
  guildWebhookLimit: () => new ApiFailure(400, { message: 'Maximum number of webhooks per server reached (1000)', code: 30058 }),
  pinLimit: () => new ApiFailure(400, { message: 'Maximum number of pins reached for the channel (250)', code: 30003 }),
  reactionLimit: () => new ApiFailure(400, { message: 'Maximum number of reactions reached (20)', code: 30010 }),
  oldEdits: () =>
    new ApiFailure(429, {
      message: 'Maximum number of edits to messages older than 1 hour reached. Try again later.',
      code: 30046,
      retry_after: 60,
      global: false,
    }),
  archived: () => new ApiFailure(400, { message: 'Thread is archived', code: 50083 }),
  locked: () => new ApiFailure(403, { message: 'Thread is locked', code: 160005 }),
  forumNeedsThread: () =>
    new ApiFailure(400, { message: 'Webhooks posted to forum channels must have a thread_name or thread_id', code: 220001 }),
  tagRequired: () => new ApiFailure(400, { message: 'A tag is required to create a forum post in this channel', code: 40067 }),
  badBulkDelete: () => new ApiFailure(400, { message: 'A message provided was too old to bulk delete', code: 50034 }),
  /** 50035 with the nested `errors` object: `{ content: ['BASE_TYPE_MAX_LENGTH', 'Must be …'] }`. */
  form: (fields: Readonly<Record<string, readonly [string, string]>>) =>
    new ApiFailure(400, {
      message: 'Invalid Form Body',
      code: 50035,
      errors: Object.fromEntries(
        Object.entries(fields).map(([field, [code, message]]) => [field, { _errors: [{ code, message }] }]),
      ),
    }),
} as const
