import { element } from './render.js'

const UNITS = ['B', 'kB', 'MB', 'GB']

export function sizeText(bytes) {
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`
}

/** Files of a message: pictures are shown, the others are links that download. */
export function filesElement(files) {
  const node = element('ul', { className: 'files', 'aria-label': 'Files' })
  for (const file of files) {
    const name = file.size === undefined ? file.name : `${file.name} (${sizeText(file.size)})`
    const link = element('a', { href: file.path, download: file.name, className: 'file', dir: 'auto' })
    if (file.inline) {
      link.append(element('img', { src: file.path, alt: file.alt ?? file.name, loading: 'lazy', decoding: 'async' }))
      link.title = name
      link.removeAttribute('download')
      link.target = '_blank'
      link.rel = 'noopener noreferrer'
    } else link.append(element('span', { 'aria-hidden': 'true', text: '📎 ' }), name)
    node.append(element('li', {}, link))
  }
  return node
}

/** Uploads waiting to be sent, as a list with progress bars. options: { list, onChange, onProblem } */
export class Uploads {
  #options
  #grant
  #items = []

  constructor(options) {
    this.#options = options
  }

  /** { token, maxBytes, maxFiles } of the welcome; undefined switches uploads off. */
  set grant(grant) {
    this.#grant = grant
  }

  get allowed() {
    return this.#grant !== undefined
  }

  get count() {
    return this.#items.length
  }

  get busy() {
    return this.#items.some((item) => item.id === undefined)
  }

  add(files) {
    if (!this.#grant) return
    for (const file of files) {
      if (this.#items.length >= this.#grant.maxFiles)
        return this.#options.onProblem(`At most ${this.#grant.maxFiles} files at once.`)
      if (file.size === 0) this.#options.onProblem(`${file.name} is empty.`)
      else if (file.size > this.#grant.maxBytes)
        this.#options.onProblem(
          `${file.name} is too large: ${sizeText(file.size)}, the limit is ${sizeText(this.#grant.maxBytes)}.`,
        )
      else this.#begin(file)
    }
  }

  /** Takes files chosen with a button, pasted into the box or dropped onto the area. */
  listen({ button, input, box, area }) {
    button.addEventListener('click', () => input.click())
    input.addEventListener('change', () => {
      this.add([...input.files])
      input.value = ''
      box.focus()
    })
    box.addEventListener('paste', (event) => {
      const files = [...event.clipboardData.files]
      if (files.length === 0 || !this.allowed) return
      event.preventDefault()
      this.add(files)
    })
    for (const type of ['dragover', 'drop']) {
      area.addEventListener(type, (event) => {
        if (!event.dataTransfer.types.includes('Files') || !this.allowed) return
        event.preventDefault()
        area.classList.toggle('dropping', type === 'dragover')
        if (type === 'drop') this.add([...event.dataTransfer.files])
      })
    }
    area.addEventListener('dragleave', () => area.classList.remove('dropping'))
  }

  /** Ids of what is ready, and forgets it. */
  take() {
    const taken = this.#items.map(({ id, name }) => ({ id, name }))
    this.#items = []
    this.#show()
    return taken
  }

  #begin(file) {
    const name = file.name || 'file'
    const bar = element('progress', { max: 1, value: 0, 'aria-label': `Uploading ${name}` })
    const item = { name, bar, id: undefined }
    item.request = new XMLHttpRequest()
    item.node = element(
      'li',
      {},
      element('span', { text: `${name} (${sizeText(file.size)})`, dir: 'auto' }),
      bar,
      element('button', { type: 'button', text: '✕', 'aria-label': `Remove ${name}`, onclick: () => this.#remove(item) }),
    )
    this.#items.push(item)
    this.#show()
    const { request } = item
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total
    })
    request.addEventListener('load', () => this.#loaded(item))
    request.addEventListener('error', () => this.#failed(item, 'the connection broke'))
    request.open('POST', `chat/files?name=${encodeURIComponent(name)}`)
    request.setRequestHeader('x-upload-token', this.#grant.token)
    request.setRequestHeader('content-type', 'application/octet-stream')
    request.send(file)
  }

  #loaded(item) {
    let answer = {}
    try {
      answer = JSON.parse(item.request.responseText)
    } catch {
      // Something in between answered: the status says enough.
    }
    if (item.request.status !== 201) return this.#failed(item, answer.error?.message ?? `status ${item.request.status}`)
    item.id = answer.id
    item.bar.replaceWith(element('span', { className: 'edited', text: 'ready' }))
    this.#options.onChange()
  }

  #failed(item, why) {
    this.#remove(item)
    this.#options.onProblem(`${item.name} could not be uploaded: ${why}`)
  }

  #remove(item) {
    item.request.abort()
    this.#items = this.#items.filter((other) => other !== item)
    this.#show()
  }

  #show() {
    this.#options.list.replaceChildren(...this.#items.map((item) => item.node))
    this.#options.list.hidden = this.#items.length === 0
    this.#options.onChange()
  }
}
