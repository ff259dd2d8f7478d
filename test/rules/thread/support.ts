import { readMessage } from '../../../src/rules/reading/index.ts'
import {
  advance,
  type ChannelState,
  EMPTY_CHANNEL,
  IntentBook,
  type ThreadContext,
  type ThreadEvent,
  type ThreadInput,
  type ThreadMessage,
  type ThreadReader,
  type ThreadStep,
} from '../../../src/rules/thread/index.ts'
import { shippedLexicon } from '../support/lexicon.ts'

export const NOON = Date.UTC(2026, 0, 5, 12)
export const SECOND = 1_000
export const MINUTE = 60_000

/** The shipped reader, without a channel profile. */
export const reader: ThreadReader = { read: (message) => readMessage(message, { lexicon: shippedLexicon() }) }

/** One channel on a simulated clock: every step is applied to the book and the state, as the caller does. */
export class Talk {
  state: ChannelState = EMPTY_CHANNEL
  readonly book = new IntentBook()
  now = NOON
  opens: ThreadContext['opens'] = 'open'
  readonly #thread: string | undefined
  #count = 0

  constructor(thread?: string) {
    this.#thread = thread
  }

  after(ms: number): this {
    this.now += ms
    return this
  }

  message(author: string, text: string, part: Partial<ThreadMessage> = {}): ThreadMessage {
    return {
      id: `discord:c/${this.#count++}`,
      platform: 'discord',
      channel: 'c',
      thread: this.#thread,
      author: `discord:${author}`,
      trust: 'verified',
      text,
      sent_at: this.now,
      ...part,
    }
  }

  step(input: ThreadInput): ThreadStep {
    const step = advance(this.state, input, { now: this.now, reader, intents: this.book, opens: this.opens })
    this.state = step.state
    this.book.apply(step.events)
    return step
  }

  /** Says something; answers the step and the message's id. */
  say(author: string, text: string, part: Partial<ThreadMessage> = {}): ThreadStep & { readonly id: string } {
    this.now += SECOND
    const message = this.message(author, text, part)
    return { ...this.step({ kind: 'create', message }), id: message.id }
  }

  edit(id: string, author: string, text: string): ThreadStep {
    this.now += SECOND
    return this.step({ kind: 'edit', message: this.message(author, text, { id }) })
  }

  delete(id: string): ThreadStep {
    return this.step({ kind: 'delete', platform: 'discord', channel: 'c', id })
  }

  /** Intents of the channel as `kind item price status`. */
  get listings(): string[] {
    return [...this.book.records()].map(({ intent: i }) => {
      const { item, price } = i.slots
      return `${i.intent} ${item?.text.toLowerCase() ?? '-'} ${price?.max ?? price?.min ?? '-'} ${i.status} r${i.revision}`
    })
  }
}

export const types = (events: readonly ThreadEvent[]): string[] => events.map((e) => e.type)
