import { BoundedMap } from '../../base/bounded-map.ts'
import { bodyFiles, type MediaPort } from '../media.ts'
import { gatherFiles, NO_FILES, type OutgoingFiles } from '../outgoing-files.ts'
import type { NativePart, SendOutcome, SendRequest } from '../port.ts'
import { type ExecuteContext, executePlan, type MediaRefusal } from './execute.ts'
import type { MediaCall } from './media-call.ts'
import { MAX_UPLOAD, type PlanFiles, type TelegramMedia } from './media-plan.ts'
import { planCalls } from './outbound.ts'

/** New plans of one request; every reason for one can occur a few times only, this bounds them together. */
const MAX_PLANS = 40
const MAX_CHATS = 10_000
const LEARNED_MS = 3_600_000

/** Carries out requests: gets their files, plans, sends, and plans anew where the platform refuses files (bridging 5.4, 9). */
export class Deliverer {
  readonly #media: MediaPort | undefined
  readonly #now: () => number
  /** Sizes from which on a chat refused files; a self-hosted server may have limits of its own. */
  readonly #limits = new BoundedMap<string, number>({ max: MAX_CHATS, ttlMs: LEARNED_MS })

  constructor(media: MediaPort | undefined, now: () => number) {
    this.#media = media
    this.#now = now
  }

  async run(request: SendRequest, ctx: ExecuteContext, signal: AbortSignal): Promise<SendOutcome> {
    const progress = { parts: new Map(request.parts.map((p) => [p.part, p])), doubtful: request.ambiguousSince !== undefined }
    const as = new Map<number, TelegramMedia>()
    const refused = new Set<number>()
    const fixed = new Set<number>()
    let single = false
    for (let plans = 0; plans < MAX_PLANS; plans++) {
      const current: SendRequest = { ...request, parts: [...progress.parts.values()] }
      const got = await this.#gather(current, refused, signal)
      if ('wait' in got) return got.wait
      try {
        const media: PlanFiles | undefined = got.files && { files: got.files, as, single, fixed }
        const calls = planCalls(current, media)
        if (calls === undefined) return { kind: 'permanent', code: 'TELEGRAM_EMPTY', message: 'nothing to show' }
        const outcome = await executePlan(calls, request, progress, ctx, signal)
        if (outcome.kind !== 'refused-media') return outcome
        const { call, why } = outcome
        if (call.op === 'replace') fixed.add(call.part)
        else if (call.group.items.length > 1) single = true
        else this.#giveWay({ call, why }, request, as, refused)
      } finally {
        got.release()
      }
    }
    return { kind: 'permanent', code: 'TELEGRAM_REFUSED', message: 'the platform refuses the files of this message' }
  }

  /** A refused file goes as a document, and when even that is refused it is only named. */
  #giveWay(
    { call, why }: { readonly call: MediaCall; readonly why: MediaRefusal['why'] },
    request: SendRequest,
    as: Map<number, TelegramMedia>,
    refused: Set<number>,
  ): void {
    const item = call.group.items[0]
    if (item === undefined) return
    const { media, file } = item
    if (why === 'too-large' && media === 'document') this.#limits.set(request.place.channel, file.file.size - 1, this.#now())
    if (media === 'document') refused.add(file.index)
    else as.set(file.index, 'document')
  }

  async #gather(
    request: SendRequest,
    refused: ReadonlySet<number>,
    signal: AbortSignal,
  ): Promise<{ readonly files: OutgoingFiles | undefined; release(): void } | { readonly wait: SendOutcome }> {
    const media = this.#media
    if (media === undefined || request.op === 'delete') return { files: undefined, release: () => {} }
    if (bodyFiles(request.body).length === 0) return { files: NO_FILES, release: () => {} }
    const limit = this.#limits.get(request.place.channel, this.#now()) ?? MAX_UPLOAD
    const done = new Set(request.parts.flatMap((p: NativePart) => p.carries?.files ?? []))
    return gatherFiles(request, { media, platform: 'Telegram', maxBytes: () => limit, refused, done }, signal)
  }
}
