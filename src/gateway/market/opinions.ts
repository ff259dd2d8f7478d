import type { Clock } from '../../base/clock.ts'
import { errorCode } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Lexicon } from '../../rules/index.ts'
import type { Reading } from '../../rules/model.ts'
import {
  ANSWER_WITHIN_MS,
  type AnswerFormat,
  buildRequest,
  cacheKey,
  checkedAnswer,
  completionBody,
  DEFAULT_LIMITS,
  FORMATS,
  nextFormat,
  OpinionGate,
  type OpinionRequest,
  type OpinionResult,
  retryAfterMs,
  withOpinion,
} from '../../rules/second-opinion/index.ts'
import type { ThreadMessage } from '../../rules/thread/index.ts'
import type { MarketConfig } from '../config/market.ts'
import type { Counters } from '../pipeline/stats.ts'
import type { Origin } from './model.ts'

/** Bytes of an answer that are read at all. */
const MAX_BODY = 65_536
/** What an endpoint takes as format is asked again after a day. */
const FORMAT_MS = 86_400_000
/** Messages that wait for the same answer. */
const MAX_WAITING = 20

/** What a second reader adds to a message's reading. */
export interface Opinion {
  readonly message: ThreadMessage
  readonly before: Reading
  readonly reading: Reading
  readonly draft: Reading | null
  readonly origin: Origin
}

interface Waiting {
  readonly message: ThreadMessage
  readonly reading: Reading
  readonly origin: Origin
  readonly at: number
}

interface Question {
  readonly key: string
  readonly request: OpinionRequest
  readonly messages: Waiting[]
}

export interface OpinionsOptions {
  readonly model: NonNullable<MarketConfig['model']>
  readonly lexicon: Lexicon
  readonly counters: Counters
  readonly clock: Clock
  readonly log: Logger
  /** A second reading of a message; only what the rules of merging allow. */
  readonly onReading: (about: Opinion) => Promise<void>
}

/**
 * Asks an OpenAI-compatible endpoint about doubtful messages (rules 15). Nothing waits for it: readings of the rules are used at
 * once, an answer in time only adds to them. Whatever the endpoint does ends in an answer or a counted failure.
 */
export class Opinions {
  readonly #options: OpinionsOptions
  readonly #gate: OpinionGate
  readonly #questions = new Map<string, Question>()
  readonly #abort = new AbortController()
  readonly #running = new Set<Promise<void>>()
  #format: { readonly name: AnswerFormat; readonly at: number } = { name: FORMATS[0], at: 0 }

  constructor(options: OpinionsOptions) {
    this.#options = options
    const { perMinute, tokensPerDay } = options.model
    this.#gate = new OpinionGate({ ...DEFAULT_LIMITS, perMinute, tokensPerDay }, options.clock.now())
  }

  get circuit(): 'closed' | 'open' | 'half_open' {
    return this.#gate.circuit(this.#options.clock.now())
  }

  /** Asks about one reading, or not: budgets, queue and circuit decide. Never throws, never waits. */
  ask(message: ThreadMessage, reading: Reading, origin: Origin, channelTopic?: string): void {
    if (this.#abort.signal.aborted) return
    const { clock, counters, model } = this.#options
    const now = clock.now()
    const request = buildRequest(reading, message.text, {
      ...(message.entities !== undefined && { entities: message.entities }),
      ...(channelTopic !== undefined && { channelTopic }),
    })
    const key = cacheKey(`${model.url} ${model.model}`, request)
    const admitted = this.#gate.admit(key, now)
    counters.add('model_requests_total', { result: admitted.result })
    if (admitted.result === 'refused') return
    const waiting: Waiting = { message, reading, origin, at: now }
    if (admitted.result === 'cached') {
      this.#deliver([waiting], admitted.cached)
      return
    }
    const question = this.#questions.get(key) ?? { key, request, messages: [] }
    if (question.messages.length < MAX_WAITING) question.messages.push(waiting)
    this.#questions.set(key, question)
    if (admitted.result === 'start') this.#start(question)
  }

  /** Nothing is asked any more; what is under way is given up. */
  async stop(): Promise<void> {
    this.#abort.abort()
    await Promise.allSettled(this.#running)
  }

  #start(question: Question): void {
    const run = this.#answer(question).catch((error: unknown) =>
      this.#options.log.warn({ ev: 'model-failed', code: errorCode(error) }, 'a second reading ended unexpectedly'),
    )
    this.#running.add(run)
    run.finally(() => this.#running.delete(run)).catch(() => {})
  }

  async #answer(question: Question): Promise<void> {
    const { clock, counters } = this.#options
    const begun = clock.monotonic()
    const { result, tokens } = await this.#post(question.request)
    counters.observe('model_seconds', {}, (clock.monotonic() - begun) / 1000)
    counters.add('model_answers_total', { result: 'answer' in result ? 'ok' : result.failure.kind })
    if (tokens !== undefined) counters.add('model_tokens_total', {}, tokens)
    this.#questions.delete(question.key)
    const next = this.#gate.settle(question.key, result, tokens, clock.now())
    for (const key of next.dropped) this.#questions.delete(key)
    for (const key of next.start) {
      const waiting = this.#questions.get(key)
      if (waiting !== undefined) this.#start(waiting)
    }
    this.#deliver(question.messages, result)
  }

  #deliver(messages: readonly Waiting[], result: OpinionResult): void {
    const { clock, lexicon, onReading, log, counters } = this.#options
    if (!('answer' in result) || this.#abort.signal.aborted) return
    for (const { message, reading, origin, at } of messages) {
      if (clock.now() - at > ANSWER_WITHIN_MS) {
        counters.add('model_answers_total', { result: 'late' })
        continue
      }
      const merged = withOpinion(reading, { ok: true, answer: result.answer }, lexicon)
      if (merged.draft === null && merged.reading === reading) continue
      onReading({ message, before: reading, origin, ...merged }).catch((err: unknown) =>
        log.warn({ ev: 'model-reading', err }, 'a second reading could not be used'),
      )
    }
  }

  async #post(request: OpinionRequest): Promise<{ readonly result: OpinionResult; readonly tokens: number | undefined }> {
    const { model, lexicon, clock } = this.#options
    const signal = AbortSignal.any([this.#abort.signal, AbortSignal.timeout(model.timeout)])
    let format = clock.now() - this.#format.at > FORMAT_MS ? FORMATS[0] : this.#format.name
    try {
      for (let attempt = 0; ; ) {
        const { status, body, retryAfter } = await this.#call(request, format, signal)
        const other = nextFormat(format, status, body)
        if (other !== undefined) {
          format = other
          continue
        }
        const wait = retryAfterMs(attempt, status, retryAfter)
        if (wait !== undefined) {
          attempt++
          await new Promise<void>((resolve) => void clock.after(wait, resolve))
          signal.throwIfAborted()
          continue
        }
        if (status >= 200 && status < 300) this.#format = { name: format, at: clock.now() }
        const answered = checkedAnswer(status, body, { lexicon, text: request.text })
        return { result: answered.ok ? { answer: answered.answer } : { failure: answered.failure }, tokens: answered.tokens }
      }
    } catch {
      // What the endpoint or the network said stays out of logs and readings.
      const kind = signal.aborted ? 'timeout' : 'http'
      return {
        result: { failure: { kind, detail: kind === 'timeout' ? 'no answer in time' : 'no connection' } },
        tokens: undefined,
      }
    }
  }

  async #call(
    request: OpinionRequest,
    format: AnswerFormat,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly body: string; readonly retryAfter: string | null }> {
    const { model } = this.#options
    const response = await fetch(`${model.url.replace(/(?<!\/)\/+$/, '')}/chat/completions`, {
      method: 'POST',
      redirect: 'error',
      signal,
      headers: {
        'content-type': 'application/json',
        ...(model.key !== undefined && { authorization: `Bearer ${model.key.reveal()}` }),
      },
      body: JSON.stringify(completionBody(request, model.model, format)),
    })
    return { status: response.status, body: await bounded(response, signal), retryAfter: response.headers.get('retry-after') }
  }
}

/** At most `MAX_BODY` bytes; an endless answer is cut off there. */
async function bounded(response: Response, signal: AbortSignal): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    signal.throwIfAborted()
    chunks.push(chunk as Uint8Array)
    size += (chunk as Uint8Array).length
    // One byte more than is allowed tells the reader that it is too long.
    if (size > MAX_BODY) break
  }
  return Buffer.concat(chunks).toString('utf8')
}
