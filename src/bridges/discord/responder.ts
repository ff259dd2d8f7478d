import { Mutex, sleep } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import type { Form, Notice, Responder } from '../interaction.ts'
import type { ApiAnswer, ApiRequest, DiscordApi } from './api.ts'
import { isAnswered, isTooOld, noticeError } from './interaction-error.ts'
import { type RenderedNotice, renderModal, renderNotice } from './notice.ts'

const CALLBACK = { message: 4, defer: 5, deferUpdate: 6, update: 7, suggestions: 8, modal: 9 } as const
const EPHEMERAL = 1 << 6
/** Discord wants a sign within 3 s; this leaves one for the way. */
const DEFER_MS = 1_800
/** Waits for limits while answering, at most this often and this long each, ms. */
const MAX_WAITS = 5
const MAX_WAIT_MS = 10_000
const MAX_CHOICES = 25
const MAX_CHOICE = 100

export interface ResponderOptions {
  readonly api: DiscordApi
  readonly applicationId: string
  readonly id: string
  readonly token: string
  readonly kind: 'command' | 'component' | 'modal' | 'autocomplete'
  /** Answers are usually for the asking person alone. */
  readonly isPrivate: boolean
  /** Largest file that may be attached, bytes. */
  readonly maxFile: number
  /** Makes a button that opens a form: Discord takes forms only as first answers. */
  readonly formButton: (form: Form) => Notice
  /** Says it in the place itself when the interaction is too old; for private ones to the person. */
  readonly afterwards: (notice: Notice, isPrivate: boolean) => Promise<void>
  readonly signal: AbortSignal
  readonly clock: Clock
}

/** `original`: the first answer, or for buttons the message that carries them. */
type Last = { readonly id: '@original' } | { readonly id: string }

/** Answers one interaction and keeps Discord's deadlines: it defers when nothing was said in time (bridging 4.1). */
export class DiscordResponder implements Responder {
  readonly #o: ResponderOptions
  /** Calls go out one after the other: what they are depends on what came before. */
  readonly #turn = new Mutex()
  #state: 'open' | 'deferred' | 'answered' | 'lost' = 'open'
  #last: Last | undefined
  readonly #cancelDefer: () => void

  constructor(options: ResponderOptions) {
    this.#o = options
    this.#cancelDefer =
      options.kind === 'autocomplete'
        ? () => {}
        : options.clock.after(DEFER_MS, () => this.#turn.run(() => this.#defer()).catch(() => {}))
  }

  /** No answer comes any more. */
  close(): void {
    this.#cancelDefer()
  }

  reply(notice: Notice, options: { readonly private?: boolean } = {}): Promise<void> {
    const isPrivate = options.private ?? false
    return this.#turn.run(async () => {
      const shown = this.#render(notice, isPrivate)
      // Uploads take time that a first answer does not have.
      if (shown.files.length > 0) await this.#defer()
      if (this.#state === 'open') return this.#first(CALLBACK.message, shown, notice, isPrivate)
      if (this.#state === 'deferred' && this.#o.kind !== 'component') {
        if (isPrivate === this.#o.isPrivate) return this.#editLast({ id: '@original' }, shown, notice, isPrivate)
        // Who sees an answer was decided when it was deferred: another message for others.
        await this.#call({ method: 'DELETE', path: this.#path('/messages/@original'), auth: 'none' })
      }
      return this.#followUp(shown, notice, isPrivate)
    })
  }

  update(notice: Notice): Promise<void> {
    return this.#turn.run(async () => {
      const { kind, isPrivate } = this.#o
      const shown = this.#render(notice, isPrivate)
      if (shown.files.length > 0) await this.#defer()
      if (this.#state === 'open') {
        return this.#first(kind === 'component' ? CALLBACK.update : CALLBACK.message, shown, notice, isPrivate)
      }
      return this.#editLast(this.#last ?? { id: '@original' }, shown, notice, isPrivate)
    })
  }

  form(form: Form): Promise<void> {
    return this.#turn.run(async () => {
      if (this.#state === 'open' && this.#o.kind !== 'modal') {
        const answer = await this.#respond(CALLBACK.modal, { body: renderModal(form) as Record<string, unknown>, files: [] })
        if (answer.ok || !isTooOld(answer.failure)) return this.#settle(answer)
        this.#state = 'lost'
      }
      const notice = this.#o.formButton(form)
      const shown = this.#render(notice, true)
      if (this.#state === 'open') return this.#first(CALLBACK.message, shown, notice, true)
      if (this.#state === 'deferred' && this.#o.kind !== 'component' && this.#o.isPrivate) {
        return this.#editLast({ id: '@original' }, shown, notice, true)
      }
      return this.#followUp(shown, notice, true)
    })
  }

  suggest(values: readonly { readonly name: string; readonly value: string }[]): Promise<void> {
    return this.#turn.run(async () => {
      const usable = values.filter((v) => v.value.length <= MAX_CHOICE && v.name.length > 0)
      const choices = usable.slice(0, MAX_CHOICES).map((v) => ({ name: v.name.slice(0, MAX_CHOICE), value: v.value }))
      const answer = await this.#respond(CALLBACK.suggestions, { body: { choices }, files: [] })
      // The person typed on: nobody waits for this answer.
      if (!answer.ok && !isTooOld(answer.failure)) throw noticeError(answer.failure)
    })
  }

  #render(notice: Notice, isPrivate: boolean): RenderedNotice {
    const { body, files } = renderNotice(notice, this.#o.maxFile, this.#o.signal)
    return { body: { ...body, flags: isPrivate ? EPHEMERAL : 0 }, files }
  }

  async #defer(): Promise<void> {
    if (this.#state !== 'open') return
    const { kind, isPrivate } = this.#o
    const answer =
      kind === 'component'
        ? await this.#respond(CALLBACK.deferUpdate, undefined)
        : await this.#respond(CALLBACK.defer, { body: { flags: isPrivate ? EPHEMERAL : 0 }, files: [] })
    if (answer.ok || isAnswered(answer.failure)) this.#state = 'deferred'
    else if (isTooOld(answer.failure)) this.#state = 'lost'
  }

  async #first(type: number, shown: RenderedNotice, notice: Notice, isPrivate: boolean): Promise<void> {
    const answer = await this.#respond(type, shown)
    if (!answer.ok && isAnswered(answer.failure)) {
      // Our first answer may have arrived although we did not hear of it.
      this.#state = 'answered'
      return this.#editLast({ id: '@original' }, shown, notice, isPrivate)
    }
    if (!answer.ok && isTooOld(answer.failure)) {
      this.#state = 'lost'
      return this.#o.afterwards(notice, isPrivate)
    }
    this.#settle(answer)
    this.#last = { id: '@original' }
  }

  async #editLast(last: Last, shown: RenderedNotice, notice: Notice, isPrivate: boolean): Promise<void> {
    if (this.#state === 'lost') return this.#o.afterwards(notice, isPrivate)
    // Flags of a message that is there already cannot be changed.
    const { flags: _, ...body } = shown.body
    const request = { method: 'PATCH', path: this.#path(`/messages/${last.id}`), auth: 'none', body, ...filesOf(shown) } as const
    const answer = await this.#call(request)
    if (!answer.ok && isTooOld(answer.failure)) {
      this.#state = 'lost'
      return this.#o.afterwards(notice, isPrivate)
    }
    this.#settle(answer)
    this.#last = last
  }

  async #followUp(shown: RenderedNotice, notice: Notice, isPrivate: boolean): Promise<void> {
    if (this.#state === 'lost') return this.#o.afterwards(notice, isPrivate)
    const answer = await this.#call({ method: 'POST', path: this.#path(''), auth: 'none', body: shown.body, ...filesOf(shown) })
    if (!answer.ok && isTooOld(answer.failure)) {
      this.#state = 'lost'
      return this.#o.afterwards(notice, isPrivate)
    }
    this.#settle(answer)
    const id = answer.ok ? (answer.body as { id?: unknown } | undefined)?.id : undefined
    if (typeof id === 'string') this.#last = { id }
  }

  #settle(answer: ApiAnswer): void {
    if (!answer.ok) throw noticeError(answer.failure)
    this.#cancelDefer()
    this.#state = 'answered'
  }

  #respond(type: number, shown: RenderedNotice | undefined): Promise<ApiAnswer> {
    const { id, token } = this.#o
    return this.#call({
      method: 'POST',
      path: `/interactions/${id}/${token}/callback`,
      auth: 'none',
      body: { type, ...(shown && { data: shown.body }) },
      ...filesOf(shown),
    })
  }

  #path(tail: string): `/${string}` {
    return `/webhooks/${this.#o.applicationId}/${this.#o.token}${tail}`
  }

  /** Waits for limits as long as that makes sense: a person looks at it. */
  async #call(request: ApiRequest): Promise<ApiAnswer> {
    const { api, signal } = this.#o
    for (let waits = 0; ; waits++) {
      const answer = await api.call(request, signal)
      if (answer.ok || answer.failure.kind !== 'rate-limit' || waits === MAX_WAITS || answer.failure.afterMs > MAX_WAIT_MS) {
        return answer
      }
      await sleep(answer.failure.afterMs, signal)
    }
  }
}

function filesOf(shown: RenderedNotice | undefined) {
  return shown === undefined || shown.files.length === 0 ? {} : { files: shown.files }
}
