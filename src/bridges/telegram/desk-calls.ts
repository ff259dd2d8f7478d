import { z } from 'zod'
import { sleep } from '../../base/async.ts'
import { K2Error } from '../../base/errors.ts'
import type { Notice, OutFile } from '../interaction.ts'
import type { OpenClients } from './client.ts'
import { failureOf, failureText, judge } from './errors.ts'
import type { TelegramLimits } from './limits.ts'
import { keyboardOf, renderTexts } from './notice.ts'

const Sent = z.looseObject({ message_id: z.int() })

/** Where something is said. */
export interface Spot {
  /** Chat id or public name, as calls take it. */
  readonly chat: number | string
  readonly thread?: number
  readonly replyTo?: number
}

export interface CallOptions {
  readonly clients: () => OpenClients | undefined
  readonly limits: TelegramLimits
  readonly now: () => number
  readonly signal: AbortSignal
}

/** Waits for limits at most this often and this long each, ms: people look at it. */
const MAX_WAITS = 5
const MAX_WAIT_MS = 15_000
/** Largest file a bot may upload, bytes. */
const MAX_FILE = 50 * 1024 * 1024
const UPLOAD_MS = 300_000

/** Calls that say what the bot itself has to say: patient with limits, errors as K2Error. */
export class DeskCalls {
  readonly #o: CallOptions

  constructor(options: CallOptions) {
    this.#o = options
  }

  /** Rejects `TELEGRAM_*`: kind `denied` when the person or chat does not let the bot write. */
  async call(method: string, payload: Readonly<Record<string, unknown>>, signal = this.#o.signal): Promise<unknown> {
    const chat = payload.chat_id
    for (let waits = 0; ; waits++) {
      const wait = chat === undefined ? undefined : this.#o.limits.reserve(String(chat), this.#o.now())
      if (wait === undefined) {
        try {
          return await this.#client().main.call(method, payload, signal)
        } catch (error) {
          const afterMs = this.#afterMs(error, chat)
          if (afterMs === undefined || waits >= MAX_WAITS || afterMs > MAX_WAIT_MS) throw callError(error)
          await sleep(afterMs, signal)
        }
      } else if (waits >= MAX_WAITS || wait.afterMs > MAX_WAIT_MS) throw tooFast(wait.afterMs)
      else await sleep(wait.afterMs, signal)
    }
  }

  /** Says a notice: texts, then files. Answers the id of the message with the buttons. */
  async say(spot: Spot, notice: Notice, signal = this.#o.signal): Promise<number> {
    const texts = renderTexts(notice)
    let last = 0
    for (const [i, text] of texts.entries()) {
      const isLast = i === texts.length - 1
      const markup = isLast && (notice.actions?.length ?? 0) > 0 ? { reply_markup: keyboardOf(notice.actions) } : {}
      last = await this.send(i === 0 ? spot : { ...spot, replyTo: undefined as never }, { ...text, ...markup }, signal)
    }
    for (const file of notice.files ?? []) await this.#upload(spot, file, signal)
    return last
  }

  async send(spot: Spot, content: Readonly<Record<string, unknown>>, signal = this.#o.signal): Promise<number> {
    const payload = { ...at(spot), ...content, link_preview_options: { is_disabled: true } }
    return Sent.parse(await this.call('sendMessage', payload, signal)).message_id
  }

  /** False when the message is gone. What no longer fits into it is left out. */
  async edit(chat: number | string, id: number, notice: Notice, signal = this.#o.signal): Promise<boolean> {
    const [text = { text: '…' }] = renderTexts(notice)
    const payload = {
      chat_id: chat,
      message_id: id,
      ...text,
      reply_markup: keyboardOf(notice.actions),
      link_preview_options: { is_disabled: true },
    }
    try {
      await this.call('editMessageText', payload, signal)
    } catch (error) {
      if (!(error instanceof K2Error)) throw error
      if (/message is not modified/i.test(error.message)) return true
      if (/message to edit not found|message_id_invalid|can't be edited/i.test(error.message)) return false
      throw error
    }
    for (const file of notice.files ?? []) await this.#upload({ chat, replyTo: id }, file, signal)
    return true
  }

  async #upload(spot: Spot, file: OutFile, signal: AbortSignal): Promise<void> {
    if (file.size > MAX_FILE) {
      await this.send(
        spot,
        { text: `📎 ${file.name} is too large to send here (${Math.ceil(file.size / 1024 / 1024)} MB).` },
        signal,
      )
      return
    }
    const { upload, newFile } = this.#client()
    const isPhoto = /^image\/(png|jpeg|webp)$/.test(file.mime) && file.size < 10 * 1024 * 1024
    const limit = AbortSignal.any([signal, AbortSignal.timeout(UPLOAD_MS)])
    const content = newFile(file.open(limit), file.name)
    try {
      await upload.call(isPhoto ? 'sendPhoto' : 'sendDocument', { ...at(spot), [isPhoto ? 'photo' : 'document']: content }, limit)
    } catch (error) {
      throw callError(error)
    }
  }

  #afterMs(error: unknown, chat: unknown): number | undefined {
    const verdict = judge(failureOf(error), 'create')
    if (verdict.kind !== 'rate-limited') return undefined
    return chat === undefined ? verdict.afterMs : this.#o.limits.refused(String(chat), verdict.afterMs, this.#o.now()).afterMs
  }

  #client(): OpenClients {
    const clients = this.#o.clients()
    if (clients) return clients
    throw notConnected()
  }
}

export function notConnected(): K2Error {
  return new K2Error({
    code: 'TELEGRAM_NOT_CONNECTED',
    kind: 'network',
    retry: 'later',
    message: 'the bot is not connected to Telegram yet',
  })
}

function at({ chat, thread, replyTo }: Spot): Record<string, unknown> {
  return {
    chat_id: chat,
    ...(thread !== undefined && { message_thread_id: thread }),
    ...(replyTo !== undefined && { reply_parameters: { message_id: replyTo, allow_sending_without_reply: true } }),
  }
}

function tooFast(afterMs: number): K2Error {
  return new K2Error({ code: 'TELEGRAM_RATE_LIMITED', kind: 'limit', retry: { afterMs }, message: 'Telegram asks to wait' })
}

/** A failed call as an error for whoever asked. */
export function callError(error: unknown): K2Error {
  const failure = failureOf(error)
  const verdict = judge(failure, 'create')
  const message = failureText(failure)
  switch (verdict.kind) {
    case 'rate-limited':
      return tooFast(verdict.afterMs)
    case 'lane-failed':
      return new K2Error({ code: verdict.code, kind: 'denied', message })
    case 'not-sent':
      return new K2Error({ code: verdict.code, kind: 'network', retry: 'later', message })
    case 'ambiguous':
      return new K2Error({ code: verdict.code, kind: 'network', retry: 'ambiguous', message })
    default:
      return new K2Error({ code: 'TELEGRAM_REFUSED', kind: 'platform', message })
  }
}
