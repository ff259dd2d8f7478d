import { compose } from './compose.ts'
import { fail } from './errors.ts'
import { announce, announceDeletion, editMessage, eraseMessage, postMessage } from './post.ts'
import { presentMessage, presentWebhook } from './present.ts'
import { botRoute, type Call, channelFor, fieldsOf, noContent, ok, openRoute, type Route } from './routes.ts'
import { createThread } from './thread-routes.ts'
import type { Bot, Channel, StoredMessage, Webhook } from './world.ts'

const MAX_WEBHOOKS = 15
const MAX_GUILD_WEBHOOKS = 1000

function announceWebhooks(call: Call, channel: Channel): void {
  call.echo(() =>
    call.site.gateway.dispatch('WEBHOOKS_UPDATE', { guild_id: channel.guildId, channel_id: channel.id }, { channel }),
  )
}

function checkName(call: Call, name: unknown): string {
  if (typeof name === 'string' && name.trim() !== '' && name.length <= 80 && !/discord|clyde/i.test(name)) return name
  call.site.violations.add('bad-payload', `webhook name ${JSON.stringify(name)}`)
  throw fail.form({ name: ['BASE_TYPE_BAD_LENGTH', 'Must be between 1 and 80 in length.'] })
}

function createWebhook(call: Call, bot: Bot, channelId: string) {
  const channel = channelFor(call, bot, channelId, 'MANAGE_WEBHOOKS')
  const name = checkName(call, fieldsOf(call.body).name)
  if (channel.kind === 'thread' || channel.kind === 'dm') throw fail.unknownChannel()
  const existing = [...call.site.world.webhooks.values()].filter((w) => w.channelId === channelId)
  if (existing.length >= MAX_WEBHOOKS) throw fail.webhookLimit()
  const inGuild = [...call.site.world.webhooks.values()].filter((w) => w.guildId === channel.guildId)
  if (inGuild.length >= MAX_GUILD_WEBHOOKS) throw fail.guildWebhookLimit()
  const webhook = call.site.world.addWebhook(channel, name, bot.user, bot.user.id)
  announceWebhooks(call, channel)
  return ok(presentWebhook(webhook, true))
}

/** Tokens of other applications' webhooks are not shown. */
function shownTo(bot: Bot, webhook: Webhook): Record<string, unknown> {
  return presentWebhook(webhook, webhook.applicationId === bot.user.id || webhook.applicationId === null)
}

function listed(bot: Bot, webhooks: Webhook[]) {
  return ok(webhooks.map((w) => shownTo(bot, w)))
}

function deleteWebhook(call: Call, webhook: Webhook) {
  call.site.world.webhooks.delete(webhook.id)
  announceWebhooks(call, call.site.world.channel(webhook.channelId))
  return noContent
}

/** The channel a webhook call goes to: its own, or a thread of it. */
function targetOf(call: Call, webhook: Webhook): Channel {
  const threadId = call.query.get('thread_id')
  if (threadId === null) return call.site.world.channel(webhook.channelId)
  const thread = call.site.world.channel(threadId)
  if (thread.kind !== 'thread' || thread.parentId !== webhook.channelId) throw fail.unknownChannel()
  return thread
}

function execute(call: Call, id: string, token: string) {
  const { site } = call
  const webhook = site.world.webhook(id, token)
  let channel = targetOf(call, webhook)
  const composed = compose('webhook', call.body, call.parts, site.violations)
  if (call.query.get('wait') !== 'true') site.violations.add('no-wait', 'webhook executed without wait=true')
  if (channel.kind === 'forum') {
    if (composed.threadName === undefined) throw fail.forumNeedsThread()
    channel = createThread(call, channel, composed.threadName, { ownerId: webhook.id, tags: composed.appliedTags })
  }
  const isNew = channel.kind === 'thread' && channel.ownerId === webhook.id && channel.messages.length === 0
  const author = {
    id: webhook.id,
    username: composed.username ?? webhook.name,
    discriminator: '0000',
    global_name: null,
    avatar: composed.avatarUrl ?? webhook.avatar,
    bot: true,
  }
  const poster = {
    author,
    webhookId: webhook.id,
    ...(isNew && { id: channel.id }),
    ...(webhook.applicationId !== null && { applicationId: webhook.applicationId }),
  }
  const { message } = postMessage(site, channel, poster, composed)
  call.echo(() => announce(site, 'MESSAGE_CREATE', message))
  return call.query.get('wait') === 'true' ? ok(presentMessage(site.world, message)) : noContent
}

function own(call: Call, id: string, token: string, messageId: string): { channel: Channel; message: StoredMessage } {
  const webhook = call.site.world.webhook(id, token)
  const channel = targetOf(call, webhook)
  const message = channel.byId.get(messageId)
  if (message === undefined || message.webhookId !== webhook.id) throw fail.unknownMessage()
  return { channel, message }
}

export const WEBHOOK_ROUTES: readonly Route[] = [
  botRoute('POST', '/channels/:id/webhooks', createWebhook),
  botRoute('GET', '/channels/:id/webhooks', (call, bot, channelId) => {
    channelFor(call, bot, channelId, 'MANAGE_WEBHOOKS')
    return listed(
      bot,
      [...call.site.world.webhooks.values()].filter((w) => w.channelId === channelId),
    )
  }),
  botRoute('GET', '/guilds/:id/webhooks', (call, bot, guildId) =>
    listed(
      bot,
      [...call.site.world.webhooks.values()].filter((w) => w.guildId === call.site.world.guild(guildId).id),
    ),
  ),
  botRoute('GET', '/webhooks/:id', (call, bot, id) => {
    const webhook = call.site.world.webhook(id)
    channelFor(call, bot, webhook.channelId, 'MANAGE_WEBHOOKS')
    return ok(shownTo(bot, webhook))
  }),
  botRoute('PATCH', '/webhooks/:id', (call, bot, id) => {
    const webhook = call.site.world.webhook(id)
    const channel = channelFor(call, bot, webhook.channelId, 'MANAGE_WEBHOOKS')
    const { name } = fieldsOf(call.body)
    if (name !== undefined) webhook.name = checkName(call, name)
    announceWebhooks(call, channel)
    return ok(shownTo(bot, webhook))
  }),
  botRoute('DELETE', '/webhooks/:id', (call, bot, id) => {
    const webhook = call.site.world.webhook(id)
    channelFor(call, bot, webhook.channelId, 'MANAGE_WEBHOOKS')
    return deleteWebhook(call, webhook)
  }),
  openRoute('GET', '/webhooks/:id/:token', (call, id, token) => ok(presentWebhook(call.site.world.webhook(id, token), true))),
  openRoute('PATCH', '/webhooks/:id/:token', (call, id, token) => {
    const webhook = call.site.world.webhook(id, token)
    const { name } = fieldsOf(call.body)
    if (name !== undefined) webhook.name = checkName(call, name)
    announceWebhooks(call, call.site.world.channel(webhook.channelId))
    return ok(presentWebhook(webhook, true))
  }),
  openRoute('DELETE', '/webhooks/:id/:token', (call, id, token) => deleteWebhook(call, call.site.world.webhook(id, token))),
  openRoute('POST', '/webhooks/:id/:token', execute),
  openRoute('GET', '/webhooks/:id/:token/messages/:mid', (call, id, token, messageId) =>
    ok(presentMessage(call.site.world, own(call, id, token, messageId).message)),
  ),
  openRoute('PATCH', '/webhooks/:id/:token/messages/:mid', (call, id, token, messageId) => {
    const { channel, message } = own(call, id, token, messageId)
    editMessage(call.site, channel, message, compose('edit', call.body, call.parts, call.site.violations))
    call.echo(() => announce(call.site, 'MESSAGE_UPDATE', message))
    return ok(presentMessage(call.site.world, message))
  }),
  openRoute('DELETE', '/webhooks/:id/:token/messages/:mid', (call, id, token, messageId) => {
    const { channel } = own(call, id, token, messageId)
    eraseMessage(call.site, channel, messageId)
    call.echo(() => announceDeletion(call.site, channel, [messageId]))
    return noContent
  }),
]
