import { TaskGroup } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { excerptOf } from '../../bridges/format/plain.ts'
import type { Action, Notice } from '../../bridges/interaction.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import type { Place } from '../../bridges/model/place.ts'
import type { RichText } from '../../bridges/model/rich-text.ts'
import type { ActionIds } from '../commands/action-ids.ts'
import { bold, code, line, lines, notice } from '../commands/notices.ts'
import type { Notifier } from '../commands/notifier.ts'
import { printPlace } from '../config/places.ts'
import type { HeldMessage, Quarantine, RouteDecision } from '../pipeline/index.ts'
import type { ModerationStore } from './store.ts'

/** Waiting messages shown after a start, and notes kept while the moderators' place cannot be reached. */
const MAX_SHOWN = 50
const MAX_NOTES = 100
const POST_MS = 20_000
const EXCERPT = 300

export const APPROVE = 'mod-ok'
export const REJECT = 'mod-no'
export const BAN = 'mod-ban'

export interface AnnounceOptions {
  readonly store: ModerationStore
  readonly quarantine: () => Quarantine
  readonly notifier: () => Notifier
  readonly ids: ActionIds
  /** Where moderators are told; undefined: nowhere, they ask. */
  readonly channel: () => Place | undefined
  readonly clock: Clock
  readonly log: Logger
}

/** Shows moderators what waits for them, with buttons, in the place they chose. */
export class Announcements {
  readonly #o: AnnounceOptions
  readonly #tasks: TaskGroup
  readonly #stop = new AbortController()
  #notes: Notice[] = []
  #working = false
  #again = false

  constructor(options: AnnounceOptions) {
    this.#o = options
    this.#tasks = new TaskGroup((err) => options.log.warn({ ev: 'moderators-not-told', err }, 'moderators could not be told'))
  }

  readonly flagged = (envelope: Envelope, decision: RouteDecision): void => {
    if (this.#o.channel() === undefined) return
    const filter = decision.trace.routes.find((r) => r.notify !== undefined)?.notify
    if (!decision.hold && filter !== undefined && this.#notes.length < MAX_NOTES)
      this.#notes.push(notice(lines(...describe(envelope, `noticed by ${filter}`))))
    this.look()
  }

  /** Shows what is not shown yet; also after a restart. */
  look(): void {
    if (this.#stop.signal.aborted) return
    this.#again = true
    if (this.#working) return
    this.#working = true
    this.#tasks.add(
      this.#work().finally(() => {
        this.#working = false
      }),
    )
  }

  /** Takes the buttons of decided messages away. */
  async settle(eventIds: readonly string[], text: string): Promise<void> {
    for (const ref of await this.#o.store.takeNotices(eventIds)) {
      const change = this.#o.notifier().repost(ref, notice(text), this.#signal())
      await change.catch((error: unknown) => this.#failed(error))
    }
  }

  async drain(): Promise<void> {
    this.#stop.abort()
    await this.#tasks.settled()
  }

  /** Buttons of one waiting message. */
  buttons(eventId: string): readonly (readonly Action[])[] {
    const { ids } = this.#o
    return [
      [
        { id: ids.id(APPROVE, eventId), label: 'Let it through', style: 'success' },
        { id: ids.id(REJECT, eventId), label: 'Refuse', style: 'secondary' },
        { id: ids.id(BAN, eventId), label: 'Refuse and ban', style: 'danger' },
      ],
    ]
  }

  async #work(): Promise<void> {
    const { store, quarantine, notifier, channel, clock } = this.#o
    while (this.#again) {
      this.#again = false
      const place = channel()
      if (place === undefined) return
      try {
        for (const note of this.#notes.splice(0)) await notifier().post({ kind: 'place', place }, note, this.#signal())
        const waiting = await quarantine().list(MAX_SHOWN)
        const shown = await store.noticed(waiting.map((held) => held.eventId))
        for (const held of waiting.filter((h) => !shown.has(h.eventId))) {
          const ref = await notifier().post({ kind: 'place', place }, this.#heldNotice(held), this.#signal())
          await store.keepNotice(held.eventId, ref, clock.now())
        }
      } catch (error) {
        // The next message that waits, or the next start, shows it; the list command does in any case.
        this.#failed(error)
        return
      }
    }
  }

  #heldNotice({ eventId, envelope, reason }: HeldMessage): Notice {
    return notice(lines(...describe(envelope, `waits because of ${reason}`)), { actions: this.buttons(eventId) })
  }

  #signal(): AbortSignal {
    return AbortSignal.any([this.#stop.signal, AbortSignal.timeout(POST_MS)])
  }

  #failed(error: unknown): void {
    this.#o.log.warn({ ev: 'moderators-not-told', reason: errorMessage(error) }, 'moderators could not be told')
  }
}

/** A message as moderators see it. */
export function describe({ author, at, event }: Envelope, why: string): readonly RichText[] {
  const body = event.kind === 'message.create' ? event.body : undefined
  const files = body?.attachments.map((a) => a.name).join(', ') ?? ''
  return [
    line(bold(author.displayName), ' ', code(author.key), ' in ', code(printPlace(at)), `, ${why}:`),
    line(body === undefined ? '' : excerptOf(body.rich, EXCERPT), files === '' ? '' : ` 📎 ${files.slice(0, EXCERPT)}`),
  ]
}
