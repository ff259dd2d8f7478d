/** The messages of the open room, and where the reader is in them. */

import { dayOf, element } from './render.js'

/** Messages kept in the page per room. */
const MAX_SHOWN = 500
/** Distance to the end of the list at which new messages scroll into view, pixels. */
const NEAR_END = 80

export class MessageList {
  /** room → Map of id → message. */
  #rooms = new Map()
  #room
  #lastDay
  #unread = 0
  #title = document.title
  #at
  #itemOf
  #isOwn

  /** `at`: elements scroll, log, messages, empty, jump; `itemOf(message)` builds one; `isOwn(message)`: of this person. */
  constructor({ at, itemOf, isOwn }) {
    this.#at = at
    this.#itemOf = itemOf
    this.#isOwn = isOwn
    at.jump.addEventListener('click', () => this.toEnd())
    at.scroll.addEventListener('scroll', () => {
      if (this.atEnd) at.jump.hidden = true
    })
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) return
      this.#unread = 0
      document.title = this.#title
    })
  }

  get #here() {
    return this.#rooms.get(this.#room) ?? new Map()
  }

  /** The newest message of this person in the open room. */
  get lastOwn() {
    return [...this.#here.values()].filter(this.#isOwn).at(-1)
  }

  get atEnd() {
    const { scroll } = this.#at
    return scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END
  }

  toEnd() {
    this.#at.scroll.scrollTop = this.#at.scroll.scrollHeight
    this.#at.jump.hidden = true
  }

  /** Shows another room. */
  open(room) {
    this.#room = room
    this.#showAll()
  }

  /** What the gateway has of a room: everything (`reset`), or what is new. */
  loaded(room, messages, reset) {
    const list = reset ? new Map() : (this.#rooms.get(room) ?? new Map())
    for (const message of messages) put(list, message)
    this.#rooms.set(room, list)
    if (room === this.#room) this.#showAll()
  }

  /** A new message, or a new version of one. */
  changed(room, message) {
    const list = this.#rooms.get(room) ?? new Map()
    this.#rooms.set(room, list)
    const isNew = !list.has(message.id)
    if (!put(list, message) || room !== this.#room) return
    const old = this.#find('id', message.id)
    if (message.deleted) old?.remove()
    else if (old) old.replaceWith(this.#itemOf(message))
    else if (isNew) this.#append(message)
    this.#at.empty.hidden = list.size > 0
  }

  /** Scrolls to a message and marks it for a moment; false when it is not here. */
  show(id) {
    const node = id && this.#find('id', id)
    if (!node) return false
    node.scrollIntoView({ block: 'center' })
    node.classList.add('found')
    setTimeout(() => node.classList.remove('found'), 2000)
    return true
  }

  /** An answer for this page alone; the same id again replaces it. */
  answer(id, node) {
    const end = this.atEnd
    const old = this.#find('answer', id)
    if (old) {
      // Whoever is at one of its buttons stays there: an answer may be replaced every few seconds.
      const held = old.contains(document.activeElement) ? document.activeElement.textContent : undefined
      old.replaceWith(node)
      if (held) [...node.querySelectorAll('button')].find(({ textContent }) => textContent === held)?.focus()
    } else this.#at.messages.append(node)
    this.#at.empty.hidden = true
    if (end || !old) this.toEnd()
  }

  retract(id) {
    this.#find('answer', id)?.remove()
  }

  #find(kind, id) {
    return this.#at.messages.querySelector(`[data-${kind}="${CSS.escape(id)}"]`)
  }

  #append(message) {
    const end = this.atEnd
    this.#addDay(message)
    const { messages, jump } = this.#at
    messages.append(this.#itemOf(message))
    while (messages.childElementCount > MAX_SHOWN) messages.firstElementChild.remove()
    if (end || this.#isOwn(message)) this.toEnd()
    else jump.hidden = false
    if (!document.hidden || this.#isOwn(message)) return
    this.#unread++
    document.title = `(${this.#unread}) ${this.#title}`
  }

  #addDay({ at }) {
    const day = dayOf(at)
    if (day === this.#lastDay) return
    this.#lastDay = day
    this.#at.messages.append(element('li', { className: 'day', text: day }))
  }

  #showAll() {
    const { log, messages, empty } = this.#at
    this.#lastDay = undefined
    // A whole room at once is not news: it is not read out.
    log.setAttribute('aria-live', 'off')
    messages.replaceChildren()
    for (const message of this.#here.values()) {
      this.#addDay(message)
      messages.append(this.#itemOf(message))
    }
    empty.hidden = this.#here.size > 0
    this.toEnd()
    requestAnimationFrame(() => log.setAttribute('aria-live', 'polite'))
  }
}

/** False when a version at least as new is known. */
function put(list, message) {
  const known = list.get(message.id)
  if (known && known.version >= message.version) return false
  if (message.deleted) list.delete(message.id)
  else list.set(message.id, message)
  if (list.size > MAX_SHOWN) list.delete(list.keys().next().value)
  return true
}
