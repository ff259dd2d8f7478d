import { CommandLine } from './commands.js'
import { Connection, randomId } from './connection.js'
import { filesElement, Uploads } from './files.js'
import { remember, remembered, tabStorage } from './memory.js'
import { MessageList } from './message-list.js'
import { answerElement, noticeElement, openForm } from './notices.js'
import { element, messageElement, pendingElement, plainOf } from './render.js'

const $ = (id) => document.getElementById(id)
const state = {
  client: remembered('k2-client') ?? randomId(24),
  name: remembered('k2-name'),
  me: undefined,
  rooms: [],
  room: decodeURIComponent(location.hash.slice(1)) || remembered('k2-room'),
  failed: new Map(),
  context: undefined,
  entered: false,
}
remember('k2-client', state.client)

const socketUrl = new URL('ws', location.href)
socketUrl.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:'
socketUrl.hash = ''

const connection = new Connection({
  url: socketUrl.href,
  storage: tabStorage(),
  handlers: { onState: showState, onMessage: receive, onOutbox: showPending, onFailed: operationFailed },
})

// ---- connection ---------------------------------------------------------------------------------------------------------

let countdown
function showState(kind, waitMs) {
  clearInterval(countdown)
  const node = $('state')
  node.dataset.state = kind
  if (kind === 'online') node.textContent = 'Connected'
  else if (kind === 'connecting') node.textContent = 'Connecting…'
  else {
    const until = Date.now() + waitMs
    node.textContent = 'Not connected, trying again…'
    // Only for the eye: a status that changes every second would be read out every second.
    const tick = () => {
      node.title = `next try in ${Math.max(0, Math.ceil((until - Date.now()) / 1000))} s`
    }
    tick()
    countdown = setInterval(tick, 1000)
  }
}

function receive(message) {
  switch (message.type) {
    case 'welcome':
      return welcome(message)
    case 'joined':
      return joined(message)
    case 'message':
      return list.changed(message.room, message.message)
    case 'people':
      return message.room === state.room ? showPeople(message.people, message.count) : undefined
    case 'commands':
      line.commands = message.commands
      $('menu').hidden = message.commands.length === 0
      return
    case 'suggestions':
      return line.suggested(message)
    case 'answer':
      return answered(message)
    case 'retracted':
      return list.retract(message.id)
    case 'form':
      return openForm($('form'), message.form, (values) => ask({ type: 'form', form: message.form.id, values }))
    case 'error':
      return notice(message.text)
  }
}

function welcome({ you, rooms, limits, uploads: grant }) {
  uploads.grant = grant
  $('attach').hidden = grant === undefined
  state.me = you
  state.rooms = rooms
  $('text').maxLength = limits.text
  $('me-button').textContent = you.name
  $('me-button').setAttribute('aria-label', `You are ${you.name}, choose another name`)
  for (const select of [$('room'), $('first-room')]) {
    select.replaceChildren(...rooms.map((room) => element('option', { value: room, text: room })))
  }
  if (!rooms.includes(state.room)) state.room = rooms[0]
  $('room').value = $('first-room').value = state.room ?? ''
  // A connection that came back has joined by itself.
  if (state.entered && connection.room === undefined) openRoom(state.room)
}

function joined({ room, reset, messages, people }) {
  list.loaded(room, messages, reset)
  if (room !== state.room) return
  showPeople(people, people.length)
  showPending(connection.outbox)
}

// ---- messages -----------------------------------------------------------------------------------------------------------

const isOwn = (message) => message.author.key === state.me?.key

const list = new MessageList({
  at: { scroll: $('scroll'), log: $('log'), messages: $('messages'), empty: $('empty'), jump: $('jump') },
  isOwn,
  itemOf: (message) =>
    messageElement(message, {
      own: isOwn(message),
      onReply: () => setContext({ kind: 'reply', message }),
      onEdit: () => setContext({ kind: 'edit', message }),
      onDelete: () => submit({ type: 'delete', message: message.id, shownAs: plainOf(message) }),
      onFind: () => {
        if (!list.show(message.reply?.id)) notice('That message is too far back.')
      },
      ...(message.files ? { files: filesElement(message.files) } : {}),
      ...(message.notice
        ? { notice: noticeElement(message.notice, { press: (action) => press(action, message.id), begin: beginCommand }) }
        : {}),
    }),
})

// ---- people -------------------------------------------------------------------------------------------------------------

function showPeople(people, count) {
  $('people-button').hidden = false
  $('people-count').textContent = String(count)
  const own = (person) => (person.key === state.me?.key ? `${person.name} (you)` : person.name)
  const more = count > people.length ? [element('li', { text: `and ${count - people.length} more` })] : []
  $('people-list').replaceChildren(...people.map((person) => element('li', { text: own(person), dir: 'auto' })), ...more)
}

// ---- writing ------------------------------------------------------------------------------------------------------------

function submit(operation) {
  notice('')
  connection.submit({ id: randomId(), room: state.room, ...operation })
}

function operationFailed(operation, error) {
  notice(error.text)
  if (operation.type === 'send') state.failed.set(operation.id, { operation, error })
  showPending(connection.outbox)
}

function showPending(outbox) {
  const here = outbox.filter((op) => op.room === state.room).map((op) => pendingElement(op, {}))
  const failed = [...state.failed.values()]
    .filter(({ operation }) => operation.room === state.room)
    .map(({ operation, error }) =>
      pendingElement(operation, {
        failed: `not sent: ${error.text}`,
        onRetry: () => {
          state.failed.delete(operation.id)
          connection.submit(operation)
        },
        onDiscard: () => {
          state.failed.delete(operation.id)
          showPending(connection.outbox)
        },
      }),
    )
  const end = list.atEnd
  $('pending').replaceChildren(...here, ...failed)
  if (end) list.toEnd()
}

function notice(text) {
  $('notice').textContent = text
}

// ---- commands -----------------------------------------------------------------------------------------------------------

const line = new CommandLine({
  box: $('text'),
  list: $('completions'),
  ask: (path, argument, typed) => ask({ type: 'suggest', path, argument, typed }),
})

/** Asks the gateway something; answers the question's id. */
function ask(message) {
  const id = randomId()
  notice(connection.ask({ id, ...message }) ? '' : 'Not connected. Try again in a moment.')
  return id
}

const press = (action, message) => ask({ type: 'action', room: state.room, action, message })

function answered({ id, notice: told }) {
  const dismiss = () => {
    list.retract(id)
    $('text').focus()
  }
  list.answer(id, answerElement(id, told, { press: (action) => press(action, id), begin: beginCommand, dismiss }))
}

/** Puts the beginning of a command where the person writes it on. */
function beginCommand(text) {
  setContext(undefined)
  $('text').value = text
  $('text').dispatchEvent(new Event('input'))
}

function setContext(context) {
  state.context = context
  $('context').hidden = context === undefined
  if (context) {
    const what = context.kind === 'edit' ? 'Editing your message' : `Replying to ${context.message.author.name}`
    $('context-text').textContent = `${what}: ${plainOf(context.message).slice(0, 80)}`
    $('context-cancel').setAttribute('aria-label', context.kind === 'edit' ? 'Stop editing' : 'Do not reply')
    if (context.kind === 'edit') $('text').value = plainOf(context.message)
  }
  $('send').textContent = context?.kind === 'edit' ? 'Save' : 'Send'
  grow()
  $('text').focus()
}

function cancelContext() {
  if (state.context?.kind === 'edit') $('text').value = ''
  setContext(undefined)
}

function write() {
  const text = $('text').value.trim()
  if (uploads.busy) return notice('Wait until the files are uploaded.')
  if (text === '' && uploads.count === 0) return
  const { context } = state
  line.close()
  if (context === undefined && line.isCommand(text)) {
    if (line.takesFile(text) && uploads.allowed && uploads.count === 0) return chooseFor(text)
    const files = line.takesFile(text) ? uploads.take().map(({ id }) => id) : []
    ask({ type: 'command', text, ...(files.length > 0 ? { files } : {}) })
  } else if (context?.kind === 'edit') submit({ type: 'edit', message: context.message.id, text })
  else sendMessage(text, context)
  $('text').value = ''
  setContext(undefined)
  list.toEnd()
}

function sendMessage(text, context) {
  const files = uploads.take()
  const named = files.map((file) => `📎 ${file.name}`).join(', ')
  const more = files.length > 0 ? { files: files.map((file) => file.id), shownAs: named } : {}
  submit({ type: 'send', text, ...(context ? { replyTo: context.message.id } : {}), ...more })
}

/** Asks for the file a command is about; once it is uploaded the command goes off by itself. */
function chooseFor(text) {
  state.waiting = text
  notice('Choose the file.')
  $('attach-input').click()
}

function uploadsChanged() {
  const { waiting } = state
  if (waiting === undefined || uploads.count === 0 || uploads.busy) return
  state.waiting = undefined
  if ($('text').value.trim() === waiting) write()
}

const uploads = new Uploads({ list: $('uploads'), onChange: uploadsChanged, onProblem: notice })

uploads.listen({ button: $('attach'), input: $('attach-input'), box: $('text'), area: $('chat') })

function grow() {
  const box = $('text')
  box.style.height = 'auto'
  box.style.height = `${box.scrollHeight + 2}px`
  const left = box.maxLength - box.value.length
  $('left').textContent = left < 200 ? `${left} characters left` : ''
}

function editLast() {
  const message = list.lastOwn
  if (message) setContext({ kind: 'edit', message })
}

// ---- entering -----------------------------------------------------------------------------------------------------------

function askName({ again }) {
  $('welcome').hidden = false
  $('chat').hidden = true
  $('first-room-field').hidden = again
  $('name-cancel').hidden = !again
  $('name').value = state.name ?? ''
  $('name').focus()
}

function showChat() {
  $('welcome').hidden = true
  $('chat').hidden = false
  $('text').focus()
}

function enter() {
  state.entered = true
  showChat()
  $('room-field').hidden = false
  $('me-button').hidden = false
  if (state.me) openRoom(state.room)
}

function openRoom(room) {
  if (room === undefined) return
  state.room = room
  remember('k2-room', room)
  $('room').value = room
  history.replaceState(null, '', `#${encodeURIComponent(room)}`)
  setContext(undefined)
  list.open(room)
  showPending(connection.outbox)
  connection.join(room)
}

$('name-form').addEventListener('submit', (event) => {
  event.preventDefault()
  const name = $('name').value.trim()
  if (name === '') return
  const renamed = state.entered
  state.name = name
  remember('k2-name', name)
  if (!renamed) state.room = $('first-room').value || state.room
  connection.rename(name)
  if (renamed) showChat()
  else enter()
})
$('name-cancel').addEventListener('click', showChat)
$('me-button').addEventListener('click', () => askName({ again: true }))
$('room').addEventListener('change', () => openRoom($('room').value))
$('composer').addEventListener('submit', (event) => {
  event.preventDefault()
  write()
})
$('context-cancel').addEventListener('click', cancelContext)
$('text').addEventListener('input', () => {
  grow()
  line.update()
})
$('menu').addEventListener('mousedown', (event) => event.preventDefault())
$('menu').addEventListener('click', () => (line.isOpen ? line.close() : beginCommand('/')))
$('text').addEventListener('blur', () => line.close())
$('text').addEventListener('keydown', (event) => {
  if (event.isComposing || line.key(event)) return
  if (event.key === 'Enter' && !event.shiftKey) {
    event.preventDefault()
    write()
  } else if (event.key === 'Escape' && state.context) cancelContext()
  else if (event.key === 'ArrowUp' && $('text').value === '') {
    event.preventDefault()
    editLast()
  }
})
$('people-button').addEventListener('click', () => {
  const shown = $('people').hidden
  $('people').hidden = !shown
  $('people-button').setAttribute('aria-expanded', String(shown))
})
$('theme-button').addEventListener('click', () => {
  const dark = getComputedStyle(document.documentElement).colorScheme === 'dark'
  const wasDark = document.documentElement.dataset.theme ? dark : matchMedia('(prefers-color-scheme: dark)').matches
  document.documentElement.dataset.theme = wasDark ? 'light' : 'dark'
  remember('k2-theme', document.documentElement.dataset.theme)
})

const theme = remembered('k2-theme')
if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
connection.start({ client: state.client, name: state.name ?? 'Guest' })
if (state.name === undefined) askName({ again: false })
else enter()
