import { errorCode, errorMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import type { Envelope } from '../../bridges/model/message.ts'
import { type Place, placeKey } from '../../bridges/model/place.ts'
import type { SendOutcome } from '../../bridges/port.ts'
import type { Claimed } from './claimed.ts'
import { isDirectRoute } from './direct-route.ts'
import type { Counters } from './stats.ts'

/** Every business event of the pipeline has one function here that logs and counts it (bridging 20). */
export class PipelineEvents {
  readonly #log: Logger
  readonly #counters: Counters
  /** Somebody wants to know that nothing can be delivered to a lane. */
  onSuspended: (lane: string, probeAt: number) => void = () => {}

  constructor(log: Logger, counters: Counters) {
    this.#log = log
    this.#counters = counters
  }

  received(envelope: Envelope): void {
    this.#counters.add('bridge_events_received_total', { network: envelope.at.network, account: envelope.account })
  }

  duplicate(envelope: Envelope): void {
    this.#counters.add('bridge_events_deduplicated_total', { network: envelope.at.network })
    this.#log.debug({ ev: 'event-duplicate', eventId: envelope.eventId }, 'event was taken before')
  }

  routed(eventId: string, kind: string, deliveries: number): void {
    this.#log.debug({ ev: 'event-routed', eventId, kind, deliveries }, 'event stored')
  }

  filtered(envelope: Envelope, rule: string): void {
    this.#counters.add('bridge_filtered_total', { rule })
    this.#log.info({ ev: 'event-filtered', eventId: envelope.eventId, kind: envelope.event.kind, rule }, 'event not forwarded')
  }

  /** A filter under trial would have stopped it. */
  wouldFilter(envelope: Envelope, rule: string): void {
    this.#counters.add('bridge_filter_dry_run_total', { rule })
    this.#log.info({ ev: 'event-would-filter', eventId: envelope.eventId, rule }, 'a filter under trial would stop this')
  }

  /** It waits for its author's turn. */
  paced({ eventId, at }: Envelope): void {
    this.#counters.add('bridge_paced_total', { network: at.network })
    this.#log.debug({ ev: 'event-paced', eventId }, 'its author writes faster than the rate; it waits for its turn')
  }

  /** A moderator decided about a message that waited. */
  judged(eventId: string, verdict: 'approved' | 'rejected' | 'expired'): void {
    this.#counters.add('bridge_quarantine_total', { verdict })
    this.#log.info({ ev: 'event-judged', eventId, verdict }, 'a message that waited for a moderator is decided')
  }

  dropped(envelope: Envelope, reason: string): void {
    if (reason.startsWith('loop:')) this.#counters.add('bridge_loop_breaks_total', { rule: reason.slice(5) })
    else this.#counters.add('bridge_dropped_total', { reason })
    this.#log.debug({ ev: 'event-dropped', eventId: envelope.eventId, kind: envelope.event.kind, reason }, 'event dropped')
  }

  held(envelope: Envelope): void {
    this.#counters.add('bridge_held_total', { network: envelope.at.network })
    this.#log.debug({ ev: 'event-held', eventId: envelope.eventId }, 'edit or delete waits for its message')
  }

  breakerTripped(route: string, why: string): void {
    this.#counters.add('bridge_loop_breaks_total', { rule: why })
    this.#log.warn({ ev: 'breaker-tripped', route, why }, 'messages of bots are not bridged on this route for a while')
  }

  storeFailed(events: number, error: unknown): void {
    this.#counters.add('bridge_store_failures_total')
    this.#log.error({ ev: 'store-failed', events, err: error }, 'events could not be stored; the source will offer them again')
  }

  unstorable(envelope: Envelope, error: unknown): void {
    this.#log.error(
      { ev: 'event-unstorable', eventId: envelope.eventId, err: error },
      'the database refuses this one event; it is skipped',
    )
  }

  /** One attempt ended; lane and account consequences are told by their own events. */
  attempted(what: {
    readonly item: Claimed
    readonly place: Place
    readonly outcome: SendOutcome
    readonly parked: boolean
    readonly now: number
  }): void {
    const { item, place, outcome, parked } = what
    if (outcome.kind === 'done') this.#delivered(item, place, what.now)
    else if (outcome.kind === 'permanent') this.ended(item, place, 'dead', outcome.code, outcome.message)
    else if (outcome.kind === 'rate-limited') this.#rateLimited(place, outcome.scope, outcome.afterMs)
    else if (outcome.kind === 'ambiguous' || outcome.kind === 'not-sent') {
      if (outcome.kind === 'ambiguous') this.ambiguous(item, place, 'response-lost')
      this.#retrying(item, place, parked ? 'parked' : outcome.kind, outcome.code, outcome.message)
    }
  }

  #delivered(item: Claimed, place: Place, now: number): void {
    this.#count(item, place, 'done')
    const seconds = Math.max(0, now - item.createdAt) / 1000
    const route = routeLabel(item.route)
    this.#counters.observe('bridge_delivery_seconds', { network: place.network, route, op: item.op }, seconds)
    this.#log.info({ ...this.#about(item, place), ev: 'delivered', ms: now - item.createdAt }, 'delivered')
  }

  /** `others`: how many further messages one native message shows. */
  coalesced({ network, account }: Place, route: string, others: number): void {
    if (others > 0) this.#counters.add('bridge_coalesced_total', { network, account, route: routeLabel(route) }, others)
  }

  ended(item: Claimed, place: Place, state: 'cancelled' | 'dead' | 'expired', code: string, message: string): void {
    this.#count(item, place, state)
    const fields = { ...this.#about(item, place), ev: `delivery-${state}`, code, message }
    if (state === 'dead') this.#log.error(fields, 'delivery needs a person: see the dead letters')
    else this.#log.info(fields, `delivery ${state}`)
  }

  /** `routes`: how many of each route. */
  expired(
    lane: string,
    { network, account }: Pick<Place, 'network' | 'account'>,
    routes: Readonly<Record<string, number>>,
  ): void {
    let total = 0
    for (const [route, count] of Object.entries(routes)) {
      total += count
      const labels = { network, account, route: routeLabel(route), op: 'create', outcome: 'expired' }
      this.#counters.add('bridge_deliveries_total', labels, count)
    }
    this.#log.warn({ ev: 'deliveries-expired', lane, count: total }, 'messages were too old to be delivered')
  }

  #retrying(item: Claimed, place: Place, klass: 'not-sent' | 'ambiguous' | 'parked', code: string, message: string): void {
    this.#counters.add('bridge_retries_total', { network: place.network, class: klass })
    this.#log.warn(
      { ...this.#about(item, place), ev: 'delivery-retry', class: klass, code, message },
      'delivery failed, will be tried again',
    )
  }

  ambiguous(item: Claimed, place: Place, resolution: 'response-lost' | 'cut-off'): void {
    this.#counters.add('bridge_ambiguous_total', { network: place.network, resolution })
    this.#log.warn({ ...this.#about(item, place), ev: 'delivery-ambiguous', resolution }, 'delivery may have arrived')
  }

  #rateLimited(place: Place, scope: 'lane' | 'account', waitMs: number): void {
    this.#counters.add('bridge_rate_limited_total', { network: place.network, scope })
    this.#counters.observe('bridge_rate_limit_wait_seconds', { network: place.network, scope }, waitMs / 1000)
    this.#log.debug({ ev: 'rate-limited', account: place.account, scope, ms: waitMs }, 'waiting as told')
  }

  laneSuspended(lane: string, code: string, message: string, probeAt: number): void {
    this.onSuspended(lane, probeAt)
    this.#counters.add('bridge_lanes_suspended_total', { code })
    this.#log.warn(
      { ev: 'lane-suspended', lane, code, message, probeAt },
      'nothing can be delivered there until somebody changes something',
    )
  }

  laneResumed(lane: string): void {
    this.#log.info({ ev: 'lane-resumed', lane }, 'deliveries go on')
  }

  accountFailed(place: Place, code: string, message: string): void {
    this.#counters.add('bridge_account_failures_total', { network: place.network, account: place.account })
    this.#log.error(
      { ev: 'account-failed', network: place.network, account: place.account, code, message },
      'the account is refused: check its token',
    )
  }

  circuitOpened(place: Place): void {
    this.#counters.add('bridge_circuit_opened_total', { network: place.network, account: place.account })
    this.#log.warn(
      { ev: 'circuit-open', network: place.network, account: place.account },
      'the platform does not answer; pausing',
    )
  }

  circuitClosed(place: Place): void {
    this.#log.info({ ev: 'circuit-closed', network: place.network, account: place.account }, 'the platform answers again')
  }

  /** Results an earlier process had noted and not recorded. */
  settled(results: number): void {
    if (results === 0) return
    this.#counters.add('bridge_settled_after_kill_total', {}, results)
    this.#log.info({ ev: 'settled', results }, 'what was sent before the process was cut off is recorded now')
  }

  leaseLost(lane: string): void {
    this.#counters.add('bridge_leases_lost_total')
    this.#log.warn({ ev: 'lease-lost', lane }, 'another worker took the lane over')
  }

  bridgeThrew(item: Claimed, place: Place, error: unknown): void {
    this.#counters.add('bridge_send_bugs_total', { network: place.network })
    this.#log.error({ ...this.#about(item, place), ev: 'bridge-threw', err: error }, 'a bridge rejected instead of answering')
  }

  recordFailed(error: unknown): void {
    this.#counters.add('bridge_record_failures_total')
    this.#log.warn(
      { ev: 'record-failed', code: errorCode(error), message: errorMessage(error) },
      'results could not be written yet',
    )
  }

  background(what: string, error: unknown): void {
    // Lanes are many: they are named in the log alone.
    this.#counters.add('bridge_background_failures_total', { what: what.split(' ', 1)[0] ?? what })
    this.#log.warn({ ev: 'background-failed', what, err: error }, 'background work failed, will be tried again')
  }

  #about(item: Claimed, place: Place): object {
    const { eventId, cid, route, op, attempt, id } = item
    return {
      eventId,
      cid,
      route,
      lane: placeKey(place),
      deliveryId: id,
      op,
      attempt,
      network: place.network,
      account: place.account,
    }
  }

  #count(item: Claimed, place: Place, outcome: string): void {
    const { network, account } = place
    this.#counters.add('bridge_deliveries_total', { network, account, route: routeLabel(item.route), op: item.op, outcome })
  }
}

/** Conversations of single people share one label: they are many, and labels name no people. */
function routeLabel(route: string): string {
  return isDirectRoute(route) ? 'direct' : route
}
