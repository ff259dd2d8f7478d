/** Builds the elements of messages. Text from people only ever becomes text nodes. */

const NETWORKS = { web: 'Web', discord: 'Discord', telegram: 'Telegram', p2p: 'K2' }
const BLOCKS = { pre: 'pre', quote: 'blockquote', heading: 'strong', subtext: 'small' }
const INLINE = { bold: 'strong', italic: 'em', underline: 'u', strike: 's', code: 'code' }
const URL_IN_TEXT = /https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]]/g

export function element(tag, { text, ...properties } = {}, ...children) {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value)
    else if (name in node && name !== 'role') node[name] = value
    else node.setAttribute(name, value)
  }
  if (text !== undefined) node.textContent = text
  node.append(...children.filter((child) => child !== undefined))
  return node
}

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' })
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' })

export const dayOf = (at) => day.format(at)

function link(text, url) {
  return element('a', { text, href: url, target: '_blank', rel: 'noopener noreferrer nofollow' })
}

/** Text with the web addresses in it as links. */
function linked(text) {
  const nodes = []
  let at = 0
  for (const match of text.matchAll(URL_IN_TEXT)) {
    nodes.push(text.slice(at, match.index), link(match[0], match[0]))
    at = match.index + match[0].length
  }
  nodes.push(text.slice(at))
  return nodes.filter((node) => node !== '')
}

function inlineRun({ text, styles = [], url }) {
  const code = styles.includes('code') || styles.includes('pre')
  let nodes = url ? [link(text, url)] : code ? [text] : linked(text)
  for (const style of [...styles].reverse()) {
    if (INLINE[style]) nodes = [element(INLINE[style], {}, ...nodes)]
    else if (style === 'spoiler') nodes = [spoiler(text)]
    else if (style === 'mention') nodes = [element('strong', { className: 'mention' }, ...nodes)]
  }
  return nodes
}

function spoiler(text) {
  const button = element('button', {
    type: 'button',
    className: 'spoiler',
    'aria-pressed': 'false',
    'aria-label': 'Spoiler, show',
  })
  button.textContent = text
  button.addEventListener('click', () => {
    const shown = button.getAttribute('aria-pressed') !== 'true'
    button.setAttribute('aria-pressed', String(shown))
    if (shown) button.removeAttribute('aria-label')
    else button.setAttribute('aria-label', 'Spoiler, show')
  })
  return button
}

/** Runs of one block style share one element; the newline at its border is its own line break already. */
export function body(runs) {
  const root = element('div', { className: 'body', dir: 'auto' })
  let open
  for (const [i, run] of runs.entries()) {
    const style = run.styles?.find((s) => BLOCKS[s])
    if (style === undefined) {
      const afterBlock = open !== undefined && run.text.startsWith('\n')
      const beforeBlock = runs[i + 1]?.styles?.some((s) => BLOCKS[s]) && run.text.endsWith('\n')
      const text = run.text.slice(afterBlock ? 1 : 0, beforeBlock && run.text.length > (afterBlock ? 1 : 0) ? -1 : undefined)
      open = undefined
      root.append(...inlineRun({ ...run, text }))
      continue
    }
    if (open?.style !== style) {
      open = { style, node: element(BLOCKS[style], { className: style }) }
      root.append(open.node)
    }
    open.node.append(...inlineRun(run))
  }
  return root
}

function card({ title, lines, topic }) {
  const node = element(
    'div',
    { className: 'card', role: 'group', 'aria-label': `Market card in ${topic}` },
    element('h3', { text: title }),
  )
  for (const line of lines) node.append(element('p', {}, ...linked(line)))
  return node
}

function badge(network) {
  const known = network in NETWORKS ? network : 'web'
  return element('span', { className: `badge ${known}`, text: NETWORKS[known], title: `from ${NETWORKS[known]}` })
}

/** actions: { own, onReply, onEdit, onDelete, onFind, files, notice } */
export function messageElement(message, actions) {
  const { author, at, editedAt, reply } = message
  const buttons = element('div', { className: 'actions' })
  const button = (text, run, label) =>
    buttons.append(element('button', { type: 'button', text, 'aria-label': label, onclick: run }))
  button('Reply', actions.onReply, `Reply to ${author.name}`)
  if (actions.own) {
    button('Edit', actions.onEdit, 'Edit this message')
    button('Delete', actions.onDelete, 'Delete this message')
  }
  const unproven = author.senderClass !== undefined && author.senderClass !== 'verified'
  const head = element(
    'div',
    { className: 'head' },
    element('span', { className: 'author', text: author.name, dir: 'auto' }),
    badge(author.network),
    unproven
      ? element('span', { className: 'badge unverified', text: 'unverified', title: 'The network cannot prove who this is' })
      : undefined,
    element('time', { text: clock.format(at), dateTime: new Date(at).toISOString(), title: full.format(at) }),
    editedAt ? element('span', { className: 'edited', text: '(edited)', title: full.format(editedAt) }) : undefined,
    buttons,
  )
  const quoted = reply ? [reply.name, reply.excerpt].filter(Boolean).join(': ') : ''
  return element(
    'li',
    { className: actions.own ? 'message own' : 'message', 'data-id': message.id },
    head,
    quoted === ''
      ? undefined
      : element('button', {
          type: 'button',
          className: 'reply',
          text: `↪ ${quoted}`,
          'aria-label': `Answers ${quoted}. Go there`,
          onclick: actions.onFind,
        }),
    message.text.length > 0 ? body(message.text) : undefined,
    message.card ? card(message.card) : undefined,
    actions.files,
    actions.notice,
  )
}

/** A message on its way, or one that failed with ways out. */
export function pendingElement(operation, { failed, onRetry, onDiscard }) {
  const state = failed ?? (operation.type === 'send' ? 'sending…' : `${operation.type === 'edit' ? 'editing' : 'deleting'}…`)
  const node = element(
    'li',
    { className: failed ? 'message own failed' : 'message own waiting' },
    element('div', { className: 'body', dir: 'auto', text: operation.text || operation.shownAs || '' }),
    element('span', { className: 'edited', text: state }),
  )
  if (failed) {
    node.append(
      element(
        'div',
        { className: 'row' },
        element('button', { type: 'button', text: 'Try again', onclick: onRetry }),
        element('button', { type: 'button', text: 'Discard', onclick: onDiscard }),
      ),
    )
  }
  return node
}

export const plainOf = (message) => message.text.map((run) => run.text).join('')
