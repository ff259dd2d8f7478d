/**
 * The page's side of the protocol: one WebSocket that comes back by itself, and an outbox that survives reloads. Operations
 * go out one at a time and leave the outbox only when the gateway has acknowledged them, so nothing is lost or doubled.
 */

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000
/** A connection that does not answer an operation for this long is replaced. */
const ANSWER_MS = 15_000
/** Tries of one operation before it is handed back to the person. */
const MAX_TRIES = 6
const OUTBOX_KEY = 'k2-outbox'
/** Errors after which the same operation may succeed. */
const RETRY = new Set(['rate-limited', 'busy', 'not-stored', 'stopping', 'not-in-room'])

export function randomId(bytes = 16) {
  const random = crypto.getRandomValues(new Uint8Array(bytes))
  return btoa(String.fromCharCode(...random))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '')
}

function readOutbox(storage) {
  try {
    const list = JSON.parse(storage.getItem(OUTBOX_KEY) ?? '[]')
    return Array.isArray(list) ? list.filter((op) => typeof op?.id === 'string' && typeof op?.room === 'string') : []
  } catch {
    // Written by another version or blocked by the browser: there is nothing to resend.
    return []
  }
}

export class Connection {
  #url
  #storage
  #handlers
  #socket
  #hello
  #room
  /** room → { epoch, version } of what the page shows. */
  #seen = new Map()
  #outbox
  #joined = false
  #inFlight
  #answerTimer
  #retryTimer
  #reconnectTimer
  #failures = 0

  /** handlers: onState(state, waitMs), onMessage(message), onOutbox(operations), onFailed(operation, error) */
  constructor({ url, storage, handlers }) {
    this.#url = url
    this.#storage = storage
    this.#handlers = handlers
    this.#outbox = readOutbox(storage)
  }

  get outbox() {
    return this.#outbox
  }

  /** The room joined last. */
  get room() {
    return this.#room
  }

  start(hello) {
    this.#hello = hello
    this.#open()
    addEventListener('online', () => this.retryNow())
    addEventListener('pageshow', (event) => event.persisted && this.retryNow())
  }

  /** The name changed: the gateway learns it now or with the next connection. */
  rename(name) {
    this.#hello = { ...this.#hello, name }
    this.#tell({ type: 'rename', name })
  }

  /** Asks something now; without a connection it is not asked at all. */
  ask(message) {
    this.#tell(message)
    return this.#socket?.readyState === WebSocket.OPEN
  }

  join(room) {
    this.#room = room
    this.#joined = false
    this.#tell({ type: 'join', room, ...this.#since(room) })
  }

  /** Puts an operation into the outbox and sends it as soon as its turn comes. */
  submit(operation) {
    this.#outbox = [...this.#outbox, { ...operation, tries: 0 }]
    this.#saveOutbox()
    this.#pump()
  }

  discard(id) {
    this.#outbox = this.#outbox.filter((op) => op.id !== id)
    this.#saveOutbox()
    if (this.#inFlight === id) this.#settled()
  }

  retryNow() {
    if (this.#socket) return
    clearTimeout(this.#reconnectTimer)
    this.#failures = 0
    this.#open()
  }

  #since(room) {
    const since = this.#seen.get(room)
    return since ? { since } : {}
  }

  #tell(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message))
  }

  #open() {
    this.#handlers.onState('connecting', 0)
    const socket = new WebSocket(this.#url)
    this.#socket = socket
    socket.onopen = () => {
      this.#tell({ type: 'hello', version: 1, ...this.#hello })
      if (this.#room !== undefined) this.join(this.#room)
    }
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data))
    socket.onclose = () => this.#closed(socket)
  }

  #closed(socket) {
    if (this.#socket !== socket) return
    this.#socket = undefined
    this.#joined = false
    this.#settled()
    clearTimeout(this.#retryTimer)
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures++)
    const wait = longest * (0.5 + Math.random() / 2)
    this.#handlers.onState('offline', wait)
    this.#reconnectTimer = setTimeout(() => this.#open(), wait)
  }

  #receive(message) {
    switch (message.type) {
      case 'welcome':
        this.#failures = 0
        this.#handlers.onState('online', 0)
        break
      case 'joined':
        this.#seen.set(message.room, { epoch: message.epoch, version: message.version })
        this.#joined = message.room === this.#room
        break
      case 'message':
        this.#advance(message.room, message.message.version)
        break
      case 'ack':
        this.#handlers.onMessage(message)
        this.discard(message.id)
        this.#pump()
        return
      case 'error':
        this.#refused(message)
        return
    }
    this.#handlers.onMessage(message)
    if (message.type === 'joined') this.#pump()
  }

  #advance(room, version) {
    const seen = this.#seen.get(room)
    if (seen && version > seen.version) this.#seen.set(room, { ...seen, version })
  }

  #refused(error) {
    const operation = this.#outbox.find((op) => op.id === error.id)
    if (!operation) {
      if (error.retryAfterMs !== undefined && !this.#joined) this.#later(error.retryAfterMs, () => this.join(this.#room))
      this.#handlers.onMessage(error)
      return
    }
    if (!RETRY.has(error.code)) {
      this.discard(operation.id)
      this.#handlers.onFailed(operation, error)
      this.#pump()
      return
    }
    this.#settled()
    if (error.code === 'not-in-room') this.join(this.#room)
    else this.#later(error.retryAfterMs ?? 1000, () => this.#pump())
  }

  #later(ms, run) {
    clearTimeout(this.#retryTimer)
    this.#retryTimer = setTimeout(run, ms)
  }

  #settled() {
    this.#inFlight = undefined
    clearTimeout(this.#answerTimer)
  }

  /** Sends the oldest operation of the room, one at a time: order is kept through refusals and new connections. */
  #pump() {
    if (!this.#joined || this.#inFlight !== undefined) return
    const operation = this.#outbox.find((op) => op.room === this.#room)
    if (!operation) return
    operation.tries = (operation.tries ?? 0) + 1
    if (operation.tries > MAX_TRIES) {
      this.discard(operation.id)
      this.#handlers.onFailed(operation, { code: 'gave-up', text: 'the gateway does not accept this message' })
      this.#pump()
      return
    }
    const { tries: _tries, shownAs: _shownAs, ...message } = operation
    this.#inFlight = operation.id
    this.#answerTimer = setTimeout(() => this.#socket?.close(), ANSWER_MS)
    this.#tell(message)
  }

  #saveOutbox() {
    try {
      this.#storage.setItem(OUTBOX_KEY, JSON.stringify(this.#outbox))
    } catch {
      // Storage is full or forbidden: the outbox then lives as long as the page.
    }
    this.#handlers.onOutbox(this.#outbox)
  }
}
