import { BoundedMap } from '../../base/bounded-map.ts'
import type { Clock } from '../../base/clock.ts'
import { bodyFiles, type MediaPort } from '../media.ts'
import type { Place } from '../model/place.ts'
import { gatherFiles, NO_FILES } from '../outgoing-files.ts'
import type { SendOutcome } from '../port.ts'
import { carriedBy, type DiscordCall, uploadsOf } from './outbound.ts'
import type { Run } from './run.ts'

/** Bytes of one request, unless the server takes larger files (4.1). */
const MAX_REQUEST = 25 * 1024 * 1024
const MAX_CHANNELS = 10_000
/** A refusal is believed this long, ms: a server may be boosted. */
const LEARNED_MS = 3_600_000

export interface OutgoingDeskOptions {
  /** Files of other networks; without, they are only named. */
  readonly media: MediaPort | undefined
  /** Largest file a place takes, bytes. */
  readonly maxFile: (place: Place) => number
  readonly clock: Clock
}

/** Files of the requests under way, and what Discord said about file sizes (bridging 9). */
export class OutgoingDesk {
  readonly #options: OutgoingDeskOptions
  /** Sizes from which on a channel refused files. */
  readonly #learned = new BoundedMap<string, number>({ max: MAX_CHANNELS, ttlMs: LEARNED_MS })

  constructor(options: OutgoingDeskOptions) {
    this.#options = options
  }

  /** Bytes one message may hold. */
  maxTotal(place: Place): number {
    return Math.max(MAX_REQUEST, this.#options.maxFile(place))
  }

  /** Gets the files of the message; an answer means that it has to wait for them. */
  async gather(run: Run): Promise<SendOutcome | undefined> {
    const { media, maxFile } = this.#options
    const { request, refusedFiles } = run
    if (media === undefined || run.files !== undefined || request.op === 'delete') return undefined
    if (bodyFiles(request.body).length === 0) {
      run.files = NO_FILES
      return undefined
    }
    run.releaseFiles()
    run.releaseFiles = () => {}
    const limit = Math.min(this.#limitOf(request.place), maxFile(request.place))
    const done = carriedBy([...run.parts.values()]).files
    const rules = { media, platform: 'Discord', maxBytes: () => limit, refused: refusedFiles, done }
    const got = await gatherFiles(request, rules, run.signal)
    if ('wait' in got) return got.wait
    run.files = got.files
    run.releaseFiles = got.release
    return undefined
  }

  /** Smaller messages, then without what is too large; the text stays. False when there is nothing left to give up. */
  tooLarge(run: Run, call: DiscordCall | undefined): boolean {
    const uploads = uploadsOf(call)
    const { place } = run.request
    if (uploads.length > 1 && call?.op === 'edit') this.giveUp(run, call)
    else if (uploads.length > 1) run.single = true
    else if (uploads[0] !== undefined) {
      const limit = Math.min(this.#limitOf(place), uploads[0].file.size - 1)
      this.#learned.set(place.channel, limit, this.#options.clock.now())
      this.giveUp(run, call)
    } else if (run.allowFile) run.allowFile = false
    else return false
    return true
  }

  /** Names the files of a call instead of sending them; answers whether there were any. */
  giveUp(run: Run, call: DiscordCall | undefined): boolean {
    const uploads = uploadsOf(call)
    for (const { index } of uploads) run.refusedFiles.add(index)
    if (uploads.length > 0) run.files = undefined
    return uploads.length > 0
  }

  #limitOf(place: Place): number {
    return this.#learned.get(place.channel, this.#options.clock.now()) ?? Number.POSITIVE_INFINITY
  }
}
