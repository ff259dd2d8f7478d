/** Commands in the composer: completion of names and values, and what a line with a slash means. */

import { element } from './render.js'

const MAX_SHOWN = 8
/** Pause in typing before values are asked for, ms. */
const PAUSE_MS = 150
const ROOT = /^\/(k2(-admin)?\s+)?/i

/** Arguments in the order they are given by their place: as the gateway reads them. */
function positional(all) {
  const open = all.filter((a) => a.type !== 'attachment')
  const rest = open.filter((a) => a.rest)
  const single = open.filter((a) => !a.rest)
  const optional = rest.length > 0 ? [] : single.filter((a) => !a.required)
  return [...single.filter((a) => a.required), ...optional, ...rest]
}

export class CommandLine {
  #box
  #list
  #ask
  #commands = []
  #options = []
  #active = -1
  #timer
  #asked

  /** `box`: the text field; `list`: the list of completions; `ask(path, argument, typed)` answers the question's id. */
  constructor({ box, list, ask }) {
    this.#box = box
    this.#list = list
    this.#ask = ask
    box.setAttribute('aria-autocomplete', 'list')
    box.setAttribute('aria-controls', list.id)
  }

  set commands(commands) {
    this.#commands = commands
  }

  get isOpen() {
    return !this.#list.hidden
  }

  /** Whether the line is for the gateway and not for the room. */
  isCommand(text) {
    if (!text.startsWith('/') || this.#commands.length === 0) return false
    if (/^\/k2(-admin)?(\s|$)/i.test(text)) return true
    const words = text.slice(1).toLowerCase().split(/\s+/)
    return this.#commands.some(({ path }) => path[0] === words[0] && (path.length === 1 || words.length > 1))
  }

  /** Whether the command in this line is about a file. */
  takesFile(text) {
    const typed = `${text.replace(ROOT, '').trim().toLowerCase()} `
    const fitting = this.#commands.filter(({ path }) => typed.startsWith(`${path.join(' ')} `))
    return fitting.some((command) => command.arguments.some((a) => a.type === 'attachment'))
  }

  /** The text changed: shows what fits. */
  update() {
    clearTimeout(this.#timer)
    const text = this.#box.value
    if (!text.startsWith('/') || text.includes('\n') || this.#commands.length === 0) return this.close()
    const typed = text.replace(ROOT, '').toLowerCase()
    const whole = this.#commands.find(({ path }) => typed.startsWith(`${path.join(' ')} `))
    if (whole) return this.#values(whole, text)
    const fitting = this.#commands.filter(({ path }) => path.join(' ').startsWith(typed.trimStart()))
    this.#show(
      fitting.map(({ path, summary, arguments: args }) => ({
        value: `/${path.join(' ')}${args.length > 0 ? ' ' : ''}`,
        label: `/${path.join(' ')}`,
        detail: summary,
      })),
    )
  }

  /** Values for the argument that is being typed; the last word is the unfinished one. */
  #values({ path, arguments: all }, text) {
    const args = positional(all)
    const start = text.replace(ROOT, '')
    const rest = start.slice(path.join(' ').length + 1)
    const words = rest.match(/"[^"]*"?|\S+/g) ?? []
    const isNew = rest === '' || /\s$/.test(rest)
    const at = Math.min(isNew ? words.length : words.length - 1, args.length - 1)
    const argument = args[at]
    if (!argument) return this.close()
    const typed = argument.rest ? words.slice(at).join(' ') : isNew ? '' : (words.at(-1) ?? '')
    const before = text.slice(0, text.length - (isNew && !argument.rest ? 0 : typed.length))
    const optionOf = (value, name) => ({
      value: before + (/\s/.test(value) && !argument.rest ? `"${value}"` : value),
      label: name,
      detail: argument.summary,
    })
    if (argument.choices) {
      const fitting = argument.choices.filter((c) => String(c.value).startsWith(typed.toLowerCase()))
      return this.#show(fitting.map((c) => optionOf(String(c.value), c.name)))
    }
    this.close()
    if (!argument.suggests) return
    this.#timer = setTimeout(() => {
      this.#asked = { id: this.#ask(path, argument.name, typed.replace(/^"/, '').slice(0, 100)), optionOf, text }
    }, PAUSE_MS)
  }

  /** Values the gateway suggests; too late ones are for a text that is no longer there. */
  suggested({ operation, values }) {
    if (this.#asked?.id !== operation || this.#asked.text !== this.#box.value) return
    this.#show(values.map(({ name, value }) => this.#asked.optionOf(value, name)))
  }

  #show(options) {
    this.#options = options.slice(0, MAX_SHOWN)
    this.#list.hidden = this.#options.length === 0
    this.#list.replaceChildren(
      ...this.#options.map(({ label, detail }, i) =>
        element(
          'div',
          // The field keeps the focus: pressing must not take it away.
          {
            id: `option-${i}`,
            role: 'option',
            'aria-selected': 'false',
            onmousedown: (e) => e.preventDefault(),
            onclick: () => this.#take(i),
          },
          element('span', { className: 'name', text: label }),
          element('span', { className: 'detail', text: detail }),
        ),
      ),
    )
    this.#choose(-1)
  }

  #choose(i) {
    this.#active = i
    for (const [n, node] of [...this.#list.children].entries()) node.setAttribute('aria-selected', String(n === i))
    if (i < 0) this.#box.removeAttribute('aria-activedescendant')
    else {
      this.#box.setAttribute('aria-activedescendant', `option-${i}`)
      this.#list.children[i].scrollIntoView({ block: 'nearest' })
    }
  }

  #take(i) {
    this.#box.value = this.#options[i].value
    this.#box.focus()
    this.#box.dispatchEvent(new Event('input'))
  }

  close() {
    clearTimeout(this.#timer)
    this.#list.hidden = true
    this.#options = []
    this.#choose(-1)
  }

  /** True when the key was for the list. */
  key(event) {
    if (!this.isOpen) return false
    const count = this.#options.length
    if (event.key === 'ArrowDown') this.#choose((this.#active + 1) % count)
    else if (event.key === 'ArrowUp') this.#choose((this.#active - 1 + count) % count)
    else if (event.key === 'Tab' && !event.shiftKey) this.#take(Math.max(0, this.#active))
    else if (event.key === 'Enter' && !event.shiftKey && this.#active >= 0) this.#take(this.#active)
    else if (event.key === 'Escape') this.close()
    else return false
    event.preventDefault()
    return true
  }
}
