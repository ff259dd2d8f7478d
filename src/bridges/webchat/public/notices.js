/** What the gateway itself says: notices with buttons and files, and forms. */

import { body, element } from './render.js'

const SHOWN = /^image\/(png|jpeg|gif|webp)$/
const UNITS = ['B', 'KiB', 'MiB', 'GiB']

function sizeOf(bytes) {
  const unit = Math.min(Math.floor(Math.log2(Math.max(1, bytes)) / 10), UNITS.length - 1)
  return `${Math.round((bytes / 1024 ** unit) * 10) / 10} ${UNITS[unit]}`
}

function fileElement({ name, mime, size, path }) {
  if (SHOWN.test(mime)) return element('img', { src: path, alt: name, className: 'shown-file' })
  return element('a', { href: path, download: name, className: 'file', text: `📎 ${name} (${sizeOf(size)})` })
}

function actionElement(action, press) {
  if (action.url)
    return element('a', {
      className: 'button',
      text: action.label,
      href: action.url,
      target: '_blank',
      rel: 'noopener noreferrer',
    })
  const className =
    action.style === 'danger' ? 'danger' : action.style === 'primary' || action.style === 'success' ? 'primary' : ''
  const button = element('button', { type: 'button', className, text: action.label })
  button.addEventListener('click', () => {
    // The answer may take a while; a second press would ask twice. Disabling it for good would take the focus away.
    if (button.getAttribute('aria-disabled') === 'true') return
    button.setAttribute('aria-disabled', 'true')
    setTimeout(() => button.removeAttribute('aria-disabled'), 3000)
    press(action.id)
  })
  return button
}

/** How far something is: a picture, and the same in words. */
function meterElement({ label, done, total, text }) {
  // What has nothing to do is done.
  const [value, max] = total > 0 ? [done, total] : [1, 1]
  return element(
    'div',
    { className: 'meter' },
    element('span', { className: 'meter-label', text: label, dir: 'auto' }),
    element('progress', { value, max, 'aria-label': `${label}: ${text}` }),
    element('span', { className: 'meter-text', text }),
  )
}

/** A command somebody may want to run, as the gateway writes it: what is to be filled in stands in brackets. */
const COMMAND = /^\/[a-z][a-z0-9 -]*/

/** Commands in a text of the gateway become buttons that begin them. */
function withCommands(node, begin) {
  for (const code of node.querySelectorAll('code')) {
    const [command] = COMMAND.exec(code.textContent) ?? []
    if (command === undefined) continue
    const begun = command.trimEnd()
    const label = `Begin the command ${code.textContent}`
    code.replaceWith(
      element('button', {
        type: 'button',
        className: 'command',
        text: code.textContent,
        'aria-label': label,
        onclick: () => begin(begun === code.textContent ? begun : `${begun} `),
      }),
    )
  }
  return node
}

/** The inside of a notice; `press(actionId)` is called for its buttons, `begin(text)` for commands it names. */
export function noticeElement({ title, text, actions = [], files = [], meters = [] }, { press, begin }) {
  return element(
    // A group and not a region: there may be many of them with the same name.
    'div',
    { className: 'card told', role: 'group', 'aria-label': title ?? 'From the gateway' },
    title === undefined ? undefined : element('h3', { text: title }),
    text.length > 0 ? withCommands(body(text), begin) : undefined,
    ...meters.map(meterElement),
    ...files.map(fileElement),
    ...actions.map((row) => element('div', { className: 'row' }, ...row.map((action) => actionElement(action, press)))),
  )
}

/** An answer for this page alone. */
export function answerElement(id, notice, { press, begin, dismiss }) {
  return element(
    'li',
    { className: 'message answer', 'data-answer': id },
    element(
      'div',
      { className: 'head' },
      element('span', { className: 'author', text: 'K2 gateway' }),
      element('span', { className: 'badge', text: 'only you see this' }),
      element(
        'div',
        { className: 'actions' },
        element('button', { type: 'button', text: 'Dismiss', 'aria-label': 'Dismiss this answer', onclick: dismiss }),
      ),
    ),
    noticeElement(notice, { press, begin }),
  )
}

function fieldElement({ name, label, value = '', placeholder = '', required, multiline, maxLength }) {
  const id = `form-${name}`
  const properties = { id, name, value, placeholder, required, ...(maxLength ? { maxLength } : {}) }
  const input = multiline
    ? element('textarea', { ...properties, rows: 4 })
    : element('input', { ...properties, type: 'text', autocomplete: 'off' })
  const shown = required ? label : `${label} (optional)`
  return element('div', { className: 'field' }, element('label', { htmlFor: id, text: shown }), input)
}

/** Asks with a dialogue; `send(values)` gets what was filled in. */
export function openForm(dialog, form, send) {
  const fields = form.fields.map(fieldElement)
  const inside = element(
    'form',
    { method: 'dialog' },
    element('h2', { id: 'form-title', text: form.title }),
    ...fields,
    element(
      'div',
      { className: 'row' },
      element('button', { type: 'submit', className: 'primary', text: 'Continue' }),
      element('button', { type: 'button', text: 'Cancel', onclick: () => dialog.close() }),
    ),
  )
  inside.addEventListener('submit', () => send(Object.fromEntries(new FormData(inside))))
  dialog.setAttribute('aria-labelledby', 'form-title')
  dialog.replaceChildren(inside)
  dialog.showModal()
}
