import { BoundedMap } from '../../base/bounded-map.ts'
import { emojiKey, type ReactionChange, type ReactionOutcome } from '../reactions.ts'
import type { TelegramClient } from './client.ts'
import { failureOf, judge } from './errors.ts'
import type { TelegramLimits } from './limits.ts'

/** Emojis bots may react with, as of Bot API 9.2 (10.4). */
const ALLOWED: ReadonlySet<string> = new Set(
  (
    '❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤‍🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨‍💻 👀 🎃 🙈 😇 ' +
    '😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷‍♂ 🤷 🤷‍♀ 😡'
  ).split(' '),
)
const SKIN = /[\u{1f3fb}-\u{1f3ff}]/gu
/** An emoji a chat refused is not tried there again for this long, ms. */
const REFUSED_MS = 86_400_000
const MAX_REFUSED = 10_000
const RETRY_MS = 5_000
/** Emojis tried for one message before it goes without. */
const MAX_TRIES = 5

export interface TelegramReactionsOptions {
  readonly client: TelegramClient
  readonly limits: TelegramLimits
  readonly now: () => number
}

/** Our bot shows the one allowed emoji with most votes elsewhere (10.4). */
export class TelegramReactions {
  readonly #options: TelegramReactionsOptions
  readonly #refused = new BoundedMap<string, true>({ max: MAX_REFUSED, ttlMs: REFUSED_MS })

  constructor(options: TelegramReactionsOptions) {
    this.#options = options
  }

  async react({ ref, wanted, shown }: ReactionChange, signal: AbortSignal): Promise<ReactionOutcome> {
    const { limits, now } = this.#options
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const best = this.#best(ref.channel, wanted)
      if (best === shown[0] || (best === undefined && shown.length === 0)) return { kind: 'done', shown }
      const wait = limits.reserve(ref.channel, now())
      if (wait) return { kind: 'later', afterMs: wait.afterMs, shown }
      const answer = await this.#set(ref.channel, ref.id, best, signal)
      if (answer !== 'refused') return answer
      this.#refused.set(`${ref.channel} ${best}`, true, now())
    }
    return { kind: 'done', shown }
  }

  #best(channel: string, wanted: ReactionChange['wanted']): string | undefined {
    const now = this.#options.now()
    return wanted
      .map((emoji) => emojiKey(emoji.key).replace(SKIN, ''))
      .find((key) => ALLOWED.has(key) && !this.#refused.has(`${channel} ${key}`, now))
  }

  async #set(channel: string, id: string, emoji: string | undefined, signal: AbortSignal): Promise<ReactionOutcome | 'refused'> {
    const { client, limits, now } = this.#options
    const payload = {
      chat_id: /^-?\d+$/.test(channel) ? Number(channel) : channel,
      message_id: Number(id),
      reaction: emoji === undefined ? [] : [{ type: 'emoji', emoji }],
    }
    try {
      await client.call('setMessageReaction', payload, signal)
      return { kind: 'done', shown: emoji === undefined ? [] : [emoji] }
    } catch (error) {
      const failure = failureOf(error)
      if (failure.kind === 'api' && /reaction_invalid|reactions_too_many|reaction_empty/i.test(failure.description))
        return 'refused'
      const verdict = judge(failure, 'edit')
      if (verdict.kind === 'rate-limited') return { kind: 'later', shown: [], ...limits.refused(channel, verdict.afterMs, now()) }
      return verdict.kind === 'not-sent' || verdict.kind === 'ambiguous'
        ? { kind: 'later', afterMs: RETRY_MS, shown: [] }
        : { kind: 'gone' }
    }
  }
}
