import { withDeadline } from '../../base/async.ts'
import type { Clock } from '../../base/clock.ts'
import { errorCode, errorMessage } from '../../base/errors.ts'
import { bodyFiles } from '../../bridges/media.ts'
import type { Place } from '../../bridges/model/place.ts'
import type { Bridge, NativePart, SendOutcome, SendRequest } from '../../bridges/port.ts'
import type { CopyRow } from '../db/sql/step.ts'
import type { Claimed } from './claimed.ts'
import type { LaneStore } from './delivery-store.ts'
import type { PipelineEvents } from './events.ts'
import type { PipelineLimits } from './limits.ts'
import { copyRow, PartLog } from './part-log.ts'
import { type Existing, type SendPlan, sendRequest } from './request.ts'

/** After its abort a bridge has this long to answer. */
const ABORT_GRACE_MS = 5_000
/** Bytes per ms, and the longest extra time for files. */
const SLOWEST_UPLOAD = 128
const MAX_UPLOAD_MS = 600_000

export interface AttemptTools {
  readonly store: LaneStore
  readonly clock: Clock
  readonly limits: PipelineLimits
  readonly events: PipelineEvents
  readonly instance: string
  /** Fires when sends must end now. */
  readonly abort: AbortSignal
}

export interface AttemptWork {
  readonly item: Claimed
  readonly lane: string
  readonly place: Place
  readonly bridge: Bridge
  readonly plan: Extract<SendPlan, { kind: 'send' }>
  readonly existing: Existing | undefined
}

export interface AttemptResult {
  readonly outcome: SendOutcome
  /** All native messages of a create so far; null where nothing new was made. */
  readonly parts: readonly NativePart[] | null
  readonly copies: readonly CopyRow[]
}

/** One call of a bridge, with its deadline and the record of what it creates. Never rejects. */
export async function attempt(work: AttemptWork, tools: AttemptTools): Promise<AttemptResult> {
  const { item, lane, place, bridge, plan, existing } = work
  const { store, limits, instance } = tools
  const before = plan.op === 'create' ? item.parts : (existing?.parts ?? [])
  const log = new PartLog({
    existing: before,
    expectSingle: plan.op === 'create' && isSingle(item, bridge.capabilities.maxText),
    persist: (all, fresh) => store.keepParts(item.id, item.cid, lane, all, fresh),
  })
  const request = sendRequest(item, {
    place,
    plan,
    existing,
    showTimeAfterMs: limits.showTimeAfterMs,
    via: [...(item.envelope?.via ?? []), instance],
    origin: item.envelope?.origin ?? item.envelope?.eventId,
    onPart: log.onPart,
  })
  const outcome = milder(await call(bridge, request, item, tools), item, existing)
  if (plan.op === 'delete') return { outcome, parts: null, copies: [] }
  const parts = log.all(outcome.kind === 'done' ? outcome.parts : [])
  if (plan.op === 'edit' && outcome.kind === 'done') {
    await forgetSurplus(work, outcome.parts, tools)
    await noteFiles(work, outcome.parts, tools)
  }
  const known = new Set(before.map((p) => p.ref.id))
  const fresh = parts.filter((p) => !known.has(p.ref.id))
  return { outcome, parts: fresh.length > 0 ? parts : null, copies: fresh.map((p) => copyRow(p, item.cid, lane)) }
}

/** A bridge that rejects or never answers leaves the delivery in doubt. */
async function call(bridge: Bridge, request: SendRequest, item: Claimed, tools: AttemptTools): Promise<SendOutcome> {
  const { abort, clock, events } = tools
  const ms = tools.limits.sendTimeoutMs + uploadMs(request)
  const timeout = new AbortController()
  const cancel = clock.after(ms, () => timeout.abort())
  const { signal, unlink } = either(abort, timeout)
  try {
    return await withDeadline(bridge.send(request, signal), { ms: ms + ABORT_GRACE_MS, what: 'sending', clock })
  } catch (error) {
    if (errorCode(error) !== 'TIMEOUT') events.bridgeThrew(item, request.place, error)
    return { kind: 'ambiguous', code: errorCode(error, 'BRIDGE_THREW'), message: errorMessage(error) }
  } finally {
    cancel()
    unlink()
  }
}

/** Time the files of a message may take on top, at the slowest pace that is worth waiting for. */
function uploadMs({ op, body }: SendRequest): number {
  if (op === 'delete') return 0
  const bytes = bodyFiles(body).reduce((sum, file) => sum + (file.size ?? 0), 0)
  return Math.min(MAX_UPLOAD_MS, bytes / SLOWEST_UPLOAD)
}

/** `AbortSignal.any` keeps every signal it made on the long-lived one until a collection; this unhooks at once. */
function either(outer: AbortSignal, own: AbortController): { readonly signal: AbortSignal; unlink(): void } {
  const onAbort = (): void => own.abort(outer.reason)
  if (outer.aborted) onAbort()
  else outer.addEventListener('abort', onAbort, { once: true })
  return { signal: own.signal, unlink: () => outer.removeEventListener('abort', onAbort) }
}

/** An edit that needs fewer native messages than before: the others are gone. */
async function forgetSurplus(work: AttemptWork, left: readonly NativePart[], tools: AttemptTools): Promise<void> {
  const ids = left.map((p) => p.ref.id)
  if (ids.length === 0 || !work.existing?.parts.some((p) => !ids.includes(p.ref.id))) return
  const { store, events } = tools
  await store.forgetCopies(work.item.cid, work.lane, ids).catch((error: unknown) => events.background('forget-copies', error))
}

/** An edit that replaced files: the next one must know what is shown now. Without the note it replaces them again. */
async function noteFiles(
  { item, lane, existing }: AttemptWork,
  parts: readonly NativePart[],
  tools: AttemptTools,
): Promise<void> {
  const before = new Map(existing?.parts.map((p) => [p.ref.id, p.shows?.join('\n')]))
  const changed = parts.filter(({ ref, shows }) => before.has(ref.id) && before.get(ref.id) !== shows?.join('\n'))
  if (changed.length === 0) return
  const { store, events } = tools
  await store.changeFiles(item.cid, lane, changed).catch((error: unknown) => events.background('change-files', error))
}

/** Cannot become several native messages: even if every character is escaped it fits. */
function isSingle(item: Claimed, maxText: number): boolean {
  const event = item.envelope?.event
  if (event?.kind !== 'message.create' && event?.kind !== 'message.edit') return false
  const { body } = event
  const plainText = body.attachments.length === 0 && !body.embeds?.length && !body.card && !body.poll && !body.sticker
  return plainText && body.rich.text.length * 2 + 300 <= maxText
}

/** Deleting somebody's original needs rights we may lack; that says nothing about the lane. */
function milder(outcome: SendOutcome, item: Claimed, existing: Existing | undefined): SendOutcome {
  const original = item.op === 'delete' && existing?.createState === undefined
  return original && outcome.kind === 'lane-failed' ? { ...outcome, kind: 'permanent' } : outcome
}
