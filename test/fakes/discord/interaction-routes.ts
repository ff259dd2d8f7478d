import { CommandList, type RegisteredCommand, shownCommand } from './command-form.ts'
import { Choices, Modal } from './components.ts'
import { type Composed, compose, storeFiles } from './compose.ts'
import { ApiFailure, fail } from './errors.ts'
import { isEphemeral, isTooLate, type OpenInteraction, TOKEN_START } from './interactions.ts'
import { announce, announceDeletion, editMessage, postMessage } from './post.ts'
import { presentMessage } from './present.ts'
import { type Answer, botRoute, type Call, fieldsOf, noContent, type OpenHandler, ok, type Route } from './routes.ts'
import type { Bot, StoredMessage } from './world.ts'

const EPHEMERAL = 1 << 6
const LIFE_MS = 15 * 60_000

const unknownInteraction = (): ApiFailure => new ApiFailure(404, { message: 'Unknown interaction', code: 10062 })
const acknowledged = (): ApiFailure => new ApiFailure(400, { message: 'Interaction has already been acknowledged.', code: 40060 })

function bad(call: Call, field: string, message: string): ApiFailure {
  call.site.violations.add('bad-payload', `interaction: ${field}: ${message}`)
  return fail.form({ [field]: ['INVALID', message] })
}

/** Which callbacks each kind of interaction takes. */
const ALLOWED: Readonly<Record<OpenInteraction['kind'], readonly number[]>> = {
  command: [4, 5, 9],
  component: [4, 5, 6, 7, 9],
  modal: [4, 5, 6, 7],
  autocomplete: [8],
}

function callback(call: Call, id: string, token: string): Answer {
  const { site } = call
  const open = site.interactions.find(token)
  const now = site.world.clock.now()
  if (open === undefined || open.id !== id || isTooLate(open, now)) throw unknownInteraction()
  if (open.state !== 'pending') throw acknowledged()
  const { type, data } = fieldsOf(call.body)
  if (typeof type !== 'number' || !ALLOWED[open.kind].includes(type)) throw bad(call, 'type', `${String(type)} for ${open.kind}`)
  if ((type === 6 || type === 7) && open.source === undefined) throw bad(call, 'type', 'there is no message to update')
  if (type === 4) answerWith(call, open, data)
  else if (type === 5) {
    open.state = 'deferred'
    open.ephemeral = (Number(fieldsOf(data).flags ?? 0) & EPHEMERAL) !== 0
  } else if (type === 6) open.state = 'deferred-update'
  else if (type === 7) {
    change(call, open, open.source as StoredMessage, data)
    open.state = 'answered'
  } else if (type === 8) {
    const choices = Choices.safeParse(fieldsOf(data).choices)
    if (!choices.success) throw bad(call, 'choices', choices.error.message)
    open.choices = choices.data
    open.state = 'answered'
  } else {
    const modal = Modal.safeParse(data)
    if (!modal.success) throw bad(call, 'modal', modal.error.message)
    open.modal = modal.data
    open.state = 'answered'
  }
  site.interactions.changed()
  return noContent
}

/** The first answer as a message, in the channel or for one person. */
function answerWith(call: Call, open: OpenInteraction, data: unknown): void {
  const composed = compose('interaction', data, call.parts, call.site.violations)
  open.original = say(call, open, composed, (composed.flags & EPHEMERAL) !== 0)
  open.state = 'answered'
}

function say(call: Call, open: OpenInteraction, composed: Composed, ephemeral: boolean): StoredMessage {
  const { site } = call
  const poster = { author: open.bot.user, webhookId: open.bot.user.id, applicationId: open.bot.user.id }
  if (!ephemeral) {
    const { message } = postMessage(site, open.channel, poster, composed)
    open.messages.push(message)
    call.echo(() => announce(site, 'MESSAGE_CREATE', message))
    return message
  }
  if ((composed.content ?? '').trim() === '' && (composed.embeds ?? []).length === 0 && composed.files.length === 0)
    throw fail.empty()
  const message: StoredMessage = {
    id: site.world.ids.next(),
    channelId: open.channel.id,
    author: open.bot.user,
    type: 0,
    content: composed.content ?? '',
    editedAt: null,
    attachments: storeFiles(site.world, site.cdn, open.channel.id, composed.files),
    embeds: composed.embeds ?? [],
    ...(composed.components && { components: composed.components }),
    flags: EPHEMERAL,
    stickers: [],
    webhookId: open.bot.user.id,
    applicationId: open.bot.user.id,
    mentionedUsers: [],
    mentionedRoles: [],
    mentionsEveryone: false,
    reactions: new Map(),
  }
  site.interactions.hidden.set(message.id, message)
  open.messages.push(message)
  return message
}

function change(call: Call, open: OpenInteraction, message: StoredMessage, data: unknown): void {
  const { site } = call
  const composed = compose('interaction', data, call.parts, site.violations)
  if (isEphemeral(message)) {
    const kept =
      composed.kept === undefined ? message.attachments : message.attachments.filter((a) => composed.kept?.includes(a.id))
    Object.assign(message, {
      content: composed.content ?? message.content,
      embeds: composed.embeds ?? message.embeds,
      components: composed.components ?? message.components,
      attachments: [...kept, ...storeFiles(site.world, site.cdn, open.channel.id, composed.files)],
    })
  } else {
    editMessage(site, open.channel, message, composed)
    call.echo(() => announce(site, 'MESSAGE_UPDATE', message))
  }
  if (!open.messages.includes(message)) open.messages.push(message)
}

/** The interaction of a follow-up call; its token lives for 15 minutes and works after the first answer. */
function opened(call: Call, application: string, token: string): OpenInteraction {
  const open = call.site.interactions.find(token)
  if (open === undefined || open.bot.user.id !== application) throw fail.unknownWebhook()
  if (call.site.world.clock.now() - open.createdAt > LIFE_MS) throw fail.invalidWebhookToken()
  if (open.state === 'pending') throw fail.unknownWebhook()
  return open
}

function followUp(call: Call, application: string, token: string): Answer {
  const open = opened(call, application, token)
  const composed = compose('interaction', call.body, call.parts, call.site.violations)
  // While the answer is deferred, the first follow-up becomes the answer, seen by whom the deferral said.
  const isFirst = open.state === 'deferred'
  const message = say(call, open, composed, isFirst ? open.ephemeral : (composed.flags & EPHEMERAL) !== 0)
  if (isFirst) {
    open.original = message
    open.state = 'answered'
  } else if (open.state === 'deferred-update') open.state = 'answered'
  call.site.interactions.changed()
  return ok(presentMessage(call.site.world, message))
}

function targetOf(open: OpenInteraction, id: string): StoredMessage {
  const message =
    id === '@original'
      ? (open.original ?? (open.kind === 'component' ? open.source : undefined))
      : open.messages.find((m) => m.id === id)
  if (message === undefined) throw fail.unknownMessage()
  return message
}

const patch: OpenHandler = (call, application = '', token = '', id = '') => {
  const open = opened(call, application, token)
  if (id === '@original' && open.state === 'deferred') {
    const composed = compose('interaction', call.body, call.parts, call.site.violations)
    open.original = say(call, open, composed, open.ephemeral)
  } else change(call, open, targetOf(open, id), call.body)
  open.state = 'answered'
  call.site.interactions.changed()
  return ok(presentMessage(call.site.world, targetOf(open, id)))
}

const erase: OpenHandler = (call, application = '', token = '', id = '') => {
  const { site } = call
  const open = opened(call, application, token)
  if (id === '@original' && open.state === 'deferred') {
    open.state = 'answered'
    return noContent
  }
  const message = targetOf(open, id)
  open.messages.splice(open.messages.indexOf(message), 1)
  if (!site.interactions.hidden.delete(message.id)) {
    site.world.erase(open.channel, message.id)
    call.echo(() => announceDeletion(site, open.channel, [message.id]))
  }
  site.interactions.changed()
  return noContent
}

function putCommands(call: Call, bot: Bot, application: string, scope: string): Answer {
  if (bot.user.id !== application) throw fail.missingAccess()
  const list = CommandList.safeParse(call.body)
  if (!list.success) throw bad(call, 'commands', list.error.issues[0]?.message ?? 'invalid')
  const { ids } = call.site.world
  const stored: RegisteredCommand[] = list.data.map((c) => ({ ...c, id: ids.next(), application_id: application }))
  call.site.interactions.commands.set(`${application}:${scope}`, stored)
  return ok(stored.map(shownCommand))
}

const getCommands = (call: Call, application: string, scope: string): Answer =>
  ok((call.site.interactions.commands.get(`${application}:${scope}`) ?? []).map(shownCommand))

const at = (path: string): RegExp => new RegExp(`^/webhooks/([^/]+)/(${TOKEN_START}[^/]*)${path}$`)

/** Answers to interactions and the commands of applications (bridging 21.2). To be matched before webhooks. */
export const INTERACTION_ROUTES: readonly Route[] = [
  { method: 'POST', pattern: /^\/interactions\/([^/]+)\/([^/]+)\/callback$/, auth: 'none', handle: callback as OpenHandler },
  { method: 'POST', pattern: at(''), auth: 'none', handle: followUp as OpenHandler },
  { method: 'PATCH', pattern: at('/messages/([^/]+)'), auth: 'none', handle: patch },
  { method: 'DELETE', pattern: at('/messages/([^/]+)'), auth: 'none', handle: erase },
  {
    method: 'GET',
    pattern: at('/messages/([^/]+)'),
    auth: 'none',
    handle: (call, application = '', token = '', id = '') =>
      ok(presentMessage(call.site.world, targetOf(opened(call, application, token), id))),
  },
  botRoute('PUT', '/applications/:id/commands', (call, bot, id = '') => putCommands(call, bot, id, 'global')),
  botRoute('GET', '/applications/:id/commands', (call, _bot, id = '') => getCommands(call, id, 'global')),
  botRoute('PUT', '/applications/:id/guilds/:gid/commands', (call, bot, id = '', guild = '') =>
    putCommands(call, bot, id, guild),
  ),
  botRoute('GET', '/applications/:id/guilds/:gid/commands', (call, _bot, id = '', guild = '') => getCommands(call, id, guild)),
]
