import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import type { NativePart } from '../port.ts'
import type { DiscordApi } from './api.ts'
import { judge, NOT_OURS, type Verdict } from './errors.ts'
import { type Edit, fileFields, shownAfter } from './execute-files.ts'
import { componentsOf } from './notice.ts'
import { channelIdOf, type DiscordCall } from './outbound.ts'
import { snowflakeMs } from './probe.ts'
import { ended, filesOf, pinging, type Result, type Run, type Target, viaBot, viaWebhook } from './run.ts'
import type { SentMemory } from './sent-memory.ts'
import type { Webhooks } from './webhooks.ts'

/** Deleting with one call (bridging 4.3): how many, how old; where it was refused it is tried again after a while. */
const SWEEP = { most: 100, maxAgeMs: 14 * 86_400_000 - 60_000, channels: 10_000, againMs: 3_600_000 }

export interface ChangerOptions {
  readonly api: DiscordApi
  readonly webhooks: Webhooks
  /** Deletes under way, so that their echoes are not taken for a moderator's. */
  readonly ownDeletes: BoundedMap<string, true>
  readonly clock: Clock
}

/** Edits and deletes messages of ours, as the webhook or bot that wrote them (bridging 4.4, 10.2). */
export class Changer {
  readonly #options: ChangerOptions
  readonly #memory: SentMemory
  /** Channels where the bot may delete messages one by one only. */
  readonly #unswept = new BoundedMap<string, true>({ max: SWEEP.channels, ttlMs: SWEEP.againMs })

  constructor(options: ChangerOptions, memory: SentMemory) {
    this.#options = options
    this.#memory = memory
  }

  /** Edits as the one who wrote the message. When that was somebody else, the text is planned anew for the other. */
  async edit(run: Run, call: Edit): Promise<Result> {
    const { webhooks } = this.#options
    const { ref } = call.target
    if (call.files === undefined && this.#memory.looksLike(ref.id, call)) return { kind: 'next', part: call.target }
    const webhook = webhooks.known(ref.channel)
    if (run.mode === 'webhook' && webhook === undefined) run.mode = 'bot'
    const verdict = await this.#call(run, call, run.mode === 'webhook' && webhook ? viaWebhook(webhook, ref) : viaBot(ref))
    const isForeign =
      run.mode === 'webhook'
        ? verdict?.kind === 'satisfied' || verdict?.kind === 'webhook-lost'
        : verdict?.kind === 'permanent' && verdict.code === NOT_OURS
    if (webhook !== undefined && verdict?.kind === 'webhook-lost') await webhooks.lost(webhook)
    run.triedModes.add(run.mode)
    const other = run.mode === 'webhook' ? 'bot' : 'webhook'
    const isKnown = this.#memory.senderOf(ref.id) !== undefined
    if (isForeign && !isKnown && !run.triedModes.has(other) && (other === 'bot' || webhook !== undefined)) {
      run.mode = other
      return { kind: 'replan' }
    }
    if (verdict === undefined) this.#memory.note(run, call, ref.id, run.mode === 'webhook' && webhook ? webhook.id : 'bot')
    if (verdict?.kind === 'webhook-lost')
      return ended('permanent', 'DISCORD_WEBHOOK_GONE', 'the webhook of this message no longer exists')
    return verdict === undefined ? { kind: 'next', part: shownAfter(call) } : { kind: 'judged', verdict, call }
  }

  /** Whether the bot wrote all of these messages and may still delete them with one call. */
  canSweep(parts: readonly NativePart[], now: number): boolean {
    const [first] = parts
    if (first === undefined || parts.length < 2 || parts.length > SWEEP.most) return false
    const channel = channelIdOf(first.ref)
    if (this.#unswept.has(channel, now)) return false
    return parts.every(
      ({ ref }) =>
        channelIdOf(ref) === channel && this.#memory.senderOf(ref.id) === 'bot' && now - snowflakeMs(ref.id) < SWEEP.maxAgeMs,
    )
  }

  /** Deletes several messages of the bot with one call, which takes the right to manage messages. Undefined: done. */
  async sweep(run: Run, parts: readonly NativePart[]): Promise<Verdict | undefined> {
    const { api, ownDeletes, clock } = this.#options
    const channel = channelIdOf((parts[0] as NativePart).ref)
    const ids = parts.map(({ ref }) => ref.id)
    for (const id of ids) ownDeletes.set(`${channel}/${id}`, true, clock.now())
    const path = `/channels/${channel}/messages/bulk-delete` as const
    const answer = await api.call({ method: 'POST', path, auth: 'bot', body: { messages: ids } }, run.signal)
    const verdict = answer.ok ? undefined : judge(answer.failure, 'delete')
    if (verdict?.kind === 'permanent' || verdict?.kind === 'lane-failed') this.#unswept.set(channel, true, clock.now())
    return verdict
  }

  async delete(run: Run, call: DiscordCall & { op: 'delete' }): Promise<Result> {
    const { webhooks, ownDeletes, clock } = this.#options
    const { ref } = call.target
    const deleteKey = `${channelIdOf(ref)}/${ref.id}`
    const webhook = webhooks.known(ref.channel)
    const sender = this.#memory.senderOf(ref.id)
    ownDeletes.set(deleteKey, true, clock.now())
    let verdict: Verdict | undefined
    if (webhook !== undefined && sender !== 'bot') {
      verdict = await this.#call(run, call, viaWebhook(webhook, ref))
      if (verdict === undefined || (verdict.kind === 'satisfied' && sender === webhook.id)) return { kind: 'next' }
      if (verdict.kind === 'webhook-lost') await webhooks.lost(webhook)
      else if (verdict.kind !== 'satisfied') return { kind: 'judged', verdict }
    }
    verdict = await this.#call(run, call, viaBot(ref))
    if (verdict === undefined || verdict.kind === 'satisfied') return { kind: 'next' }
    if (verdict.kind !== 'ambiguous') ownDeletes.delete(deleteKey)
    return { kind: 'judged', verdict }
  }

  async #call(run: Run, call: DiscordCall & { op: 'edit' | 'delete' }, target: Target): Promise<Verdict | undefined> {
    const { api } = this.#options
    if (call.op === 'delete') {
      const answer = await api.call({ method: 'DELETE', ...target }, run.signal)
      return answer.ok ? undefined : judge(answer.failure, 'delete')
    }
    const files = await fileFields(api, call, target, run.signal)
    if ('failure' in files) return judge(files.failure, 'edit')
    const { button } = call
    const components = button === undefined ? {} : { components: button === null ? [] : componentsOf([[button]]) }
    const body = { content: call.content, allowed_mentions: pinging(call.mentioned), ...components, ...files }
    const answer = await api.call({ method: 'PATCH', ...target, body, ...filesOf(call) }, run.signal)
    return answer.ok ? undefined : judge(answer.failure, 'edit')
  }
}
