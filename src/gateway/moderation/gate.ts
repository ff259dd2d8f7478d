import { BoundedMap } from '../../base/bounded-map.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import { hasInvite, prepareFacts } from '../../rules/index.ts'
import { isDirectRoute } from '../pipeline/direct-route.ts'
import { factsOf } from '../pipeline/facts.ts'
import type { CompiledRoute, RouteModeration, Verdict } from '../pipeline/index.ts'
import type { Bar, ModerationState, RouteLimits, Said } from './model.ts'

/** People whose last message on a route is remembered for slow mode. */
const MAX_SPEAKERS = 20_000

type Moderated = Pick<CompiledRoute, 'id' | 'parent' | 'moderation'>

export interface GateSettings {
  /** Every account of the person an account belongs to, itself included. */
  readonly accountsOf: (account: string) => readonly string[]
  /** Whether somebody wrote before the raid began. */
  readonly isKnown: (account: string) => boolean
  /** False when so much waits for a moderator that nothing more is kept. */
  readonly canHold: () => boolean
}

/** Decides about single events: bans, slow mode, raids, links, attachments (bridging 18). No I/O; `now` is passed in, ms. */
export class ModerationGate {
  readonly #settings: GateSettings
  #bars: ReadonlyMap<string, readonly Bar[]> = new Map()
  #limits: ReadonlyMap<string, RouteLimits> = new Map()
  /** By route and person: messages that were let through. */
  readonly #recent = new BoundedMap<string, readonly { readonly at: number; readonly eventId: string }[]>({ max: MAX_SPEAKERS })
  /** The same: the last one. */
  readonly #spoke = new BoundedMap<string, { readonly at: number; readonly eventId: string }>({ max: MAX_SPEAKERS })

  constructor(settings: GateSettings) {
    this.#settings = settings
  }

  use({ bars, limits }: ModerationState): void {
    const byAccount = new Map<string, Bar[]>()
    for (const bar of bars) {
      for (const account of this.#settings.accountsOf(bar.account)) {
        const list = byAccount.get(account)
        if (list) list.push(bar)
        else byAccount.set(account, [bar])
      }
    }
    this.#bars = byAccount
    this.#limits = new Map(limits.map((l) => [l.route ?? '', l]))
  }

  /** The longest time before now that a message of a person still counts on one of these routes, ms; 0: none does. */
  memoryMs(routes: readonly Moderated[]): number {
    return Math.max(0, ...routes.map((route) => Math.max(this.#slowOf(route), route.moderation?.rate?.per ?? 0)))
  }

  /** Learns what was let through before this process began, oldest first, so that a restart gives nobody a new turn. */
  remember(said: readonly Said[], routes: ReadonlyMap<string, Moderated>): void {
    for (const { account, route: id, eventId, at } of said) {
      const route = routes.get(id)
      if (route === undefined) continue
      const key = this.#keyOf(account, route)
      if (this.#slowOf(route) > 0) this.#spoke.set(key, { at, eventId }, at)
      const rate = route.moderation?.rate
      if (rate === undefined) continue
      const recent = (this.#recent.get(key, at) ?? []).filter((one) => Math.abs(at - one.at) < rate.per)
      this.#recent.set(key, [...recent, { at, eventId }], at)
    }
  }

  /** Bars of an account that hold now, on a route and its threads or everywhere. */
  barsOf(account: string, route: Pick<Moderated, 'id' | 'parent'> | undefined, now: number): readonly Bar[] {
    const bars = this.#bars.get(account) ?? []
    const holds = (b: Bar): boolean => b.route === undefined || (route !== undefined && idsOf(route).includes(b.route))
    return bars.filter((b) => holds(b) && (b.until === undefined || b.until > now))
  }

  /**
   * The same event gets the same answer as long as nothing is decided in between. `again`: it was let through before and
   * waited since, so what its author wrote meanwhile does not count against it.
   */
  judge(envelope: Envelope, route: CompiledRoute, now: number, again = false): Verdict | undefined {
    const { event } = envelope
    const actor = event.kind === 'reaction.set' || event.kind === 'reaction.delta' ? event.actor.key : envelope.author.key
    const barred = this.#barred(actor, route, now)
    if (barred !== undefined) return barred
    if (event.kind === 'notice' && event.notice === 'join') return this.#isRaid(route, now) ? drop('raid') : undefined
    if (event.kind !== 'message.create') return undefined
    if (this.#isRaid(route, now) && !this.#settings.isKnown(actor)) return drop('raid')
    const content = this.#content(envelope, route)
    if (content !== undefined || again) return content
    return this.#slow(envelope, actor, route) ?? this.#rate(envelope, actor, route)
  }

  #barred(account: string, route: CompiledRoute, now: number): Verdict | undefined {
    const kinds = new Set(this.barsOf(account, route, now).map((b) => b.kind))
    if (kinds.has('ban')) return drop('banned')
    if (kinds.has('mute')) return drop('muted')
    if (kinds.has('optout') && !isDirectRoute(route.id)) return drop('optout')
    return kinds.has('hold') ? this.#hold('quarantine') : undefined
  }

  #isRaid(route: CompiledRoute, now: number): boolean {
    return [...idsOf(route), ''].some((id) => (this.#limits.get(id)?.raid?.until ?? 0) > now)
  }

  #content(envelope: Envelope, { moderation }: CompiledRoute): Verdict | undefined {
    if (moderation === undefined || envelope.event.kind !== 'message.create') return undefined
    const { links, invites, maxAttachments } = moderation
    const { body } = envelope.event
    if (maxAttachments !== undefined && body.attachments.length > maxAttachments) return drop('max-attachments')
    if ((links ?? 'allow') === 'allow' && (invites ?? 'allow') === 'allow') return undefined
    const facts = prepareFacts(factsOf(envelope, body))
    return (
      (hasInvite(facts) ? this.#policy(invites, 'invite') : undefined) ??
      (facts.hosts().length > 0 ? this.#policy(links, 'link') : undefined)
    )
  }

  #policy(policy: RouteModeration['links'], reason: string): Verdict | undefined {
    if (policy === 'drop') return drop(reason)
    return policy === 'hold' ? this.#hold(reason) : undefined
  }

  #slow(envelope: Envelope, actor: string, route: CompiledRoute): Verdict | undefined {
    const slow = this.#slowOf(route)
    if (slow === 0) return undefined
    const { eventId, occurredAt: at } = envelope
    const key = this.#keyOf(actor, route)
    const last = this.#spoke.get(key, at)
    // Times of the source: what was written at its pace passes at its pace, also when it comes in late.
    if (last !== undefined && last.eventId !== eventId && at - last.at < slow) return drop('slow-mode')
    this.#spoke.set(key, { at, eventId }, at)
    return undefined
  }

  #slowOf(route: Moderated): number {
    const set = [...idsOf(route), ''].find((id) => this.#limits.get(id)?.slowMs !== undefined)
    return (set === undefined ? undefined : this.#limits.get(set)?.slowMs) ?? route.moderation?.slow ?? 0
  }

  /** A person on a route and its threads. */
  #keyOf(actor: string, { id, parent }: Moderated): string {
    return `${parent ?? id} ${this.#settings.accountsOf(actor)[0] ?? actor}`
  }

  /** Not more than so many messages of a person in any such time, by the time they were written. */
  #rate({ eventId, occurredAt: at }: Envelope, actor: string, route: CompiledRoute): Verdict | undefined {
    const rate = route.moderation?.rate
    if (rate === undefined) return undefined
    const key = this.#keyOf(actor, route)
    // Of those that were let through at most as many as the limit are within the time.
    const recent = (this.#recent.get(key, at) ?? []).filter((one) => Math.abs(at - one.at) < rate.per)
    if (recent.some((one) => one.eventId === eventId)) return undefined
    if (recent.length >= rate.messages) return drop('rate')
    this.#recent.set(key, [...recent, { at, eventId }], at)
    return undefined
  }

  #hold(reason: string): Verdict {
    return this.#settings.canHold() ? { action: 'hold', reason } : drop('quarantine-full')
  }
}

/** A route, and the one it was made from for threads: what holds there holds in them. */
const idsOf = ({ id, parent }: Pick<Moderated, 'id' | 'parent'>): readonly string[] =>
  parent === undefined ? [id] : [id, parent]

const drop = (reason: string): Verdict => ({ action: 'drop', reason })
